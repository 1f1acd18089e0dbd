"""Fisher information: squared gradients of single samples, over the network's own labels, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import complexnn
import psp
from psp.methods import Gated, MultiHead, Separate, fisher
from psp.methods.shared import trained
from tests.laws.conftest import law

D, C = torch.float64, torch.complex128
TASK = 2


class Real(nn.Module):
    """Real logits of a complex network."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layers(x).real
        return logits


class Told(nn.Module):
    """A plain network that is not interested in its task."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, task: int) -> Tensor:
        logits: Tensor = self.net(x)
        return logits


class Twice(nn.Module):
    """One layer, used twice, and over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.Linear(4, 4, dtype=D), nn.Linear(4, 3, dtype=D)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.last(self.layer(self.layer(x.view(len(x), 3, 4)).tanh()).tanh()).sum(1)
        return logits


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 7, dtype=D), nn.ReLU(inplace=True), nn.Linear(7, 4, bias=False, dtype=D))


def complex_mlp() -> nn.Module:
    return Real(complexnn.Linear(6, 7, dtype=C), complexnn.CReLU(), complexnn.Linear(7, 4, dtype=C))


def convolutional(kind: str, layers: type, activation: Callable, dtype: torch.dtype, **options: object) -> nn.Module:
    conv = getattr(layers, kind)
    return nn.Sequential(
        conv(2, 4, 3, dtype=dtype, **options),
        activation(),
        conv(4, 2, 2, groups=2, stride=2, dtype=dtype),
        nn.Flatten(),
        layers.LazyLinear(3, dtype=dtype),  # type: ignore[attr-defined]
    )


def real_conv(kind: str = "Conv2d", **options: object) -> nn.Module:
    return convolutional(kind, nn, nn.Tanh, D, **options)


def complex_conv(**options: object) -> nn.Module:
    return Real(*convolutional("Conv2d", complexnn, complexnn.CReLU, C, **options))  # type: ignore[arg-type]


VECTOR, IMAGE, LINE, VOLUME = (6,), (2, 7, 6), (2, 9), (2, 5, 4, 4)
CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], torch.dtype]] = {
    "linear": (lambda: Told(mlp()), VECTOR, D),
    "complex linear": (lambda: Told(complex_mlp()), VECTOR, C),
    "binary": (lambda: psp.superpose(mlp(), psp.Binary(1)), VECTOR, D),
    "rotation": (lambda: psp.superpose(mlp(), psp.Rotation(1)), VECTOR, D),
    "complex": (lambda: psp.superpose(complex_mlp(), psp.Complex(1)), VECTOR, C),
    "rotated complex": (lambda: psp.superpose(complex_mlp(), psp.Rotation(1)), VECTOR, C),
    "conv": (lambda: Told(real_conv()), IMAGE, D),
    "padded conv": (lambda: Told(real_conv(padding=(2, 1), dilation=(1, 2))), IMAGE, D),
    "same conv": (lambda: Told(real_conv(padding="same", dilation=2)), IMAGE, D),
    "reflecting conv": (lambda: Told(real_conv(padding=1, padding_mode="reflect")), IMAGE, D),
    "conv1d": (lambda: Told(real_conv("Conv1d", stride=2, padding=1)), LINE, D),
    "conv3d": (lambda: Told(real_conv("Conv3d", padding=1)), VOLUME, D),
    "complex conv": (lambda: Told(complex_conv(padding=1, stride=(2, 1))), IMAGE, C),
    "superposed conv": (lambda: psp.superpose(met(real_conv(padding=1), D), psp.Rotation(1)), IMAGE, D),
    "superposed complex conv": (lambda: psp.superpose(met(complex_conv(), C), psp.Complex(1)), IMAGE, C),
    "twice": (lambda: Told(Twice()), (12,), D),
    "multi-head": (lambda: MultiHead(mlp(), 3), VECTOR, D),
    "separate": (lambda: Separate(mlp, 3), VECTOR, D),
    "gated": (
        lambda: Gated(nn.Sequential(nn.Linear(6, 7, dtype=D), nn.Softplus(), nn.Linear(7, 4, dtype=D))),
        VECTOR,
        D,
    ),
    "gated conv": (lambda: Gated(met(real_conv(), D), share=0.5), IMAGE, D),
}


def met(net: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The network after its lazy layer has met an input."""
    net(torch.randn(2, *IMAGE, dtype=dtype))
    return net


def loop(net: nn.Module, x: Tensor, task: int) -> dict[str, Tensor]:
    """The definition: one sample, one class at a time."""
    parameters = trained(net)
    found = {name: torch.zeros_like(p, dtype=D) for name, p in parameters.items()}
    for sample in x:
        scores = net(sample[None], task=task)[0].log_softmax(0)
        for score in scores:
            gradients = torch.autograd.grad(score, list(parameters.values()), retain_graph=True, allow_unused=True)
            for total, gradient in zip(found.values(), gradients, strict=True):
                if gradient is not None:
                    total += score.detach().exp() * gradient.abs().square() / len(x)
    return found


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_it_is_what_a_loop_over_samples_and_classes_finds(case: tuple) -> None:
    make, shape, dtype = case
    torch.manual_seed(0)
    net, x = make(), torch.randn(5, *shape, dtype=dtype)
    net(x, task=TASK)
    found = fisher(net, [(x[:2], x[:2]), (x[2:], x[2:])], TASK)
    expected = loop(net, x, TASK)
    assert found.keys() == expected.keys()
    assert max(float(f.abs().max()) for f in found.values()) > 1e-3
    for name, f in found.items():
        torch.testing.assert_close(f, expected[name], rtol=1e-10, atol=1e-14)


@law
@given(st.integers(1, 6), st.integers(1, 5), st.integers(2, 5), st.integers(0, 10**6))
def test_it_is_the_closed_form_of_softmax_regression(n: int, width: int, classes: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer, x = nn.Linear(width, classes, dtype=D), torch.randn(n, width, dtype=D)
    found = fisher(Told(layer), [(x, x)], 0)
    p = np.exp((x @ layer.weight.mT + layer.bias).detach().numpy())
    p /= p.sum(1, keepdims=True)
    np.testing.assert_allclose(found["net.weight"], (p * (1 - p)).T @ x.numpy() ** 2 / n, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(found["net.bias"], (p * (1 - p)).mean(0), rtol=1e-9, atol=1e-14)


def test_that_of_a_complex_weight_is_the_sum_of_those_of_its_two_parts() -> None:
    torch.manual_seed(0)
    layer, x = complexnn.Linear(4, 3, dtype=C), torch.randn(6, 4, dtype=C)
    found = fisher(Told(Real(layer)), [(x, x)], 0)
    (a, b), (xr, xi) = ((z.real.detach().clone(), z.imag.detach().clone()) for z in (layer.weight, x))
    split = nn.Linear(8, 3, dtype=D)  # Re(W x) = [A, -B] [xr, xi]
    split.weight.data = torch.cat([a, -b], 1)
    split.bias.data = layer.bias.real.detach().clone()
    parts = fisher(Told(split), [(torch.cat([xr, xi], 1), x)], 0)
    torch.testing.assert_close(found["net.layers.0.weight"], parts["net.weight"].view(3, 2, 4).sum(1))
    torch.testing.assert_close(found["net.layers.0.bias"], parts["net.bias"])


def test_the_first_samples_count_and_no_batch_more_is_read() -> None:
    torch.manual_seed(0)
    net, x = Told(mlp()), torch.randn(9, 6, dtype=D)
    read = []

    def batches():  # type: ignore[no-untyped-def]
        for part in x.split(3):
            read.append(len(part))
            yield part, part

    found = fisher(net, batches(), 0, samples=5)
    assert read == [3, 3]
    for name, f in fisher(net, [(x[:5], x)], 0).items():
        torch.testing.assert_close(found[name], f, rtol=1e-12, atol=0)


def test_it_is_taken_in_evaluation_mode_and_leaves_no_trace() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(7, affine=False, dtype=D)
    net = Told(nn.Sequential(nn.Linear(6, 7, dtype=D), norm, nn.Dropout(), nn.Linear(7, 3, dtype=D)))
    x = torch.randn(8, 6, dtype=D)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    found = fisher(net, [(x, x)], 0)
    assert net.training and norm.training
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())
    assert all(p.grad is None and not p._backward_hooks for p in net.parameters())
    assert all(not layer._forward_hooks for layer in net.modules())
    expected = loop(net.eval(), x, 0)
    for name, f in found.items():
        torch.testing.assert_close(f, expected[name], rtol=1e-10, atol=1e-14)


def test_what_cannot_be_measured_is_said() -> None:
    x = torch.randn(4, 6, dtype=D)
    with pytest.raises(TypeError, match=r"but net\.1\.weight is none of these"):
        fisher(Told(nn.Sequential(nn.Linear(6, 3, dtype=D), nn.LayerNorm(3, dtype=D))), [(x, x)], 0)
    tied = nn.Sequential(nn.Linear(6, 6, dtype=D), nn.Linear(6, 6, dtype=D))
    tied[1].weight = tied[0].weight
    with pytest.raises(TypeError, match=r"net\.0\.weight is shared"):
        fisher(Told(tied), [(x, x)], 0)
    with pytest.raises(TypeError, match="reads 8 samples where the network was given 4"):
        fisher(
            Told(nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Flatten(0, 1), nn.Linear(3, 2, dtype=D), Half())),
            [(x, x)],
            0,
        )
    with pytest.raises(ValueError, match="at least one sample"):
        fisher(Told(mlp()), [], 0)


class Half(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.view(len(x) // 2, -1)

"""Convolutions and transposed convolutions in one, two and three dimensions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import convolve, correlate
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap

import complexnn
from complexnn import functional as F
from complexnn.functional.gauss import Convolution, multiply

DTYPES = pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
DIMENSIONS = pytest.mark.parametrize("n", [1, 2, 3])
TOLERANCE = {torch.complex64: 3e-6, torch.complex128: 1e-13}
# torch scripts its own decompositions at the first forward-mode derivative, and warns of that
FORWARD_MODE = pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")

CONV = {1: complexnn.Conv1d, 2: complexnn.Conv2d, 3: complexnn.Conv3d}
TRANSPOSED = {1: complexnn.ConvTranspose1d, 2: complexnn.ConvTranspose2d, 3: complexnn.ConvTranspose3d}
REAL = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
REAL_TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
SIDES = {1: (11,), 2: (7, 6), 3: (5, 4, 6)}

OPTIONS: list[dict[str, Any]] = [
    {},
    {"padding": 1, "bias": False},
    {"padding": "same", "dilation": 2},
    {"padding": "valid", "stride": 2},
    {"kernel_size": 2, "padding": "same"},
    {"stride": 2, "padding": 1, "groups": 2},
    {"groups": 4, "padding": 2, "dilation": 2},
    *({"padding": 1, "padding_mode": mode, "stride": 2} for mode in ("reflect", "replicate", "circular")),
    {"padding": "same", "padding_mode": "circular", "kernel_size": 4},
]
TRANSPOSED_OPTIONS: list[dict[str, Any]] = [
    {},
    {"stride": 2, "bias": False},
    {"stride": 3, "padding": 1, "output_padding": 2},
    {"stride": 2, "dilation": 2, "groups": 2},
    {"groups": 4, "padding": 1},
]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=["three products", "torch's product"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test with either way of convolving, whatever the size."""
    monkeypatch.setattr(Convolution, "least", 0 if request.param == "three products" else float("inf"))
    return str(request.param)


def signal(n: int, dtype: torch.dtype, channels: int = 4) -> Tensor:
    return torch.randn(3, channels, *SIDES[n], dtype=dtype)


def close(actual: Tensor, expected: Tensor, dtype: torch.dtype) -> bool:
    assert actual.dtype == dtype and actual.shape == expected.shape
    error = (actual.detach().to(torch.complex128) - expected.detach()).abs().max()
    return bool(error <= TOLERANCE[dtype] * expected.detach().abs().max())


class FourConvolutions(nn.Module):
    """A complex layer from torch's real one of the same configuration, called four times in float64."""

    def __init__(self, layer: nn.Module, real: type[nn.Module], options: dict[str, Any]) -> None:
        super().__init__()
        bias = layer.bias
        self.weight = nn.Parameter(layer.weight.detach().to(torch.complex128))
        self.bias = None if bias is None else nn.Parameter(bias.detach().to(torch.complex128))
        options = {"kernel_size": 3, **options, "bias": False}
        self.real = real(4, 8, dtype=torch.float64, **options)

    def forward(self, z: Tensor, *args: Any) -> Tensor:
        def apply(x: Tensor, w: Tensor) -> Tensor:
            return functional_call(self.real, {"weight": w}, (x, *args))

        w = self.weight
        y = torch.complex(apply(z.real, w.real) - apply(z.imag, w.imag), apply(z.real, w.imag) + apply(z.imag, w.real))
        return y if self.bias is None else y + self.bias.view(-1, *[1] * (w.ndim - 2))


# torch's real layer warns that it pads an even kernel on one side
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@DTYPES
@pytest.mark.parametrize(
    ("n", "transposed", "options"),
    [(n, False, o) for n, o in itertools.product(CONV, OPTIONS)]
    + [(n, True, o) for n, o in itertools.product(CONV, TRANSPOSED_OPTIONS)],
)
def test_values_and_gradients_are_those_of_four_real_convolutions(
    path: str, n: int, transposed: bool, options: dict[str, Any], dtype: torch.dtype
) -> None:
    layer = (TRANSPOSED if transposed else CONV)[n](4, 8, **{"kernel_size": 3, **options}, dtype=dtype)
    reference = FourConvolutions(layer, (REAL_TRANSPOSED if transposed else REAL)[n], options)
    z = signal(n, dtype).requires_grad_()
    exact = z.detach().to(torch.complex128).requires_grad_()
    y, expected = layer(z), reference(exact)
    assert close(y, expected, dtype)
    g = torch.randn_like(expected)
    y.backward(g.to(dtype))
    expected.backward(g)
    assert close(z.grad, exact.grad, dtype)
    assert close(layer.weight.grad, reference.weight.grad, dtype)
    if layer.bias is not None:
        assert close(layer.bias.grad, reference.bias.grad, dtype)


MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def spread(kernel: np.ndarray, step: int) -> np.ndarray:
    """A kernel or a signal with ``step - 1`` zeros between its numbers."""
    wide = np.zeros([step * (side - 1) + 1 for side in kernel.shape], dtype=complex)
    wide[tuple([slice(None, None, step)] * kernel.ndim)] = kernel
    return wide


@DIMENSIONS
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), (1, 2, 1), (3, 2, 4)])
def test_convolution_is_scipys_correlation_with_the_conjugated_kernel(
    path: str, n: int, mode: str, stride: int, dilation: int, groups: int
) -> None:
    layer = CONV[n](
        4, 8, 2, stride, 1, dilation, groups, padding_mode=mode, dtype=torch.complex128
    )  # fmt: skip
    z = signal(n, torch.complex128)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    padded = np.pad(z.numpy(), [(0, 0), (0, 0)] + [(1, 1)] * n, mode=MODES[mode])  # type: ignore[call-overload]
    expected = []
    for sample in padded:
        for o, kernels in enumerate(weight):
            first = o // (8 // groups) * (4 // groups)
            total = sum(
                correlate(sample[first + i], spread(kernel.conj(), dilation), "valid", "direct")
                for i, kernel in enumerate(kernels)
            )
            expected.append(total[tuple([slice(None, None, stride)] * n)] + bias[o])
    actual = layer(z)
    assert close(actual, torch.from_numpy(np.stack(expected)).reshape(actual.shape), torch.complex128)


@DIMENSIONS
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 2), (3, 2, 4)])
def test_transposed_convolution_is_scipys_convolution_of_the_spread_signal(
    n: int, stride: int, dilation: int, groups: int
) -> None:
    layer = TRANSPOSED[n](4, 8, 2, stride, groups=groups, dilation=dilation, dtype=torch.complex128)
    z = signal(n, torch.complex128)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = [
        bias[o]
        + sum(
            convolve(
                spread(sample[i], stride), spread(weight[i, o % (8 // groups)], dilation), "full", "direct"
            )
            for i in range(o // (8 // groups) * (4 // groups), (o // (8 // groups) + 1) * (4 // groups))
        )
        for sample in z.numpy()
        for o in range(8)
    ]  # fmt: skip
    actual = layer(z)
    assert close(actual, torch.from_numpy(np.stack(expected)).reshape(actual.shape), torch.complex128)


@DIMENSIONS
@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"padding": 1, "dilation": 2, "groups": 2}])
def test_transposed_convolution_with_the_conjugated_weight_is_the_adjoint(n: int, options: dict[str, Any]) -> None:
    down = CONV[n](4, 8, 3, bias=False, dtype=torch.complex128, **options)
    up = TRANSPOSED[n](8, 4, 3, bias=False, dtype=torch.complex128, **options)
    with torch.no_grad():
        up.weight.copy_(down.weight.conj())
    z = signal(n, torch.complex128)
    y = torch.randn_like(down(z))
    raised = up(y, output_size=z.shape[2:])
    assert torch.allclose(torch.vdot(y.flatten(), down(z).flatten()), torch.vdot(raised.flatten(), z.flatten()))


@DIMENSIONS
@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect"])
def test_an_unbatched_signal_is_a_batch_of_one(path: str, n: int, mode: str) -> None:
    z = signal(n, torch.complex128)
    for layer in (
        CONV[n](4, 6, 3, padding=1, padding_mode=mode, dtype=torch.complex128),
        CONV[n](4, 6, 2, padding="same", dtype=torch.complex128),
        TRANSPOSED[n](4, 6, 3, stride=2, dtype=torch.complex128),
    ):
        y = layer(z[1])
        assert y.shape == layer(z).shape[1:] and torch.allclose(y, layer(z)[1])


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_same_padding_keeps_each_side_of_a_kernel_of_its_own() -> None:
    z = signal(3, torch.complex128)
    layer = complexnn.Conv3d(4, 6, (2, 3, 5), padding="same", dilation=(3, 1, 1), dtype=torch.complex128)
    expected = nn.functional.conv3d(z, layer.weight, layer.bias, padding="same", dilation=(3, 1, 1))
    assert close(layer(z), expected, torch.complex128) and expected.shape[2:] == z.shape[2:]


@DIMENSIONS
def test_output_size_picks_among_the_sizes_of_a_stride(n: int) -> None:
    layer = TRANSPOSED[n](4, 6, 3, stride=3, padding=1, dtype=torch.complex128)
    z = signal(n, torch.complex128)
    least = [3 * side - 2 for side in SIDES[n]]
    assert layer(z).shape[2:] == tuple(least)
    for more in (0, 1, 2):
        size = [side + more for side in least]
        y = layer(z, size)
        assert y.shape[2:] == tuple(size)
        inside = y[(..., *(slice(side) for side in least))]
        assert torch.allclose(inside, layer(z))
    with pytest.raises(ValueError, match="requested an output size"):
        layer(z, [side + 3 for side in least])


@DTYPES
def test_convolution_is_the_per_element_sum(path: str, dtype: torch.dtype) -> None:
    layer = complexnn.Conv2d(2, 3, (2, 3), stride=(1, 2), dtype=dtype)
    z = torch.randn(2, 2, 4, 6, dtype=dtype)
    y = layer(z).detach()
    w, b = layer.weight.detach().to(torch.complex128), layer.bias.detach()
    for m, o, i, j in itertools.product(range(2), range(3), range(3), range(2)):
        patch = z[m, :, i : i + 2, 2 * j : 2 * j + 3]
        assert abs(complex((w[o] * patch).sum() + b[o]) - complex(y[m, o, i, j])) < 1e-5


def results(layer: nn.Module, z: Tensor, g: Tensor) -> list[Tensor]:
    z = z.clone().requires_grad_()
    y = layer(z)
    return [y.detach(), *torch.autograd.grad(y, (z, layer.weight), g.to(y.dtype))]


def test_three_convolutions_are_as_accurate_as_torchs_within_a_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Greatest error over the greatest modulus, of the result and both gradients; torch takes three too."""
    monkeypatch.setattr(Convolution, "least", 0)
    layer, double = complexnn.Conv2d(32, 48, 3), complexnn.Conv2d(32, 48, 3, dtype=torch.complex128)
    torchs = nn.Conv2d(32, 48, 3, dtype=torch.complex64)
    double.load_state_dict(layer.state_dict())
    torchs.load_state_dict(layer.state_dict())
    z = torch.randn(4, 32, 12, 12, dtype=torch.complex64)
    g = torch.randn(4, 48, 10, 10, dtype=torch.complex64)
    exact = results(double, z.to(torch.complex128), g)
    for one, other, reference in zip(results(layer, z, g), results(torchs, z, g), exact, strict=True):
        ours, theirs = (float((t - reference).abs().max() / reference.abs().max()) for t in (one, other))
        assert ours < 4 * theirs and ours < 2e-6


def test_large_convolutions_take_three_real_ones_in_fewer_passes_than_torch() -> None:
    weight = torch.randn(4, 4, 3, dtype=torch.complex64, requires_grad=True)
    for length, expected in ((16, False), (4096, True)):
        y = multiply(torch.randn(2, 4, length, dtype=torch.complex64), weight, None, Convolution([1], [0], [1], 1))
        assert ("Gauss" in y.grad_fn.name()) == expected


@pytest.mark.parametrize("bias", [True, False])
def test_convolution_has_first_and_second_derivatives(path: str, bias: bool) -> None:
    shapes = ((2, 2, 3, 2), (2, 1, 2, 2), (2,))[: 2 + bias]
    given = [torch.randn(*shape, dtype=torch.complex128, requires_grad=True) for shape in shapes]
    options = {"stride": 2, "padding": (1, 0), "groups": 2}
    assert torch.autograd.gradcheck(lambda *a: F.conv(*a, **options), given)
    assert torch.autograd.gradgradcheck(lambda *a: F.conv(*a, **options), given)


@FORWARD_MODE
def test_convolution_has_forward_mode_derivatives(path: str) -> None:
    given = tuple(torch.randn(*s, dtype=torch.complex128) for s in ((2, 2, 6), (3, 2, 3), (3,)))
    tangents = tuple(torch.randn_like(factor) for factor in given)
    _, actual = jvp(F.conv, given, tangents)
    (x, w, _), (dx, dw, db) = given, tangents
    assert torch.allclose(actual, F.conv(dx, w, db) + F.conv(x, dw))


def test_per_sample_gradients_by_vmap_equal_those_one_by_one(path: str) -> None:
    layer = complexnn.Conv1d(2, 3, 3, padding=1, dtype=torch.complex128)
    parameters = dict(layer.named_parameters())
    z = torch.randn(4, 2, 7, dtype=torch.complex128)

    def loss(parameters: dict[str, Tensor], z: Tensor) -> Tensor:
        return functional_call(layer, parameters, (z,)).abs().square().sum()

    together = vmap(grad(loss), (None, 0))(parameters, z)
    for index in range(4):
        alone = torch.autograd.grad(loss(parameters, z[index]), tuple(parameters.values()))
        for name, one in zip(parameters, alone, strict=True):
            assert torch.allclose(together[name][index], one)


def test_autocast_leaves_complex_convolutions_in_their_precision(path: str) -> None:
    z = torch.randn(2, 4, 8, 8, dtype=torch.complex64, requires_grad=True)
    for layer in (complexnn.Conv2d(4, 6, 3), complexnn.ConvTranspose2d(4, 6, 3)):
        expected = layer(z)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            inside = layer(z)
            inside.sum().abs().backward()
            expected.sum().abs().backward()  # a backward pass inside of a forward pass outside
        assert inside.dtype == torch.complex64 and torch.allclose(inside, expected, atol=1e-5)


def test_channels_last_signals_stay_so(path: str) -> None:
    layer = complexnn.Conv2d(4, 6, 3)
    z = signal(2, torch.complex64)
    y = layer(z.to(memory_format=torch.channels_last))
    assert y.is_contiguous(memory_format=torch.channels_last) and torch.allclose(y, layer(z), atol=1e-5)


@DIMENSIONS
@DTYPES
def test_default_weights_have_the_variance_of_torchs_real_layers(n: int, dtype: torch.dtype) -> None:
    for ours, real, fan in ((CONV, REAL, 20), (TRANSPOSED, REAL_TRANSPOSED, 300)):
        layers = (ours[n](40, 600, 2, groups=2, dtype=dtype), real[n](40, 600, 2, groups=2))
        for tensor in (t for layer in layers for t in (layer.weight, layer.bias)):
            power = tensor.detach().abs().square()
            five_errors = 5 * float(power.std() / power.numel() ** 0.5)
            assert abs(float(power.mean()) - 1 / (3 * fan * 2**n)) < five_errors


@DIMENSIONS
def test_layers_are_torchs_and_share_its_state_dict(n: int) -> None:
    for ours, real in ((CONV, REAL), (TRANSPOSED, REAL_TRANSPOSED)):
        layer, torchs = ours[n](4, 6, 3, stride=2), real[n](4, 6, 3, stride=2, dtype=torch.complex128)
        assert isinstance(layer, real[n]) and isinstance(layer, nn.modules.conv._ConvNd)
        layer = ours[n](4, 6, 3, stride=2, dtype=torch.complex128)
        torchs.load_state_dict(layer.state_dict())
        z = signal(n, torch.complex128)
        assert close(layer(z), torchs(z), torch.complex128) and repr(layer) == repr(torchs)


def test_conv_forward_takes_any_weight_and_bias(path: str) -> None:
    layer = complexnn.Conv2d(4, 6, 3, padding=1, padding_mode="circular", dtype=torch.complex128)
    z, context = signal(2, torch.complex128), torch.randn(4, 1, 1, dtype=torch.complex128)
    actual = type(layer)._conv_forward(layer, z, layer.weight * context, layer.bias)
    assert torch.allclose(actual, layer(z * context))


@DIMENSIONS
def test_wrong_inputs_raise(n: int) -> None:
    z = signal(n, torch.complex64)
    for kind in (CONV, TRANSPOSED):
        with pytest.raises(TypeError, match="expects a complex dtype"):
            kind[n](4, 6, 3, dtype=torch.float32)
        layer = kind[n](4, 6, 3)
        with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
            layer(z.real)
        with pytest.raises(RuntimeError, match="channels"):
            layer(z[:, :3])
        with pytest.raises((ValueError, RuntimeError), match="unbatched"):
            layer(z[None])
    with pytest.raises(ValueError, match="zeros"):
        TRANSPOSED[n](4, 6, 3, padding_mode="circular")


def test_a_weight_of_no_convolution_raises() -> None:
    for ndim in (2, 6):
        with pytest.raises(ValueError, match=r"expects a weight .* of 3 to 5 dimensions, got shape \(3, 3"):
            F.conv(signal(1, torch.complex64), torch.randn([3] * ndim, dtype=torch.complex64))


def test_wrong_padding_raises() -> None:
    z, weight = signal(1, torch.complex64), torch.randn(6, 4, 3, dtype=torch.complex64)
    with pytest.raises(ValueError, match="'same' or 'valid', got 'full'"):
        F.conv(z, weight, padding="full")
    with pytest.raises(ValueError, match="needs stride 1"):
        F.conv(z, weight, stride=2, padding="same")
    with pytest.raises(ValueError, match="strided"):
        complexnn.Conv1d(4, 6, 3, stride=2, padding="same")

"""Whitening batch normalisation against SciPy's square root of the covariance, forward and backward."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

import complexnn
from complexnn import functional as F

SHAPES = {1: [(7, 3), (5, 2, 9)], 2: [(4, 3, 5, 2)], 3: [(3, 2, 2, 3, 4)]}
CASES = [(getattr(complexnn, f"BatchNorm{n}d"), shape) for n, shapes in SHAPES.items() for shape in shapes]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def signal(*shape: int, dtype: torch.dtype = torch.complex128) -> Tensor:
    """Improper and off centre, each channel in its own way."""
    z = torch.randn(shape, dtype=dtype)
    view = [1, shape[1], *[1] * (len(shape) - 2)]
    a, b, c = torch.randn(3, shape[1], dtype=dtype).reshape(3, *view).unbind()
    return (1 + 0.3 * a.sgn()) * z + 0.4 * b.sgn() * z.conj() + 2 * c


def learned(layer: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.5)
    return layer


def parts(z: Tensor) -> np.ndarray:
    return np.stack([z.real.flatten().numpy(), z.imag.flatten().numpy()])


def symmetric(rows: np.ndarray) -> np.ndarray:
    rr, ri, ii = rows
    return np.array([[rr, ri], [ri, ii]])


def reference(z: Tensor, layer: nn.Module) -> Tensor:
    """gamma V^(-1/2) (z - E z) + beta channel by channel, in float64."""
    out = torch.empty(z.shape, dtype=torch.complex128)
    for c in range(z.shape[1]):
        x = parts(z[:, c].to(torch.complex128))
        x = x - x.mean(1, keepdims=True)
        root = scipy.linalg.sqrtm(x @ x.T / x.shape[1] + layer.eps * np.eye(2)).real
        gamma = (
            np.eye(2) / math.sqrt(2) if layer.weight is None else symmetric(layer.weight[c].detach().double().numpy())
        )
        y = gamma @ np.linalg.inv(root) @ x
        beta = 0 if layer.bias is None else layer.bias[c].item()
        out[:, c] = torch.from_numpy(y[0] + 1j * y[1]).reshape(z[:, c].shape) + beta
    return out


def plain(z: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """The same for autograd, by eigenvectors: no formula in common with complexnn's."""
    x = torch.view_as_real(z).transpose(0, 1).flatten(1, -2)  # (C, n, 2)
    x = x - x.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(x.mT @ x / x.shape[1] + eps * torch.eye(2, dtype=x.dtype))
    root = vectors @ torch.diag_embed(values.rsqrt()) @ vectors.mT
    gamma = torch.stack([weight[:, 0], weight[:, 1], weight[:, 1], weight[:, 2]], -1).view(-1, 2, 2)
    y = torch.view_as_complex(x @ (gamma @ root).mT) + bias[:, None]
    return y.unflatten(1, (z.shape[0], *z.shape[2:])).transpose(0, 1)


@pytest.mark.parametrize(("layer", "shape"), CASES)
@pytest.mark.parametrize("affine", [True, False])
def test_whitening_gives_unit_circular_output(layer: type[nn.Module], shape: tuple[int, ...], affine: bool) -> None:
    y = layer(shape[1], eps=1e-12, affine=affine, dtype=torch.complex128)(signal(*shape)).detach()
    dims = [0, *range(2, len(shape))]
    torch.testing.assert_close(y.mean(dims), torch.zeros_like(y.mean(dims)), atol=1e-9, rtol=0)
    torch.testing.assert_close(y.abs().square().mean(dims), torch.ones(shape[1]).double(), atol=1e-9, rtol=0)
    torch.testing.assert_close((y * y).mean(dims), torch.zeros_like(y.mean(dims)), atol=1e-9, rtol=0)


@pytest.mark.parametrize(("layer", "shape"), CASES)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.complex64, 1e-5), (torch.complex128, 1e-12)])
@pytest.mark.parametrize("arguments", [{}, {"affine": False}, {"bias": False}, {"eps": 0.3}])
def test_whitening_equals_the_inverse_square_root_of_the_covariance(
    layer: type[nn.Module], shape: tuple[int, ...], dtype: torch.dtype, atol: float, arguments: dict
) -> None:
    module = learned(layer(shape[1], dtype=dtype, **arguments))
    z = signal(*shape, dtype=dtype)
    torch.testing.assert_close(module(z).to(torch.complex128), reference(z, module), atol=atol, rtol=0)


def test_invertible_widely_linear_maps_change_the_output_by_an_orthogonal_one() -> None:
    layer = complexnn.BatchNorm1d(2, eps=1e-13, affine=False, dtype=torch.complex128)
    z = signal(50, 2)
    for a, b in [(2 - 1j, 0.4), (0.2, 1 + 1j), (1e-3j, 0), (1.0, 0.9)]:
        y, other = layer(z), layer(a * z + b * z.conj() + 3 - 7j)
        for c in range(2):
            turn = 2 * parts(other[:, c]) @ parts(y[:, c]).T / 50  # other = turn y, where y has covariance I / 2
            np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-6)
            np.testing.assert_allclose(turn @ parts(y[:, c]), parts(other[:, c]), atol=1e-6)


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_custom_backward_equals_plain_autograd(layer: type[nn.Module], shape: tuple[int, ...]) -> None:
    module = learned(layer(shape[1], dtype=torch.complex128))
    z = signal(*shape).requires_grad_()
    inputs = [z, module.weight, module.bias]
    expected, actual = plain(*inputs), module(z)
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=0)
    grad = torch.randn_like(z)
    pairs = zip(torch.autograd.grad(actual, inputs, grad), torch.autograd.grad(expected, inputs, grad), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, atol=1e-11, rtol=1e-10)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("shape", [(4, 2), (3, 2, 2)])
def test_first_and_second_derivatives_equal_finite_differences(affine: bool, shape: tuple[int, ...]) -> None:
    layer = learned(complexnn.BatchNorm1d(2, affine=affine, dtype=torch.complex128))
    inputs = (signal(*shape).requires_grad_(), *layer.parameters())

    def function(z: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        return F.batch_norm(z, None, None, weight, bias, training=True)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_evaluation_derivatives_equal_finite_differences() -> None:
    layer = learned(complexnn.BatchNorm1d(2, dtype=torch.complex128))
    layer(signal(9, 2, 3))
    layer.eval()
    inputs = (signal(2, 2, 2).requires_grad_(), layer.weight, layer.bias)

    def function(z: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.batch_norm(z, layer.running_mean, layer.running_cov, weight, bias)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_running_statistics_average_unbiased_batch_statistics(momentum: float | None, dtype: torch.dtype) -> None:
    layer = complexnn.BatchNorm2d(3, momentum=momentum, dtype=dtype)
    buffers = [layer.running_mean, layer.running_cov, layer.num_batches_tracked]
    mean, cov = np.zeros(3, complex), np.tile(np.eye(2) / 2, (3, 1, 1))
    for step in range(1, 5):
        z = signal(5, 3, 2, 3, dtype=dtype)
        layer(z)
        share = 1 / step if momentum is None else momentum
        for c in range(3):
            x = parts(z[:, c].to(torch.complex128))
            mean[c] += share * (complex(*x.mean(1)) - mean[c])
            cov[c] += share * (np.cov(x) - cov[c])
    rtol = 1e-5 if dtype == torch.complex64 else 1e-12
    np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=rtol, atol=rtol)
    rows = np.stack([cov[:, 0, 0], cov[:, 0, 1], cov[:, 1, 1]], 1)
    np.testing.assert_allclose(layer.running_cov.numpy(), rows, rtol=rtol, atol=rtol)
    assert layer.num_batches_tracked == 4
    assert all(before is after for before, after in zip(buffers, layer.buffers(), strict=True))  # moved in place

    learned(layer).eval()
    z = signal(2, 3, 4, 1, dtype=dtype)
    y = torch.empty(z.shape, dtype=torch.complex128)
    for c in range(3):
        x = parts(z[:, c].to(torch.complex128)) - np.array([[mean[c].real], [mean[c].imag]])
        root = scipy.linalg.sqrtm(cov[c] + layer.eps * np.eye(2)).real
        v = symmetric(layer.weight[c].detach().double().numpy()) @ np.linalg.inv(root) @ x
        y[:, c] = torch.from_numpy(v[0] + 1j * v[1]).reshape(2, 4, 1) + layer.bias[c].item()
    before = copy.deepcopy(layer.state_dict())
    torch.testing.assert_close(layer(z).to(torch.complex128), y, atol=10 * rtol, rtol=0)
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


def test_a_new_layer_in_evaluation_is_the_identity_up_to_eps() -> None:
    z = torch.randn(4, 3, 2, 2, dtype=torch.complex128)
    torch.testing.assert_close(complexnn.BatchNorm2d(3, dtype=z.dtype).eval()(z), z / math.sqrt(1 + 2e-5))


def test_without_running_statistics_evaluation_uses_the_batch() -> None:
    layer = complexnn.BatchNorm1d(3, track_running_stats=False)
    z = signal(6, 3, dtype=torch.complex64)
    assert not list(layer.buffers())
    torch.testing.assert_close(layer.eval()(z), layer.train()(z))


def test_running_statistics_can_be_frozen() -> None:
    layer = complexnn.BatchNorm1d(3)
    layer.track_running_stats = False  # as in torch: training no longer moves them, evaluation still uses them
    z = signal(6, 3, dtype=torch.complex64)
    layer(z)
    assert layer.num_batches_tracked == 0 and not layer.running_mean.any()
    torch.testing.assert_close(layer.eval()(z), z / math.sqrt(1 + 2e-5))


SCALES = [1e-12, 1e-6, 1e-2, 1.0, 1e2, 1e4, 1e6]


@pytest.mark.parametrize("scale", SCALES)
def test_whitening_is_finite_and_right_at_any_scale(scale: float) -> None:
    layer = complexnn.BatchNorm1d(3)
    z = (signal(40, 3, dtype=torch.complex64) * scale).requires_grad_()
    y = layer(z)
    expected = reference(z.detach(), layer)
    torch.testing.assert_close(y.to(torch.complex128), expected, atol=2e-6 * float(expected.abs().max()), rtol=0)
    y.backward(torch.randn_like(y))
    assert z.grad is not None and z.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(50, 12), (3, 12, 400)])
@pytest.mark.parametrize("scale", SCALES)
def test_constant_phase_is_whitened_along_it_without_nan(scale: float, shape: tuple[int, ...]) -> None:
    axis = torch.polar(torch.ones(12), torch.arange(12) * math.pi / 12).view(12, *[1] * (len(shape) - 2))
    amplitude = torch.randn(shape) * scale
    z = (amplitude * axis).requires_grad_()
    layer = complexnn.BatchNorm1d(12)
    y = layer(z)
    y.backward(torch.randn_like(y))
    assert y.isfinite().all() and z.grad.isfinite().all() and layer.weight.grad.isfinite().all()
    dims = [0, *range(2, len(shape))]
    d = (amplitude - amplitude.mean(dims, keepdim=True)).double()
    expected = d / (2 * (d.square().mean(dims, keepdim=True) + layer.eps)).sqrt()
    torch.testing.assert_close((y * axis.conj()).real.double(), expected, atol=2e-3, rtol=0)
    layer.eval()
    assert layer(z).isfinite().all()


@pytest.mark.parametrize("value", [0, 1e-30, -3.0, 1e3 + 1e3j, 123456.789 - 3j, 1e6j])
@pytest.mark.parametrize("count", [2, 3, 17, 513])
def test_a_constant_channel_comes_out_as_the_bias(value: complex, count: int) -> None:
    layer = learned(complexnn.BatchNorm1d(2))
    z = signal(count, 2, 3, dtype=torch.complex64)
    z[:, 0] = value
    z.requires_grad_()
    y = layer(z)
    torch.testing.assert_close(y[:, 0], layer.bias[0].expand(count, 3), atol=1e-6, rtol=0)
    y.backward(torch.randn_like(y))
    assert z.grad is not None and z.grad.isfinite().all() and layer.weight.grad.isfinite().all()


def test_a_mean_a_thousand_times_the_deviation_costs_no_accuracy() -> None:
    z = torch.randn(64, 2, 50, dtype=torch.complex64) + (1000 - 500j)
    layer = complexnn.BatchNorm1d(2)
    torch.testing.assert_close(layer(z).to(torch.complex128), reference(z, layer), atol=2e-6, rtol=0)
    z = torch.randn(64, 2, 50, dtype=torch.complex64)
    z[0, :, 0] = 1e4  # whatever lies first
    torch.testing.assert_close(layer(z).to(torch.complex128), reference(z, layer), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("ratio", [1e-2, 1e-3])
def test_a_part_much_smaller_than_the_other_is_whitened_as_well(ratio: float) -> None:
    parts = torch.randn(64, 2, 50, 2) * torch.tensor([100.0, 100 * ratio])
    layer = complexnn.BatchNorm1d(2)
    for z in (torch.view_as_complex(parts), torch.view_as_complex(parts.flip(-1))):
        torch.testing.assert_close(layer(z).to(torch.complex128), reference(z, layer), atol=2e-4, rtol=0)


def test_one_value_to_a_channel_raises_as_torch_does() -> None:
    z = torch.randn(1, 3, 1, 1, dtype=torch.complex64)
    layer = complexnn.BatchNorm2d(3)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training") as ours:
        layer(z)
    with pytest.raises(ValueError) as theirs:
        nn.BatchNorm2d(3)(z.real)
    assert str(ours.value) == str(theirs.value).replace("torch.Size([1, 3, 1, 1])", "(1, 3, 1, 1)")
    assert layer.num_batches_tracked == 0
    assert layer.eval()(z).shape == z.shape


def test_wrong_input_raises_before_the_state_changes() -> None:
    layer = complexnn.BatchNorm2d(3)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
        layer(torch.randn(2, 3, 4, 4))
    with pytest.raises(ValueError, match="expected 4D input"):
        layer(torch.randn(2, 3, 4, dtype=torch.complex64))
    with pytest.raises(ValueError, match=r"expects 3 channels in dimension 1, got \(2, 4, 4, 4\)"):
        layer(torch.randn(2, 4, 4, 4, dtype=torch.complex64))
    with pytest.raises(TypeError, match=r"precision of its parameters, torch\.complex64, got torch\.complex128"):
        layer(torch.randn(2, 3, 4, 4, dtype=torch.complex128))
    with pytest.raises(TypeError, match="complex dtype"):
        complexnn.BatchNorm2d(3, dtype=torch.float32)
    with pytest.raises(ValueError, match="positive eps"):
        complexnn.BatchNorm2d(3, eps=0.0)(torch.randn(2, 3, 4, 4, dtype=torch.complex64))
    with pytest.raises(ValueError, match="expects running_mean and running_cov"):
        F.batch_norm(torch.randn(2, 3, dtype=torch.complex64), None, None)
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


def test_an_empty_batch_leaves_the_running_statistics() -> None:
    layer = complexnn.BatchNorm2d(3)
    y = layer(torch.empty(0, 3, 2, 2, dtype=torch.complex64, requires_grad=True))
    assert y.shape == (0, 3, 2, 2)
    y.sum().abs().backward()
    assert torch.equal(layer.running_mean, torch.zeros(3, dtype=torch.complex64))
    assert torch.equal(layer.running_cov, torch.tensor([0.5, 0.0, 0.5]).expand(3, 3))


def test_channels_last_and_conjugate_views_give_the_same() -> None:
    z = signal(4, 3, 5, 6)
    layer = learned(complexnn.BatchNorm2d(3, dtype=torch.complex128))
    grad = torch.randn_like(z)

    def run(x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        y = layer(x)
        return y.detach(), torch.autograd.grad(y, x, g)[0]

    expected = run(z, grad)
    for x, g in [
        (z.to(memory_format=torch.channels_last), grad),
        (z.conj().resolve_conj().conj(), grad.conj().resolve_conj().conj()),
        (z.transpose(2, 3).contiguous().transpose(2, 3), grad.to(memory_format=torch.channels_last)),
    ]:
        for one, other in zip(run(x, g), expected, strict=True):
            torch.testing.assert_close(one, other)
    y = layer(z.requires_grad_())
    torch.testing.assert_close(  # a gradient that is one number, expanded
        torch.autograd.grad(y.sum().real, z)[0], run(z, torch.ones_like(z))[1]
    )


def test_torch_tools_know_it_as_a_batch_norm() -> None:
    layer = complexnn.BatchNorm1d(3)
    assert isinstance(layer, nn.BatchNorm1d)
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_cov", "num_batches_tracked"]
    data = [signal(8, 3, dtype=torch.complex64) for _ in range(4)]
    net = nn.Sequential(layer)
    torch.optim.swa_utils.update_bn(data, net)  # momentum None for one pass
    every = torch.stack([z.mean(0) for z in data]).mean(0)
    torch.testing.assert_close(layer.running_mean, every, atol=1e-5, rtol=1e-5)
    assert layer.momentum == 0.1 and layer.num_batches_tracked == 4

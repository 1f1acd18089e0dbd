"""Split and magnitude batch normalisation."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradgradcheck

import complexnn
from complexnn import functional as F

SHAPES = {1: [(7, 3), (5, 3, 9)], 2: [(4, 3, 5, 2)], 3: [(3, 3, 2, 3, 4)]}
SPLIT = [
    (getattr(complexnn, f"SplitBatchNorm{n}d"), getattr(nn, f"BatchNorm{n}d"), shape)
    for n, shapes in SHAPES.items()
    for shape in shapes
]
MAGNITUDE = [(getattr(complexnn, f"MagnitudeBatchNorm{n}d"), shape) for n, shapes in SHAPES.items() for shape in shapes]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def signal(*shape: int, dtype: torch.dtype = torch.complex128) -> Tensor:
    z = torch.randn(shape, dtype=dtype)
    return z * torch.linspace(1, 3, shape[1]).view(-1, *[1] * (len(shape) - 2)) + 0.5 * z.conj() + (1 - 2j)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize(("ours", "theirs", "shape"), SPLIT)
def test_split_is_the_real_batch_norm_of_each_part(
    ours: type[nn.Module],
    theirs: type[nn.Module],
    shape: tuple[int, ...],
    momentum: float | None,
    dtype: torch.dtype,
) -> None:
    layer = ours(3, momentum=momentum, dtype=dtype)
    pair = [theirs(3, momentum=momentum, dtype=dtype.to_real()) for _ in range(2)]
    with torch.no_grad():
        layer.weight.copy_(torch.randn_like(layer.weight))
        layer.bias.copy_(torch.randn_like(layer.bias))
        for part, view in enumerate((layer.bias.real, layer.bias.imag)):
            pair[part].weight.copy_(layer.weight[:, part])
            pair[part].bias.copy_(view)
            pair[part].running_var.fill_(0.5)
    for _ in range(3):
        z = signal(*shape, dtype=dtype).requires_grad_()
        y = layer(z)
        expected = torch.complex(pair[0](z.real), pair[1](z.imag))
        torch.testing.assert_close(y, expected)
        grad = torch.randn_like(y)
        wanted = [z, layer.weight, layer.bias]
        actual = torch.autograd.grad(y, wanted, grad)
        real = [p for norm in pair for p in (norm.weight, norm.bias)]
        dz, w0, b0, w1, b1 = torch.autograd.grad(expected, [z, *real], grad)
        for one, other in zip(actual, (dz, torch.stack([w0, w1], 1), torch.complex(b0, b1)), strict=True):
            torch.testing.assert_close(one, other)
    torch.testing.assert_close(layer.running_mean, torch.complex(pair[0].running_mean, pair[1].running_mean))
    torch.testing.assert_close(layer.running_var, torch.stack([norm.running_var for norm in pair], 1))
    assert layer.num_batches_tracked == 3
    for module in (layer, *pair):
        module.eval()
    torch.testing.assert_close(layer(z), torch.complex(pair[0](z.real), pair[1](z.imag)))


@pytest.mark.parametrize("eps", [1e-3, 0.7])
def test_eps_is_added_to_the_power_of_batches_and_running_statistics(eps: float) -> None:
    z = signal(50, 3)
    dtype = z.dtype
    split = complexnn.SplitBatchNorm1d(3, eps, dtype=dtype)
    x = torch.view_as_real(z)
    d = (x - x.mean(0)) / (2 * (x.var(0, correction=0) + eps)).sqrt()
    torch.testing.assert_close(split(z), torch.view_as_complex(d))
    split.reset_running_stats()
    torch.testing.assert_close(split.eval()(z), z / math.sqrt(1 + 2 * eps))
    magnitude = complexnn.MagnitudeBatchNorm1d(3, eps, dtype=dtype)
    torch.testing.assert_close(magnitude(z), z / (z.abs().square().mean(0) + eps).sqrt())
    magnitude.reset_running_stats()
    torch.testing.assert_close(magnitude.eval()(z), z / math.sqrt(1 + eps))


@pytest.mark.parametrize("layer", [complexnn.SplitBatchNorm2d, complexnn.MagnitudeBatchNorm2d])
@pytest.mark.parametrize("affine", [True, False])
def test_they_start_at_unit_power(layer: type[nn.Module], affine: bool) -> None:
    y = layer(3, affine=affine)(signal(4, 3, 5, 2, dtype=torch.complex64)).detach()
    torch.testing.assert_close(y.abs().square().mean((0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)


@pytest.mark.parametrize("layer", [complexnn.SplitBatchNorm1d, complexnn.MagnitudeBatchNorm1d])
def test_new_layers_in_evaluation_are_the_identity_up_to_eps(layer: type[nn.Module]) -> None:
    z = signal(4, 3)
    torch.testing.assert_close(layer(3, dtype=z.dtype).eval()(z), z, atol=0, rtol=2e-5)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize(("layer", "shape"), MAGNITUDE)
def test_magnitude_divides_by_the_root_of_the_power(
    layer: type[nn.Module], shape: tuple[int, ...], momentum: float | None, dtype: torch.dtype
) -> None:
    module = layer(3, momentum=momentum, dtype=dtype)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([0.5, -2.0, 1.0]))
    dims = [0, *range(2, len(shape))]
    view = (1, 3, *[1] * (len(shape) - 2))
    gain, power = module.weight.abs().view(view), torch.ones(3, dtype=dtype.to_real())
    for step in range(1, 4):
        z = signal(*shape, dtype=dtype).requires_grad_()
        squares = (z.real**2 + z.imag**2).mean(dims)
        expected = z * gain / (squares + 1e-5).sqrt().view(view)
        y = module(z)
        torch.testing.assert_close(y, expected)
        grad = torch.randn_like(y)
        for one, other in zip(
            torch.autograd.grad(y, [z, module.weight], grad),
            torch.autograd.grad(expected, [z, module.weight], grad, retain_graph=True),
            strict=True,
        ):
            torch.testing.assert_close(one, other)
        power = power + (1 / step if momentum is None else momentum) * (squares.detach() - power)
    torch.testing.assert_close(module.running_power, power)
    torch.testing.assert_close(module.eval()(z), z * gain / (power + 1e-5).sqrt().view(view))


def test_magnitude_keeps_every_phase_whatever_the_weight() -> None:
    layer = complexnn.MagnitudeBatchNorm2d(3, dtype=torch.complex128)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0.5, -2.0, 1.0]))
    z = signal(4, 3, 5, 2)
    turns = torch.randn_like(z).sgn()  # one for each number
    for _ in range(2):
        torch.testing.assert_close(layer(z).sgn(), z.sgn())
        torch.testing.assert_close(layer(z * turns), layer(z) * turns)
        layer.eval()


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-12, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("layer", [complexnn.SplitBatchNorm1d, complexnn.MagnitudeBatchNorm1d])
def test_they_are_finite_at_any_scale_and_on_constants(layer: type[nn.Module], scale: float) -> None:
    for z in (signal(9, 3, 4, dtype=torch.complex64) * scale, torch.full((9, 3, 4), scale * (1 + 2j))):
        z = z.to(torch.complex64).requires_grad_()
        y = layer(3)(z)
        y.backward(torch.randn_like(y))
        assert y.isfinite().all() and z.grad is not None and z.grad.isfinite().all()


def test_magnitude_differentiates_twice() -> None:
    weight = torch.randn(2, dtype=torch.float64, requires_grad=True)
    assert gradgradcheck(
        lambda z, w: F.magnitude_batch_norm(z, None, w, training=True), (signal(3, 2, 2).requires_grad_(), weight)
    )


@pytest.mark.parametrize("layer", [complexnn.SplitBatchNorm2d, complexnn.MagnitudeBatchNorm2d])
def test_wrong_input_raises_before_the_state_changes(layer: type[nn.Module]) -> None:
    module = layer(3)
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
        module(torch.randn(2, 3, 4, 4))
    with pytest.raises(ValueError, match="expected 4D input"):
        module(torch.randn(2, 3, 4, dtype=torch.complex64))
    with pytest.raises(ValueError, match="expects 3 channels"):
        module(torch.randn(2, 4, 4, 4, dtype=torch.complex64))
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        module(torch.randn(1, 3, 1, 1, dtype=torch.complex64))
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("layer", [complexnn.SplitBatchNorm1d, complexnn.MagnitudeBatchNorm1d])
def test_without_running_statistics_evaluation_uses_the_batch(layer: type[nn.Module]) -> None:
    module = layer(3, track_running_stats=False, affine=False)
    z = signal(6, 3, dtype=torch.complex64)
    torch.testing.assert_close(module.eval()(z), module.train()(z))
    assert not module.state_dict()
    assert math.isclose(float(module(z).abs().square().mean()), 1, abs_tol=1e-4)


@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 3, 0, 2)])
@pytest.mark.parametrize("layer", [complexnn.SplitBatchNorm2d, complexnn.MagnitudeBatchNorm2d])
def test_an_empty_batch_leaves_the_running_statistics(layer: type[nn.Module], shape: tuple[int, ...]) -> None:
    module = layer(3)
    before = copy.deepcopy(module.state_dict())
    y = module(torch.empty(shape, dtype=torch.complex64, requires_grad=True))
    y.sum().abs().backward()
    assert y.shape == shape and module.weight.grad is not None
    del before["num_batches_tracked"]
    assert all(torch.equal(module.state_dict()[key], value) for key, value in before.items())


C64 = torch.complex64
WRONG = [
    (F.batch_norm, {"weight": torch.ones(3)}, "variance and weight to be real, of shape (3, 3), got torch.float32"),
    (F.batch_norm, {"weight": torch.ones(3, 3, dtype=C64)}, "of shape (3, 3), got torch.complex64 of shape (3, 3)"),
    (F.batch_norm, {"bias": torch.ones(3)}, "mean and bias to be complex, of shape (3,), got torch.float32"),
    (F.batch_norm, {"running_cov": torch.ones(3)}, "to be real, of shape (3, 3), got torch.float32 of shape (3,)"),
    (F.split_batch_norm, {"weight": torch.ones(3)}, "to be real, of shape (3, 2), got torch.float32 of shape (3,)"),
    (F.split_batch_norm, {"running_mean": torch.ones(3)}, "to be complex, of shape (3,), got torch.float32"),
    (F.magnitude_batch_norm, {"weight": torch.ones(3, 2)}, "to be real, of shape (3,), got torch.float32 of shape"),
    (F.magnitude_batch_norm, {"weight": torch.ones(())}, "to be real, of shape (3,), got torch.float32 of shape ()"),
]


@pytest.mark.parametrize(("function", "wrong", "message"), WRONG)
def test_a_parameter_of_a_wrong_shape_or_kind_is_refused(function: Callable, wrong: dict, message: str) -> None:
    running = ["running_power"] if function is F.magnitude_batch_norm else ["running_mean", "running_cov"]
    running[-1] = running[-1].replace("cov", "var" if function is F.split_batch_norm else "cov")
    arguments = dict.fromkeys(running) | wrong
    with pytest.raises(ValueError, match=re.escape(message)):
        function(torch.randn(5, 3, dtype=C64), **arguments, training=True)

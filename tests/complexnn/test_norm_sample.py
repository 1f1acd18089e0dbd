"""Layer, group, instance and root-mean-square normalisation against loops over samples in NumPy."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

import complexnn
from complexnn import functional as F

C64, C128 = torch.complex64, torch.complex128


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def signal(*shape: int, dtype: torch.dtype = C128) -> Tensor:
    """Improper and off centre, each sample in its own way."""
    z = torch.randn(shape, dtype=dtype)
    a, b = torch.randn(2, shape[0], *[1] * (len(shape) - 1), dtype=dtype).unbind()
    return z + 0.4 * a.sgn() * z.conj() + 2 * b


def learned(layer: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.5)
    return layer


def normalised(d: np.ndarray, eps: float, whiten: bool) -> np.ndarray:
    """Of unit power, from one run of numbers; with ``whiten`` by SciPy's square root."""
    d = d - d.mean()
    if not whiten:
        return d / np.sqrt((abs(d) ** 2).mean() + eps)
    x = np.stack([d.real.ravel(), d.imag.ravel()])
    root = scipy.linalg.sqrtm(x @ x.T / x.shape[1] + eps * np.eye(2)).real
    y = np.linalg.inv(root) @ x / math.sqrt(2)
    return (y[0] + 1j * y[1]).reshape(d.shape)


def mapped(w: np.ndarray, layer: nn.Module, index: tuple, whiten: bool) -> np.ndarray:
    """The learned map of one element ``index`` of the parameters."""
    if layer.weight is None:
        return w
    gamma = layer.weight.detach().double().numpy()[index]
    if whiten:
        rr, ri, ii = gamma * math.sqrt(2)
        w = rr * w.real + ri * w.imag + 1j * (ri * w.real + ii * w.imag)
    else:
        w = gamma * w
    return w if layer.bias is None else w + layer.bias.detach().to(C128).numpy()[index]


def layer_reference(z: Tensor, layer: nn.Module, whiten: bool) -> Tensor:
    shape = layer.normalized_shape
    rows = z.to(C128).numpy().reshape(-1, *shape)
    out = np.stack([normalised(row, layer.eps, whiten) for row in rows])
    for index in np.ndindex(*shape):
        out[(slice(None), *index)] = mapped(out[(slice(None), *index)], layer, index, whiten)
    return torch.from_numpy(out).reshape(z.shape)


def group_reference(z: Tensor, layer: nn.Module, whiten: bool, groups: int) -> Tensor:
    out = z.to(C128).numpy().copy()
    size = out.shape[1] // groups
    for n in range(len(out)):
        for g in range(groups):
            run = slice(g * size, (g + 1) * size)
            out[n, run] = normalised(out[n, run], layer.eps, whiten)
    for c in range(out.shape[1]):
        out[:, c] = mapped(out[:, c], layer, (c,), whiten)
    return torch.from_numpy(out)


PRECISION = [(C64, 1e-4), (C128, 1e-12)]


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize(("dtype", "atol"), PRECISION)
@pytest.mark.parametrize("arguments", [{}, {"elementwise_affine": False}, {"bias": False}, {"eps": 0.2}])
@pytest.mark.parametrize(("shape", "size"), [((3, 2, 9), 9), ((4, 3, 5), (3, 5)), ((2, 3, 7), [2, 3, 7])])
def test_layer_norm_equals_a_loop_over_samples(
    shape: tuple[int, ...], size: int | list[int], arguments: dict, dtype: torch.dtype, atol: float, whiten: bool
) -> None:
    layer = learned(complexnn.LayerNorm(size, dtype=dtype, whiten=whiten, **arguments))
    z = signal(*shape, dtype=dtype)
    torch.testing.assert_close(layer(z).to(C128), layer_reference(z, layer, whiten), atol=atol, rtol=0)


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize(("dtype", "atol"), PRECISION)
@pytest.mark.parametrize("arguments", [{}, {"affine": False}, {"bias": False}])
@pytest.mark.parametrize("shape", [(3, 6, 4), (2, 6, 3, 5), (3, 6, 2, 1, 3)])
@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm_equals_a_loop_over_groups(
    groups: int, shape: tuple[int, ...], arguments: dict, dtype: torch.dtype, atol: float, whiten: bool
) -> None:
    layer = learned(complexnn.GroupNorm(groups, 6, dtype=dtype, whiten=whiten, **arguments))
    z = signal(*shape, dtype=dtype)
    torch.testing.assert_close(layer(z).to(C128), group_reference(z, layer, whiten, groups), atol=atol, rtol=0)


def test_group_norm_takes_inputs_without_positions() -> None:
    z = signal(5, 6)
    layer = complexnn.GroupNorm(2, 6, dtype=C128)
    torch.testing.assert_close(layer(z), group_reference(z, layer, False, 2))


INSTANCE = [
    (complexnn.InstanceNorm1d, (3, 4, 9)),
    (complexnn.InstanceNorm2d, (2, 4, 3, 5)),
    (complexnn.InstanceNorm3d, (2, 4, 2, 3, 2)),
]


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize(("dtype", "atol"), PRECISION)
@pytest.mark.parametrize("arguments", [{}, {"affine": True}, {"affine": True, "bias": False}])
@pytest.mark.parametrize(("layer", "shape"), INSTANCE)
def test_instance_norm_equals_a_loop_over_channels(
    layer: type[nn.Module], shape: tuple[int, ...], arguments: dict, dtype: torch.dtype, atol: float, whiten: bool
) -> None:
    module = learned(layer(4, dtype=dtype, whiten=whiten, **arguments))
    z = signal(*shape, dtype=dtype)
    expected = group_reference(z, module, whiten, 4)
    torch.testing.assert_close(module(z).to(C128), expected, atol=atol, rtol=0)
    torch.testing.assert_close(module(z[0]).to(C128), expected[0], atol=atol, rtol=0)  # without a batch dimension


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("momentum", [0.3, None])
def test_instance_norm_keeps_the_mean_of_its_samples_statistics(whiten: bool, momentum: float | None) -> None:
    layer = complexnn.InstanceNorm1d(
        2, momentum=momentum, affine=True, track_running_stats=True, dtype=C128, whiten=whiten
    )
    learned(layer)
    mean, var, cov = np.zeros(2, complex), np.ones(2), np.tile(np.eye(2) / 2, (2, 1, 1))
    for step in range(1, 4):
        z = signal(3, 2, 7)
        layer(z)
        share = 1 / step if momentum is None else momentum
        for c in range(2):
            x = z[:, c].numpy()
            mean[c] += share * (x.mean() - mean[c])
            var[c] += share * (np.mean([row.var(ddof=1) for row in x]) - var[c])
            cov[c] += share * (np.mean([np.cov(np.stack([row.real, row.imag])) for row in x], 0) - cov[c])
    np.testing.assert_allclose(layer.running_mean.numpy(), mean)
    assert layer.num_batches_tracked == 3
    layer.eval()
    z = signal(3, 2, 4)
    y = np.empty(z.shape, complex)
    for c in range(2):
        d = z[:, c].numpy() - mean[c]
        if whiten:
            x = np.stack([d.real.ravel(), d.imag.ravel()])
            v = np.linalg.inv(scipy.linalg.sqrtm(cov[c] + layer.eps * np.eye(2)).real) @ x / math.sqrt(2)
            w = (v[0] + 1j * v[1]).reshape(d.shape)
        else:
            w = d / math.sqrt(var[c] + layer.eps)
        y[:, c] = mapped(w, layer, (c,), whiten)
    if whiten:
        rows = np.stack([cov[:, 0, 0], cov[:, 0, 1], cov[:, 1, 1]], 1)
        np.testing.assert_allclose(layer.running_cov.numpy(), rows)
    else:
        np.testing.assert_allclose(layer.running_var.numpy(), var)
    np.testing.assert_allclose(layer(z).detach().numpy(), y)


@pytest.mark.parametrize("size", [5, (3, 5)])
@pytest.mark.parametrize("eps", [None, 1e-3])
@pytest.mark.parametrize(("dtype", "atol"), PRECISION)
def test_rms_norm_divides_by_the_root_mean_square(
    size: int | tuple[int, ...], eps: float | None, dtype: torch.dtype, atol: float
) -> None:
    layer = learned(complexnn.RMSNorm(size, eps=eps, dtype=dtype))
    z = signal(4, 3, 5, dtype=dtype)
    dims = (-1,) if size == 5 else (-2, -1)
    x = z.to(C128)
    power = (x.real**2 + x.imag**2).mean(dims, keepdim=True)
    expected = x / (power + (torch.finfo(dtype).eps if eps is None else eps)).sqrt() * layer.weight
    torch.testing.assert_close(layer(z).to(C128), expected.to(C128), atol=atol, rtol=0)


ALL: list[tuple[Callable[..., nn.Module], tuple[int, ...]]] = [
    (lambda **kw: complexnn.LayerNorm(4, **kw), (3, 2, 4)),
    (lambda **kw: complexnn.LayerNorm((2, 4), whiten=True, **kw), (3, 2, 4)),
    (lambda **kw: complexnn.LayerNorm((2, 4), whiten=True, **kw), (2, 4)),
    (lambda **kw: complexnn.GroupNorm(2, 4, **kw), (3, 4, 2)),
    (lambda **kw: complexnn.GroupNorm(2, 4, whiten=True, **kw), (3, 4, 2)),
    (lambda **kw: complexnn.InstanceNorm1d(2, affine=True, **kw), (2, 2, 4)),
    (lambda **kw: complexnn.InstanceNorm1d(2, affine=True, whiten=True, **kw), (2, 2, 4)),
    (lambda **kw: complexnn.RMSNorm(4, **kw), (3, 2, 4)),
]


@pytest.mark.parametrize(("make", "shape"), ALL)
def test_first_and_second_derivatives_equal_finite_differences(
    make: Callable[..., nn.Module], shape: tuple[int, ...]
) -> None:
    layer = learned(make(dtype=C128))
    names = [name for name, _ in layer.named_parameters()]

    def function(z: Tensor, *parameters: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (z,))

    inputs = (signal(*shape).requires_grad_(), *layer.parameters())
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs, fast_mode=True)


@pytest.mark.filterwarnings("ignore:There is a performance drop because we have not yet implemented the batching rule")
@pytest.mark.parametrize(("make", "shape"), ALL)
def test_gradients_of_single_samples_equal_vmapped_ones(make: Callable[..., nn.Module], shape: tuple[int, ...]) -> None:
    layer = learned(make(dtype=C128))
    parameters = {name: parameter.detach() for name, parameter in layer.named_parameters()}
    z, target = signal(3, *shape), signal(3, *shape)

    def loss(parameters: dict[str, Tensor], z: Tensor, target: Tensor) -> Tensor:
        return (torch.func.functional_call(layer, parameters, (z,)) - target).abs().square().sum()

    together = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(parameters, z, target)
    for i in range(3):
        alone = torch.func.grad(loss)(parameters, z[i], target[i])
        for name, value in alone.items():
            torch.testing.assert_close(together[name][i], value)


@pytest.mark.parametrize(("make", "shape"), ALL)
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-12, 1e-3, 1.0, 1e3, 1e6])
def test_they_are_finite_at_any_scale_and_on_constants(
    make: Callable[..., nn.Module], shape: tuple[int, ...], scale: float
) -> None:
    layer = make(dtype=C64)
    phase = complex(math.cos(0.7), math.sin(0.7))
    for z in (signal(*shape), torch.randn(shape).double() * phase, torch.full(shape, 1 - 3j)):
        z = (z * scale).to(C64).requires_grad_()
        y = layer(z)
        y.backward(torch.randn_like(y))
        assert y.isfinite().all() and z.grad is not None and z.grad.isfinite().all()
    if scale and not isinstance(layer, complexnn.RMSNorm):  # the last one is constant
        torch.testing.assert_close(y, torch.zeros_like(y), atol=1e-6, rtol=0)


def test_real_signals_are_normalised_as_torch_does() -> None:
    x = torch.randn(3, 4, 2, 5)
    for ours, theirs in [
        (complexnn.LayerNorm((2, 5)), nn.LayerNorm((2, 5))),
        (complexnn.GroupNorm(2, 4), nn.GroupNorm(2, 4)),
        (complexnn.InstanceNorm2d(4, affine=True), nn.InstanceNorm2d(4, affine=True)),
        (complexnn.RMSNorm((2, 5)), nn.RMSNorm((2, 5))),
    ]:
        learned(theirs)
        ours.load_state_dict(theirs.state_dict())  # the same keys and shapes
        torch.testing.assert_close(ours(x + 0j), theirs(x) + 0j, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("eps", [1e-3, 0.7])
@pytest.mark.parametrize("whiten", [False, True])
def test_eps_is_added_to_the_variance_of_samples_and_running_statistics(whiten: bool, eps: float) -> None:
    z = torch.randn(3, 4, 2, 50, dtype=C128)
    z = (z - z.mean((2, 3), keepdim=True)) * (2 - 1j)
    layer = complexnn.InstanceNorm2d(4, eps, track_running_stats=True, dtype=C128, whiten=whiten)
    torch.testing.assert_close(layer.eval()(z), z / math.sqrt(1 + eps * (1 + whiten)))  # of running unit power
    y = layer.train()(z)
    if whiten:
        power, pseudo = (x.mean((2, 3), keepdim=True) for x in (z.abs().square(), z * z))
        a, b = (1 / (power + 2 * eps + s * pseudo.abs()).sqrt() for s in (1, -1))
        expected = (a + b) / 2 * z + (a - b) / 2 * pseudo.sgn() * z.conj()
    else:
        expected = z / (z.abs().square().mean((2, 3), keepdim=True) + eps).sqrt()
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(complexnn.GroupNorm(4, 4, eps, dtype=C128, whiten=whiten)(z), expected)
    torch.testing.assert_close(complexnn.LayerNorm((2, 50), eps, dtype=C128, whiten=whiten)(z), expected)


@pytest.mark.parametrize("whiten", [False, True])
def test_instance_norm_is_group_norm_of_single_channels_and_layer_norm_of_each(whiten: bool) -> None:
    z = signal(3, 4, 2, 5)
    instance = complexnn.InstanceNorm2d(4, dtype=C128, whiten=whiten)(z)
    group = complexnn.GroupNorm(4, 4, affine=False, dtype=C128, whiten=whiten)(z)
    layer = complexnn.LayerNorm((2, 5), elementwise_affine=False, dtype=C128, whiten=whiten)(z)
    torch.testing.assert_close(instance, group)
    torch.testing.assert_close(instance, layer)


def test_wrong_input_raises() -> None:
    real, z = torch.randn(2, 4, 3), torch.randn(2, 4, 3, dtype=C64)
    for layer in (
        complexnn.LayerNorm(3),
        complexnn.GroupNorm(2, 4),
        complexnn.InstanceNorm1d(4),
        complexnn.RMSNorm(3),
    ):
        with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
            layer(real)
    for layer in (complexnn.LayerNorm(3), complexnn.LayerNorm(3, whiten=True), complexnn.RMSNorm(3)):
        with pytest.raises(TypeError, match=r"precision of its parameters, torch\.(float32|complex64), got"):
            layer(z.to(C128))
    with pytest.raises(ValueError, match=r"layer_norm expects an input of shape \(\*, 4, 4\), got \(2, 4, 3\)"):
        complexnn.LayerNorm((4, 4))(z)
    with pytest.raises(ValueError, match=r"rms_norm expects an input of shape \(\*, 5\), got \(2, 4, 3\)"):
        complexnn.RMSNorm(5)(z)
    with pytest.raises(ValueError, match="expects 6 channels"):
        complexnn.GroupNorm(2, 6)(z)
    with pytest.raises(ValueError, match="must be divisible"):
        complexnn.GroupNorm(4, 6)
    with pytest.raises(ValueError, match="Expected more than 1 spatial element when training"):
        complexnn.InstanceNorm1d(4)(z[..., :1])
    with pytest.raises(ValueError, match="expected 3D or 4D input"):
        complexnn.InstanceNorm2d(4)(torch.randn(4, 3, dtype=C64))
    with pytest.raises(ValueError, match="to match num_features"):
        complexnn.InstanceNorm1d(5, affine=True)(z)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        complexnn.GroupNorm(4, 4)(z[:1, :, :1])
    for layer in (complexnn.LayerNorm, complexnn.InstanceNorm1d):
        with pytest.raises(TypeError, match="complex dtype"):
            layer(3, dtype=torch.float32)


def test_a_failing_input_leaves_the_running_statistics() -> None:
    layer = complexnn.InstanceNorm1d(4, track_running_stats=True, whiten=True)
    before = copy.deepcopy(layer.state_dict())
    with pytest.raises(ValueError):
        layer(torch.randn(2, 4, 1, dtype=C64))
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())


def test_a_whitened_layer_compiles() -> None:
    layer = learned(complexnn.LayerNorm(6, whiten=True, dtype=C128))
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    z, grad = signal(3, 2, 6).requires_grad_(), torch.randn(3, 2, 6, dtype=C128)
    wanted = [z, *layer.parameters()]
    one, other = compiled(z), layer(z)
    torch.testing.assert_close(one, other)
    pairs = zip(torch.autograd.grad(one, wanted, grad), torch.autograd.grad(other, wanted, grad), strict=True)
    for actual, expected in pairs:
        torch.testing.assert_close(actual, expected)


def test_a_parameter_of_a_wrong_shape_or_kind_is_refused() -> None:
    z = torch.randn(2, 4, 3, dtype=C64)
    expected = r"expects variance and weight to be real, of shape \({}\), got torch\.{} of shape"
    with pytest.raises(ValueError, match=expected.format("3, 3", "float32")):
        F.layer_norm(z, (3,), torch.ones(3), whiten=True)
    with pytest.raises(ValueError, match=expected.format("3,", "complex64")):
        F.layer_norm(z, (3,), torch.ones(3, dtype=C64))
    with pytest.raises(ValueError, match=expected.format("4, 3", "float32")):
        F.group_norm(z, 2, torch.ones(4), whiten=True)
    with pytest.raises(ValueError, match=expected.format("4,", "float32")):
        F.instance_norm(z, weight=torch.ones(4, 3))
    with pytest.raises(ValueError, match=expected.format("3,", "complex64")):
        F.rms_norm(z, (3,), torch.ones(3, dtype=C64))
    with pytest.raises(ValueError, match=r"mean and bias to be complex, of shape \(3,\), got torch\.float32"):
        F.layer_norm(z, (3,), bias=torch.ones(3))


def test_a_wrong_number_of_groups_or_eps_is_refused() -> None:
    z = torch.randn(2, 4, 3, dtype=C64)
    for groups in (0, -2):
        with pytest.raises(ValueError, match=f"num_groups must be at least 1, got {groups}"):
            complexnn.GroupNorm(groups, 4)
    for groups in (0, -2, 3):
        with pytest.raises(ValueError, match=f"expects num_groups that divide the 4 channels, got {groups}"):
            F.group_norm(z, groups)
    for layer in (complexnn.LayerNorm(3, eps=-1.0), complexnn.GroupNorm(2, 4, eps=-1.0), complexnn.RMSNorm(3, -1.0)):
        with pytest.raises(ValueError, match=r"expects a positive eps, got -1\.0"):
            layer(z)

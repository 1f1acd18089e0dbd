"""Linear, LazyLinear, WidelyLinear and Bilinear, and the three real products that may stand behind them."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, jvp, vmap

import complexnn
from complexnn import functional as F
from complexnn.functional.gauss import MatrixProduct, multiply

DTYPES = pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
TOLERANCE = {torch.complex64: 3e-6, torch.complex128: 1e-14}
# torch scripts its own decompositions at the first forward-mode derivative, and warns of that
FORWARD_MODE = pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=["three products", "torch's product"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test with either way of multiplying matrices, whatever their sizes."""
    intensity = 0.0 if request.param == "three products" else float("inf")
    monkeypatch.setattr(MatrixProduct, "intensity", intensity)
    return str(request.param)


def assert_close(actual: Tensor, expected: Tensor | np.ndarray, dtype: torch.dtype) -> None:
    actual, expected = actual.detach(), torch.as_tensor(expected)
    assert actual.dtype == dtype and actual.shape == expected.shape
    assert float((actual.to(expected.dtype) - expected).abs().max()) <= TOLERANCE[dtype] * float(expected.abs().max())


def four_real_products(x: Tensor, w: Tensor) -> np.ndarray:
    """x W^T in float64, of the real and imaginary parts."""
    xr, xi, wr, wi = (
        np.asarray(p, dtype=np.float64) for z in (x.detach(), w.detach()) for p in (z.real, z.resolve_conj().imag)
    )
    return (xr @ wr.T - xi @ wi.T) + 1j * (xr @ wi.T + xi @ wr.T)


@DTYPES
@pytest.mark.parametrize("sizes", [(5, 4, 3), (3, 7, 6), (2, 5, 5), (70, 40, 30)])
def test_linear_and_its_gradients_are_four_real_products(
    path: str, sizes: tuple[int, int, int], dtype: torch.dtype
) -> None:
    batch, inputs, outputs = sizes
    layer = complexnn.Linear(inputs, outputs, dtype=dtype)
    z = torch.randn(batch, inputs, dtype=dtype, requires_grad=True)
    g = torch.randn(batch, outputs, dtype=dtype)
    y = layer(z)
    y.backward(g)
    assert_close(y, four_real_products(z, layer.weight) + layer.bias.detach().to(torch.complex128).numpy(), dtype)
    # dL/dx + j dL/dy of a holomorphic map: the conjugate of the other factor
    assert_close(z.grad, four_real_products(g, layer.weight.conj().T), dtype)
    assert_close(layer.weight.grad, four_real_products(g.T, z.conj().T), dtype)
    assert_close(layer.bias.grad, g.to(torch.complex128).sum(0), dtype)


def test_linear_is_the_per_element_sum(path: str) -> None:
    layer = complexnn.Linear(3, 2, dtype=torch.complex128)
    z = torch.randn(4, 5, 3, dtype=torch.complex128)
    y, w, b = layer(z), layer.weight, layer.bias
    for n in range(4):
        for t in range(5):
            for o in range(2):
                assert torch.allclose(y[n, t, o], sum((w[o, i] * z[n, t, i] for i in range(3)), b[o]))


def test_linear_takes_vectors_views_and_empty_batches(path: str) -> None:
    layer = complexnn.Linear(3, 2, dtype=torch.complex128)
    z = torch.randn(4, 5, 3, dtype=torch.complex128)
    expected = layer(z)
    assert torch.allclose(layer(z[1, 2]), expected[1, 2])
    assert torch.allclose(layer(z.conj().resolve_conj().conj()), expected)
    assert torch.allclose(layer(z.transpose(0, 1).contiguous().transpose(0, 1)), expected)
    assert layer(z[:0]).shape == (0, 5, 2) and layer(z[:, :0]).shape == (4, 0, 2)
    for bias in (True, False):
        empty = complexnn.Linear(0, 2, bias=bias, dtype=torch.complex128)
        assert empty(z[..., :0]).shape == (4, 5, 2)
    assert complexnn.WidelyLinear(3, 0, dtype=torch.complex128)(z).shape == (4, 5, 0)


def test_only_the_gradients_that_are_needed_are_taken(path: str) -> None:
    layer = complexnn.Linear(3, 2)
    z = torch.randn(4, 3, dtype=torch.complex64)
    layer(z).sum().abs().backward()
    assert z.grad is None and layer.weight.grad is not None
    layer.requires_grad_(False)
    z.requires_grad_()
    layer.zero_grad()
    layer(z).sum().abs().backward()
    assert z.grad is not None and layer.weight.grad is None


@pytest.mark.parametrize("bias", [True, False])
def test_linear_has_first_and_second_derivatives(path: str, bias: bool) -> None:
    factors = [torch.randn(*shape, dtype=torch.complex128, requires_grad=True) for shape in ((3, 4), (2, 4), (2,))]
    given = tuple(factors[: 2 + bias])
    assert torch.autograd.gradcheck(F.linear, given)
    assert torch.autograd.gradgradcheck(F.linear, given)


@FORWARD_MODE
def test_linear_has_forward_mode_derivatives(path: str) -> None:
    given = tuple(torch.randn(*shape, dtype=torch.complex128) for shape in ((3, 4), (2, 4), (2,)))
    tangents = tuple(torch.randn_like(factor) for factor in given)
    _, actual = jvp(F.linear, given, tangents)
    (x, w, _), (dx, dw, db) = given, tangents
    assert torch.allclose(actual, dx @ w.T + x @ dw.T + db)


@pytest.mark.parametrize("bias", [True, False])
def test_per_sample_gradients_by_vmap_equal_those_one_by_one(path: str, bias: bool) -> None:
    layer = complexnn.Linear(4, 2, bias, dtype=torch.complex128)
    parameters = dict(layer.named_parameters())
    z = torch.randn(6, 3, 4, dtype=torch.complex128)

    def loss(parameters: dict[str, Tensor], z: Tensor) -> Tensor:
        return functional_call(layer, parameters, (z,)).abs().square().sum()

    together = vmap(grad(loss), (None, 0))(parameters, z)
    for n in range(6):
        alone = torch.autograd.grad(loss(parameters, z[n]), tuple(parameters.values()))
        for name, one in zip(parameters, alone, strict=True):
            assert torch.allclose(together[name][n], one)
    # and backward through a vmapped forward pass
    outputs = vmap(layer)(z)
    total = torch.autograd.grad(outputs.abs().square().sum(), layer.weight)[0]
    assert torch.allclose(total, together["weight"].sum(0))
    weights = torch.randn(5, 2, 4, dtype=torch.complex128)
    many = vmap(F.linear, (None, 0))(z[0], weights)
    assert torch.allclose(many, z[0] @ weights.mT)


@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_three_products_are_as_accurate_as_torchs_within_a_factor(
    spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Greatest error over the greatest modulus, of the result and both gradients; imaginary parts down to 1e-3."""
    layer = complexnn.Linear(300, 200)
    z = torch.randn(150, 300, dtype=torch.complex64)
    g = torch.randn(150, 200, dtype=torch.complex64)
    z, g = (torch.complex(t.real, spread * t.imag) for t in (z, g))

    def results(layer: complexnn.Linear, z: Tensor, g: Tensor) -> list[Tensor]:
        z = z.clone().requires_grad_()
        y = layer(z)
        return [y.detach(), *torch.autograd.grad(y, (z, layer.weight), g.to(y.dtype))]

    double = complexnn.Linear(300, 200, dtype=torch.complex128)
    double.load_state_dict(layer.state_dict())
    exact = results(double, z.to(torch.complex128), g.to(torch.complex128))
    errors = {}
    for intensity in (0.0, float("inf")):
        monkeypatch.setattr(MatrixProduct, "intensity", intensity)
        errors[intensity] = [
            float((a - b).abs().max() / b.abs().max()) for a, b in zip(results(layer, z, g), exact, strict=True)
        ]
    for three, four in zip(errors[0.0], errors[float("inf")], strict=True):
        assert three < 4 * four and three < 2e-6


def test_large_products_take_three_real_ones_and_small_ones_torchs() -> None:
    def name(batch: int, inputs: int, outputs: int) -> str:
        weight = torch.randn(outputs, inputs, dtype=torch.complex64, requires_grad=True)
        return multiply(torch.randn(batch, inputs, dtype=torch.complex64), weight, None, MatrixProduct()).grad_fn.name()

    assert "Gauss" in name(512, 256, 256) and "Gauss" in name(128, 1024, 1024)
    assert "Gauss" not in name(32, 1024, 1024) and "Gauss" not in name(1000, 16, 1000)


def test_autocast_leaves_complex_products_in_their_precision(path: str) -> None:
    z = torch.randn(64, 32, dtype=torch.complex64, requires_grad=True)
    for layer in (complexnn.Linear(32, 48), complexnn.WidelyLinear(32, 48)):
        expected = layer(z)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            inside = layer(z)
            inside.sum().abs().backward()
            expected.sum().abs().backward()  # a backward pass inside of a forward pass outside
        assert inside.dtype == torch.complex64 and z.grad.dtype == torch.complex64
        assert torch.allclose(inside, expected, atol=1e-5)


def test_compiled_three_products_equal_eager_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MatrixProduct, "intensity", 0.0)
    torch._dynamo.reset()
    layer = complexnn.Linear(16, 24)
    z = torch.randn(20, 16, dtype=torch.complex64, requires_grad=True)
    g = torch.randn(20, 24, dtype=torch.complex64)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    leaves = (z, *layer.parameters())
    expected = torch.autograd.grad(layer(z), leaves, g)
    for actual, wanted in zip(torch.autograd.grad(compiled(z), leaves, g), expected, strict=True):
        assert torch.allclose(actual, wanted, atol=1e-4)


def five_errors(power: Tensor) -> float:
    """Five standard errors of a mean."""
    return 5 * float(power.std() / power.numel() ** 0.5)


def assert_power(weight: Tensor, expected: float) -> None:
    power = weight.detach().abs().square()
    assert abs(float(power.mean()) - expected) < five_errors(power)


@DTYPES
@pytest.mark.parametrize("inputs", [40, 400])
def test_default_weights_have_the_variance_of_torchs_real_layers(inputs: int, dtype: torch.dtype) -> None:
    linear = complexnn.Linear(inputs, 4000, dtype=dtype)
    assert_power(linear.weight, 1 / (3 * inputs))
    assert_power(linear.bias, 1 / (3 * inputs))
    assert_power(torch.nn.Linear(inputs, 4000).weight, 1 / (3 * inputs))
    lazy = complexnn.LazyLinear(4000, dtype=dtype)
    lazy(torch.randn(2, inputs, dtype=dtype))
    assert_power(lazy.weight, 1 / (3 * inputs))
    widely = complexnn.WidelyLinear(inputs, 4000, dtype=dtype)
    assert_power(widely.weight, 1 / (6 * inputs))
    assert_power(widely.conj_weight, 1 / (6 * inputs))
    assert_power(widely.bias, 1 / (3 * inputs))
    bilinear = complexnn.Bilinear(inputs, 30, 600, dtype=dtype)
    assert_power(bilinear.weight, 1 / (3 * inputs))
    assert_power(bilinear.bias, 1 / (3 * inputs))
    assert_power(torch.nn.Bilinear(inputs, 30, 600).weight, 1 / (3 * inputs))


@pytest.mark.parametrize("layer", [complexnn.Linear, complexnn.WidelyLinear])
def test_layers_put_out_a_third_of_the_power_they_get(layer: type[torch.nn.Module]) -> None:
    z = torch.randn(20, 300, dtype=torch.complex64)
    y = layer(300, 5000, bias=False)(z).detach()
    power = y.abs().square().mean(0) / z.abs().square().mean()  # each output feature has weights of its own
    assert abs(float(power.mean()) - 1 / 3) < five_errors(power)


@DTYPES
def test_widely_linear_is_two_products(dtype: torch.dtype) -> None:
    layer = complexnn.WidelyLinear(4, 3, dtype=dtype)
    z = torch.randn(5, 2, 4, dtype=dtype, requires_grad=True)
    g = torch.randn(5, 2, 3, dtype=dtype)
    y = layer(z)
    a, b, c = layer.weight, layer.conj_weight, layer.bias
    expected = z @ a.T + z.conj() @ b.T + c
    assert_close(y.detach(), expected.detach(), dtype)
    leaves = (z, a, b, c)
    pairs = zip(torch.autograd.grad(y, leaves, g), torch.autograd.grad(expected, leaves, g), strict=True)
    for actual, wanted in pairs:
        assert_close(actual, wanted, dtype)
    assert torch.allclose(layer(z.conj()), z.conj() @ a.T + z @ b.T + c, atol=1e-5)
    assert torch.allclose(layer(z[0, 0]), y[0, 0], atol=1e-5)


def test_widely_linear_is_any_real_linear_map() -> None:
    """A 2n x 2m real matrix on stacked parts is A z + B conj(z) with A, B from its blocks (Picinbono 1995)."""
    blocks = torch.randn(2, 2, 3, 4, dtype=torch.float64)  # part of y, part of z
    layer = complexnn.WidelyLinear(4, 3, bias=False, dtype=torch.complex128)
    (rr, ri), (ir, ii) = blocks
    with torch.no_grad():
        layer.weight.copy_(torch.complex(rr + ii, ir - ri) / 2)
        layer.conj_weight.copy_(torch.complex(rr - ii, ir + ri) / 2)
    z = torch.randn(5, 4, dtype=torch.complex128)
    expected = torch.complex(z.real @ rr.T + z.imag @ ri.T, z.real @ ir.T + z.imag @ ii.T)
    assert torch.allclose(layer(z), expected)


def test_widely_linear_has_second_derivatives() -> None:
    given = [torch.randn(*s, dtype=torch.complex128, requires_grad=True) for s in ((3, 4), (2, 4), (2, 4), (2,))]
    assert torch.autograd.gradcheck(F.widely_linear, given)
    assert torch.autograd.gradgradcheck(F.widely_linear, given)


@DTYPES
@pytest.mark.parametrize("conjugate", [False, True])
def test_bilinear_is_the_double_sum(conjugate: bool, dtype: torch.dtype) -> None:
    layer = complexnn.Bilinear(3, 4, 2, dtype=dtype, conjugate=conjugate)
    z1, z2 = torch.randn(5, 3, dtype=dtype), torch.randn(5, 4, dtype=dtype)
    y, w, b = layer(z1, z2), layer.weight, layer.bias
    expected = torch.zeros(5, 2, dtype=torch.complex128)
    for n in range(5):
        for k in range(2):
            terms = [
                z1[n, i] * w[k, i, j] * (z2[n, j].conj() if conjugate else z2[n, j]) for i in range(3) for j in range(4)
            ]
            expected[n, k] = sum(terms, b[k]).detach()
    assert_close(y.detach(), expected, dtype)
    assert torch.allclose(layer(z1[0], z2[0]), y[0], atol=1e-5)
    stacked = layer(torch.stack([z1, z2[:, :3]]), torch.stack([z2, z2]))
    assert stacked.shape == (2, 5, 2) and torch.allclose(stacked[0], y, atol=1e-5)


@pytest.mark.parametrize("conjugate", [False, True])
def test_bilinear_has_second_derivatives(conjugate: bool) -> None:
    given = [torch.randn(*s, dtype=torch.complex128, requires_grad=True) for s in ((3, 2), (3, 4), (2, 2, 4), (2,))]
    assert torch.autograd.gradcheck(lambda *a: F.bilinear(*a, conjugate=conjugate), given)
    assert torch.autograd.gradgradcheck(lambda *a: F.bilinear(*a, conjugate=conjugate), given)


def test_conjugate_bilinear_form_is_an_inner_product_and_ignores_a_common_phase() -> None:
    z1, z2 = torch.randn(6, 4, dtype=torch.complex128), torch.randn(6, 4, dtype=torch.complex128)
    layer = complexnn.Bilinear(4, 4, 3, bias=False, dtype=torch.complex128, conjugate=True)
    turn = torch.polar(torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64))
    assert torch.allclose(layer(turn * z1, turn * z2), layer(z1, z2))
    plain = complexnn.Bilinear(4, 4, 3, bias=False, dtype=torch.complex128)
    assert torch.allclose(plain(turn * z1, turn * z2), turn**2 * plain(z1, z2))
    with torch.no_grad():
        layer.weight.copy_(torch.eye(4))
    assert torch.allclose(layer(z1, z2)[:, 0], torch.linalg.vecdot(z2, z1))  # torch conjugates the first


def test_lazy_linear_becomes_linear() -> None:
    layer = complexnn.LazyLinear(3, bias=False)
    assert layer.weight.dtype == torch.complex64 and torch.nn.parameter.is_lazy(layer.weight)
    z = torch.randn(5, 4, dtype=torch.complex64)
    y = layer(z)
    assert type(layer) is complexnn.Linear and layer.in_features == 4
    assert torch.allclose(y, z @ layer.weight.T)
    double = complexnn.LazyLinear(3, dtype=torch.complex128)
    double.load_state_dict(complexnn.Linear(4, 3, dtype=torch.complex128).state_dict())
    assert double.weight.shape == (3, 4)


def test_layers_are_torchs_and_share_its_state_dict() -> None:
    assert issubclass(complexnn.Linear, torch.nn.Linear) and issubclass(complexnn.Bilinear, torch.nn.Bilinear)
    ours, torchs = complexnn.Linear(4, 3), torch.nn.Linear(4, 3, dtype=torch.complex64)
    torchs.load_state_dict(ours.state_dict())
    z = torch.randn(5, 4, dtype=torch.complex64)
    assert torch.equal(ours(z), torchs(z))
    assert repr(ours) == repr(torchs)
    bilinear = torch.nn.Bilinear(2, 3, 4, dtype=torch.complex64)
    bilinear.load_state_dict(complexnn.Bilinear(2, 3, 4).state_dict())
    assert list(complexnn.WidelyLinear(2, 3).state_dict()) == ["weight", "conj_weight", "bias"]


def test_forward_of_the_class_takes_the_weight_that_stands_in_its_place() -> None:
    layer = complexnn.Linear(4, 3, bias=False)
    z = torch.randn(5, 4, dtype=torch.complex64)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", torch.nn.Tanh(), unsafe=True)
    assert torch.allclose(complexnn.Linear.forward(layer, z), z @ layer.weight.T)


@pytest.mark.parametrize("layer", [complexnn.Linear, complexnn.WidelyLinear])
def test_wrong_inputs_raise(layer: type[torch.nn.Module]) -> None:
    with pytest.raises(TypeError, match="expects a complex dtype"):
        layer(4, 3, dtype=torch.float32)
    with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
        layer(4, 3)(torch.randn(5, 4))
    with pytest.raises((RuntimeError, ValueError), match="shape"):
        layer(4, 3)(torch.randn(5, 3, dtype=torch.complex64))
    with pytest.raises(TypeError, match="expects a complex tensor, got list"):
        layer(4, 3)([1j, 2.0, 3.0, 4.0])
    with pytest.raises(TypeError, match=r"expects a complex dtype, .* got 'complex64'"):
        layer(4, 3, dtype="complex64")
    with pytest.raises(RuntimeError, match="dtype"):
        layer(4, 3)(torch.randn(5, 4, dtype=torch.complex128))


def test_a_wrong_width_of_widely_linear_is_told_in_complex_numbers() -> None:
    a, b = torch.randn(2, 4, dtype=torch.complex64), torch.randn(1, 4, dtype=torch.complex64)
    for z in (torch.randn(5, 3, dtype=torch.complex64), torch.tensor(1j)):
        with pytest.raises(ValueError, match=f"shape {re.escape(str(tuple(z.shape)))}"):
            F.widely_linear(z, a, a)
    with pytest.raises(ValueError, match=r"two weights of one shape .* got weights of shape \(2, 4\) and \(1, 4\)"):
        F.widely_linear(torch.randn(5, 4, dtype=torch.complex64), a, b)


def test_a_wrong_first_input_leaves_a_lazy_layer_lazy() -> None:
    layer = complexnn.LazyLinear(2)
    with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
        layer(torch.randn(3, 7))
    assert layer(torch.randn(3, 4, dtype=torch.complex64)).shape == (3, 2)


@pytest.mark.parametrize("layer", [complexnn.Linear, complexnn.WidelyLinear])
def test_without_inputs_a_layer_puts_out_its_bias_of_zeros(layer: type[torch.nn.Module]) -> None:
    torch.use_deterministic_algorithms(True)  # memory that nobody fills is NaN
    try:
        assert torch.equal(layer(0, 4)(torch.empty(3, 0, dtype=torch.complex64)), torch.zeros(3, 4) + 0j)
    finally:
        torch.use_deterministic_algorithms(False)


def test_wrong_inputs_of_bilinear_raise() -> None:
    layer = complexnn.Bilinear(4, 3, 2)
    z = torch.randn(5, 4, dtype=torch.complex64)
    with pytest.raises(TypeError, match="complex"):
        layer(z, torch.randn(5, 3))
    with pytest.raises(TypeError, match="complex"):
        complexnn.Bilinear(4, 3, 2, dtype=torch.float64)
    for other in (z, z[:4, :3], z[:1, :3]):
        with pytest.raises(ValueError, match="bilinear expects inputs of shape"):
            layer(z, other)
    with pytest.raises(ValueError, match=r"weight of shape \(out, in1, in2\), got \(4, 4\)"):
        F.bilinear(z, z, torch.randn(4, 4, dtype=torch.complex64))
    with pytest.raises(ValueError, match="in1_features must be at least 1"):
        complexnn.Bilinear(0, 3, 2)

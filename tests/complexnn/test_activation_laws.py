"""What is particular to one activation or another, and their statistics."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import complexnn
from complexnn import functional as F


def normal(*shape: int, dtype: torch.dtype = torch.complex128, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


# E|f|^2 and, along two perpendicular directions, the mean square derivative, for z ~ CN(0, 1): in closed form, or by
# scipy.integrate.quad on the real function (f(r)^2 and (f'(r)^2 + f(r)^2/r^2)/2 under 2 r e^{-r^2}, or of one part).
MOMENTS: dict[str, tuple[Callable[[], nn.Module], float, float]] = {
    "CReLU": (complexnn.CReLU, 1 / 2, 1 / 2),
    "ZReLU": (complexnn.ZReLU, 1 / 4, 1 / 4),
    "Cardioid": (complexnn.Cardioid, 3 / 8, 7 / 16),
    "ModReLU": (lambda: complexnn.ModReLU(init=-0.5), 0.35385, 0.48439),
    "ZAbsReLU": (lambda: complexnn.ZAbsReLU(init=0.5), 1.25 * math.exp(-0.25), math.exp(-0.25)),
    "PolarTanh": (complexnn.PolarTanh, 0.46386, 0.50667),
    "PolarSquash": (complexnn.PolarSquash, 0.21096, 0.22481),
    "PolarLog": (complexnn.PolarLog, 0.42498, 0.44030),
    "SigLog": (complexnn.SigLog, 0.21027, 0.23676),
    "CTanh": (complexnn.CTanh, 0.54735, 0.59243),
    "CGELU": (complexnn.CGELU, 0.37911, 0.40725),
    "CSiLU": (complexnn.CSiLU, 0.31715, 0.33471),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_second_moments_of_a_circular_normal_signal_by_quadrature(name: str) -> None:
    make, forward, backward = MOMENTS[name]
    torch.set_default_dtype(torch.float64)
    try:
        module = make()
    finally:
        torch.set_default_dtype(torch.float32)
    # Equal weights: |z|^2 is exponential, its quantiles are -ln(1 - u); the phase is uniform and meets no axis.
    u = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    phase = (torch.arange(64, dtype=torch.float64) + 0.5) * (2 * math.pi / 64)
    z = torch.polar((-torch.log1p(-u)).sqrt().unsqueeze(1).expand(-1, 64), phase.expand(2000, -1)).requires_grad_()
    output = module(z)
    squares = [torch.autograd.grad(output, z, torch.full_like(z, g), retain_graph=True)[0].abs() ** 2 for g in (1, 1j)]
    assert abs(float(output.detach().abs().square().mean()) - forward) < 5e-4
    assert abs(float((squares[0] + squares[1]).mean()) / 2 - backward) < 5e-4


PRIMITIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "zrelu": F.zrelu,
    "modrelu": F.modrelu,
    "cardioid": F.cardioid,
    "signum": F.signum,
    "angle": F.angle,
    "modulus": F.modulus,
    "polar_tanh": F.polar_tanh,
    "complex_sigmoid": F.complex_sigmoid,
    "complex_asin": F.complex_asin,
    "complex_acos": F.complex_acos,
    "complex_atan": F.complex_atan,
    "complex_asinh": F.complex_asinh,
    "complex_atanh": F.complex_atanh,
    "log_cosh": F.log_cosh,
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_functions_with_a_backward_of_their_own_can_be_differentiated_twice(name: str) -> None:
    z = normal(4, 3).requires_grad_()
    assert torch.autograd.gradgradcheck(PRIMITIVES[name], (z,))


@pytest.mark.parametrize("name", PRIMITIVES)
def test_functions_with_a_backward_of_their_own_work_under_vmap_and_grad(name: str) -> None:
    function = PRIMITIVES[name]
    z = normal(4, 3).requires_grad_()

    def loss(z: Tensor) -> Tensor:
        return (function(z) - 0.3).abs().square().sum()

    assert torch.equal(torch.vmap(function)(z), function(z))
    each = torch.vmap(torch.func.grad(loss))(z)
    assert torch.allclose(each, torch.autograd.grad(loss(z), z)[0], rtol=1e-12)


def test_second_derivatives_of_modrelu_with_respect_to_its_bias() -> None:
    z, bias = normal(5, 3).requires_grad_(), torch.tensor([-0.5, 0.2, -0.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(F.modrelu, (z, bias))
    assert torch.autograd.gradgradcheck(F.modrelu, (z, bias))


def test_an_ensemble_of_biases_runs_under_vmap() -> None:
    z, biases = normal(5, 3), torch.tensor([[-0.5], [0.2], [-0.1], [0.0]], dtype=torch.float64)

    def loss(bias: Tensor) -> Tensor:
        return F.modrelu(z, bias).abs().square().sum()

    assert torch.equal(
        torch.vmap(F.modrelu, in_dims=(None, 0))(z, biases), torch.stack([F.modrelu(z, b) for b in biases])
    )
    expected = [torch.func.grad(loss)(bias) for bias in biases]
    assert torch.allclose(torch.vmap(torch.func.grad(loss))(biases), torch.stack(expected), rtol=1e-12)


def test_double_backward_is_finite_at_zero() -> None:
    for name, function in PRIMITIVES.items():
        if name == "angle":  # its second derivative has a pole
            continue
        z = torch.zeros(3, dtype=torch.complex128, requires_grad=True)
        output = function(z)
        first = torch.autograd.grad(output, z, torch.full_like(output, 0.7), create_graph=True)[0]
        assert first.isfinite().all(), name
        if first.requires_grad:  # of a function linear in pieces it does not
            second = torch.autograd.grad(first, z, torch.full_like(first, 1 - 0.5j))[0]
            assert second.isfinite().all(), name


def plain_modrelu(z: Tensor, bias: Tensor) -> Tensor:
    return torch.relu(z.abs() + bias) * torch.sgn(z)


def plain_cardioid(z: Tensor) -> Tensor:
    return 0.5 * (1 + torch.cos(z.angle())) * z


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_own_backwards_equal_autograd_of_the_definition(dtype: torch.dtype) -> None:
    z, g = normal(6, 3, 5, dtype=dtype), normal(6, 3, 5, dtype=dtype, seed=1)
    bias = torch.tensor([-0.7, -0.1, 0.4], dtype=dtype.to_real()).view(3, 1)
    quadrant = (z.real >= 0) & (z.imag >= 0)
    pairs: list[tuple[Callable[..., Tensor], Callable[..., Tensor], list[Tensor]]] = [
        (F.modrelu, plain_modrelu, [z, bias]),
        (F.cardioid, plain_cardioid, [z]),
        (F.zrelu, lambda z: torch.where(quadrant, z, 0), [z]),
        (F.signum, torch.sgn, [z]),
        (F.modulus, torch.abs, [z]),
        (F.angle, torch.angle, [z]),
    ]
    for ours, plain, inputs in pairs:
        results = []
        for function in (ours, plain):
            given = [tensor.clone().requires_grad_() for tensor in inputs]
            output = function(*given)
            cotangent = g if output.is_complex() else g.real
            results.append((output, *torch.autograd.grad(output, given, cotangent)))
        for actual, expected in zip(*results, strict=True):
            torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bias", [-0.5, 0.0, 0.7, 50.0])
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_modrelu_has_neither_value_nor_gradient_at_zero(bias: float, dtype: torch.dtype) -> None:
    for zero in (0j, complex(-0.0, -0.0)):
        z = torch.full((3,), zero, dtype=dtype, requires_grad=True)
        learned = torch.tensor(bias, dtype=dtype.to_real(), requires_grad=True)
        output = F.modrelu(z, learned)
        gradients = torch.autograd.grad(output, (z, learned), torch.full_like(z, 1 - 2j))
        assert (output == 0).all() and (gradients[0] == 0).all() and gradients[1] == 0


def test_cardioid_halves_a_gradient_at_zero_and_is_relu_on_real_numbers() -> None:
    z = torch.tensor([0j, -2 + 0j, 3 + 0j], requires_grad=True)
    output = F.cardioid(z)
    gradient = torch.autograd.grad(output, z, torch.full_like(z, 2 - 4j))[0]
    assert output.tolist() == [0, 0, 3]
    assert gradient[0] == 1 - 2j and gradient[1].abs() < 1e-6 and abs(gradient[2].item() - (2 - 4j)) < 1e-6


@pytest.mark.parametrize("parameters", [1, 3])
@pytest.mark.parametrize(
    ("make", "function"),
    [
        (complexnn.ModReLU, lambda z, p: max(abs(z) + p, 0) * z / abs(z)),
        (complexnn.ZAbsReLU, lambda z, p: z if abs(z) >= p else 0),
        (complexnn.CPReLU, lambda z, p: complex(*(x if x > 0 else p * x for x in (z.real, z.imag)))),
        (complexnn.GTReLU, lambda z, w: w * z if (w * z).imag >= 0 else abs(w * z)),
    ],
    ids=["ModReLU", "ZAbsReLU", "CPReLU", "GTReLU"],
)
def test_each_channel_has_its_own_parameter(
    make: Callable[..., nn.Module], function: Callable[[complex, complex], complex], parameters: int
) -> None:
    module = make(parameters, dtype=torch.complex128)
    (parameter,) = module.parameters()
    with torch.no_grad():
        parameter.copy_(torch.randn(parameter.shape, dtype=parameter.dtype) * 0.5)
    for shape in ((2, 3), (2, 3, 4), (2, 3, 2, 2)):
        z = normal(*shape)
        output = module(z)
        for index in np.ndindex(*shape):
            expected = function(z[index].item(), parameter[index[1] % parameters].item())
            assert abs(output[index].item() - expected) < 1e-12


def test_equivariant_phase_relu_scales_the_phases_of_each_channel() -> None:
    module = complexnn.EquivariantPhaseReLU(3, dtype=torch.complex128)
    with torch.no_grad():
        module.phase_scale.copy_(torch.tensor([0.5, 1.5, -2.0]))
    z = normal(4, 3, 5)
    output = module(z)
    for n, c, i in np.ndindex(4, 3, 5):
        mean = z[n, :, i].mean().item()
        phase = np.angle(z[n, c, i].item() * np.conj(mean))
        expected = abs(z[n, c, i].item()) * np.exp(1j * [0.5, 1.5, 0.0][c] * max(phase, 0)) * mean / abs(mean)
        assert abs(output[n, c, i].item() - expected) < 1e-12
    assert (module(z - z.mean(1, keepdim=True)).isfinite()).all()
    assert (module(torch.stack([z[:, 0], -z[:, 0], 0 * z[:, 0]], 1)) == 0).all()  # without a mean direction


@pytest.mark.parametrize("make", [complexnn.ModReLU, complexnn.ZAbsReLU, complexnn.CPReLU, complexnn.GTReLU])
def test_a_wrong_number_of_channels_is_refused(make: Callable[..., nn.Module]) -> None:
    module = make(3)
    for shape in ((3,), (2, 4), (3, 1, 5)):
        with pytest.raises(ValueError, match="expects 3 channels in dimension 1"):
            module(torch.randn(shape, dtype=torch.complex64))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: complexnn.ModReLU(0), "num_parameters must be at least 1, got 0"),
        (lambda: complexnn.EquivariantPhaseReLU(-1), "num_parameters must be at least 1, got -1"),
        (lambda: complexnn.ZAbsReLU(bandwidth=0.0), "bandwidth must be positive, got 0.0"),
        (lambda: complexnn.PolarTanh(0.0), "m must be positive, got 0.0"),
        (lambda: complexnn.SigLog(1.0, -1.0), "c and r must be positive, got c=1.0 and r=-1.0"),
        (lambda: complexnn.MVN(1), "k must be at least 2, or None, got 1"),
        (lambda: F.zabs_relu(normal(3), bandwidth=0.0), "bandwidth must be positive, got 0.0"),
        (lambda: F.polar_tanh(normal(3), -1.0), "m must be positive, got -1.0"),
        (lambda: F.siglog(normal(3), c=0.0), "c and r must be positive, got c=0.0 and r=1.0"),
        (lambda: F.mvn(normal(3), 0), "k must be at least 2, or None, got 0"),
        (lambda: F.equivariant_phase_relu(normal(3), torch.tensor(1.0)), "expects channels in dimension 1"),
    ],
)
def test_a_wrong_argument_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("function", [F.modrelu, F.zabs_relu])
def test_a_complex_parameter_of_the_modulus_is_refused(function: Callable[..., Tensor]) -> None:
    with pytest.raises(TypeError, match=r"expects a real parameter, got torch\.complex64"):
        function(normal(3), torch.tensor(1j))


@pytest.mark.parametrize("make", [complexnn.ModReLU, complexnn.ZAbsReLU, complexnn.EquivariantPhaseReLU])
def test_real_parameters_are_of_the_real_twin(make: Callable[..., nn.Module]) -> None:
    for dtype in (torch.complex128, torch.float64):
        assert {p.dtype for p in make(dtype=dtype).parameters()} == {torch.float64}
    with pytest.raises(TypeError, match="expected a complex or a floating dtype"):
        make(dtype=torch.int32)


def test_state_dict_keys_are_those_of_torch() -> None:
    assert complexnn.CPReLU(3).state_dict().keys() == nn.PReLU(3).state_dict().keys()
    assert isinstance(complexnn.CELU(), nn.ELU) and isinstance(complexnn.CCELU(), nn.CELU)
    assert repr(complexnn.CHardtanh(-2.0, 2.0)) == repr(nn.Hardtanh(-2.0, 2.0)).replace("Hardtanh", "CHardtanh")


def test_sigmoid_of_three_is_0_9526_on_the_real_axis_and_stable_far_from_it() -> None:
    assert abs(F.complex_sigmoid(torch.tensor(3 + 0j)).item() - 0.9525741268) < 1e-6
    z = torch.tensor([-80 + 1j, 80 + 1j, -700 + 2j, 300j], dtype=torch.complex128, requires_grad=True)
    expected = [np.exp(v) / (1 + np.exp(v)) for v in (-80 + 1j, 80 + 1j, -700 + 2j, 300j)]
    output = F.complex_sigmoid(z)
    assert np.allclose(output.detach().numpy(), expected, rtol=1e-12, atol=0)
    gradient = torch.autograd.grad(output, z, torch.ones_like(z))[0].numpy()
    slopes = [np.exp(v) / (1 + np.exp(v)) ** 2 for v in (-80 + 1j, 80 + 1j, -700 + 2j, 300j)]
    assert np.allclose(gradient.conj(), slopes, rtol=1e-12, atol=0)


def test_holomorphic_functions_are_and_the_others_are_not() -> None:
    z = 0.7 * normal(50)
    for name in ("Sigmoid", "Tanh", "Tan", "Sin", "Sinh", "Asin", "Acos", "Atan", "Asinh", "Atanh"):
        assert complexnn.testing.holomorphy_residual(getattr(complexnn, f"Complex{name}")(), z) < 1e-12
    assert complexnn.testing.holomorphy_residual(complexnn.LogCosh(), z) < 1e-12
    for other in (complexnn.CTanh(), complexnn.PolarTanh(), complexnn.Cardioid(), complexnn.SigLog()):
        assert complexnn.testing.holomorphy_residual(other, z) > 0.05


@pytest.mark.parametrize("name", ["asin", "acos", "atan", "asinh", "atanh"])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_derivatives_of_inverse_functions_are_right_far_out(name: str, scale: float) -> None:
    z = (scale * torch.polar(torch.ones(8), torch.linspace(-3, 2.8, 8))).to(torch.complex64).requires_grad_()
    gradient = torch.autograd.grad(getattr(F, f"complex_{name}")(z), z, torch.ones_like(z))[0]
    w = z.detach().numpy().astype(np.complex128)
    slopes = {
        "asin": 1 / (np.sqrt(1 - w) * np.sqrt(1 + w)),
        "acos": -1 / (np.sqrt(1 - w) * np.sqrt(1 + w)),
        "atan": 1 / (1 + w**2),
        "asinh": 1 / (np.sqrt(1 - 1j * w) * np.sqrt(1 + 1j * w)),
        "atanh": 1 / (1 - w**2),
    }
    assert np.allclose(gradient.numpy().conj(), slopes[name], rtol=1e-5, atol=1e-40)


def test_log_cosh_is_right_where_cosh_overflows_and_where_it_is_nearly_one() -> None:
    z = torch.tensor([1e4 + 2j, -1e4 + 2j, 1e-3 + 2e-3j, 1e-10j], dtype=torch.complex128)
    small = [v**2 / 2 - v**4 / 12 + v**6 / 45 for v in (1e-3 + 2e-3j, 1e-10j)]
    expected = np.array([1e4 - math.log(2) + 2j, 1e4 - math.log(2) - 2j, *small])
    assert np.allclose(F.log_cosh(z).numpy(), expected, rtol=1e-12, atol=0)
    w = 3 * normal(200)
    assert np.allclose(np.exp(F.log_cosh(w).numpy()), np.cosh(w.numpy()), rtol=1e-10)


@pytest.mark.parametrize("m", [0.5, 1.0, 3.0])
def test_derivative_of_polar_tanh_at_zero_is_one_over_m(m: float) -> None:
    for dtype in (torch.complex64, torch.complex128):
        for value in (0j, complex(-0.0, -0.0), 1e-30 - 2e-30j):
            z = torch.full((2,), value, dtype=dtype, requires_grad=True)
            gradient = torch.autograd.grad(F.polar_tanh(z, m), z, torch.full_like(z, 1 + 2j))[0]
            assert torch.allclose(gradient, torch.full_like(z, (1 + 2j) / m), rtol=1e-5)


def test_polar_of_a_function_that_is_not_zero_at_zero_stops_gradients_there() -> None:
    z = torch.tensor([0j, 2e-3j], requires_grad=True)
    output = complexnn.Polar(torch.sigmoid)(z)
    gradient = torch.autograd.grad(output, z, torch.ones_like(z))[0]
    assert output[0] == 0 and gradient[0] == 0
    assert torch.allclose(gradient[1], torch.tensor(0.5005 / 2e-3 + 0j), rtol=1e-3)  # f(r)/r across the phase


@pytest.mark.parametrize("k", [2, 3, 4, 7, 16, 100])
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_multi_valued_neuron_keeps_the_roots_of_unity_and_has_no_others(k: int, dtype: torch.dtype) -> None:
    roots = torch.from_numpy(np.exp(2j * np.pi / k * np.arange(k))).to(dtype)
    assert torch.allclose(F.mvn(roots, k), roots, atol=1e-6)
    assert torch.allclose(F.mvn(1e-3 * F.mvn(roots, k), k), roots, atol=1e-6)
    values = F.mvn(normal(3000, dtype=dtype), k)
    nearest = (values.unsqueeze(1) - roots).abs().min(1)
    assert nearest.values.max() < 1e-6 and nearest.indices.unique().numel() == k


def test_multi_valued_neuron_has_no_gradient_unless_it_is_continuous() -> None:
    z = normal(5).requires_grad_()
    assert (torch.autograd.grad(F.mvn(z, 4), z, torch.ones_like(z))[0] == 0).all()
    assert (torch.autograd.grad(F.mvn(z), z, torch.ones_like(z))[0] != 0).all()


def test_radius_gradient_is_that_of_the_expected_loss() -> None:
    # L = E|f|^2 = int over r > a of r^2 2r e^{-r^2} dr, and so dL/da = -2 a^3 e^{-a^2}.
    radius, bandwidth, count = 0.8, 0.05, 200_000
    module = complexnn.ZAbsReLU(init=radius, bandwidth=bandwidth, dtype=torch.complex128)
    gradient = torch.autograd.grad(module(normal(count)).abs().square().sum(), module.threshold)[0] / count
    # The gradient 2 f of |f|^2 is zero inside the radius: the estimate is the mean of -2 r^2 / bandwidth over
    # a < r < a + bandwidth/2.
    outer = radius + bandwidth / 2
    mean = -2 / bandwidth * ((1 + radius**2) * math.exp(-(radius**2)) - (1 + outer**2) * math.exp(-(outer**2)))
    share = math.exp(-(radius**2)) - math.exp(-(outer**2))
    error = 2 * radius**2 / bandwidth * math.sqrt(share / count)
    assert abs(gradient.item() - mean) < 5 * error
    assert abs(mean / (-2 * radius**3 * math.exp(-(radius**2))) - 1) < 0.03


def test_radius_gradient_is_the_sum_over_the_ring_of_its_bandwidth() -> None:
    z = torch.tensor([0.9 + 0j, 0.3j, 2 + 0j, -0.45 + 0j])
    for bandwidth, total in ((0.2, -0.45), (0.5, 0.15), (1.0, 1.05)):  # the sum of Re(conj(g) z) for g = 1 + 2j
        module = complexnn.ZAbsReLU(init=0.5, bandwidth=bandwidth)
        gradient = torch.autograd.grad(module(z), module.threshold, torch.full_like(z, 1 + 2j))[0]
        assert abs(gradient.item() + total / bandwidth) < 1e-5


def test_radius_is_learned_towards_a_smaller_loss() -> None:
    z = normal(2000)
    target = torch.where(z.abs() >= 1.0, z, 0)
    module = complexnn.ZAbsReLU(init=0.4, bandwidth=0.3, dtype=torch.complex128)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (module(z) - target).abs().square().mean().backward()
        optimizer.step()
    assert abs(module.threshold.item() - 1.0) < 0.2


def test_split_gives_a_function_its_own_contiguous_part() -> None:
    z = normal(3, 4)
    kept = z.clone()
    assert torch.equal(complexnn.Split(nn.ReLU(inplace=True))(z), F.crelu(z)) and torch.equal(z, kept)
    normalised = complexnn.Split(nn.LayerNorm(4, dtype=torch.float64))(z)
    expected = torch.complex(*(nn.functional.layer_norm(part, (4,)) for part in (z.real, z.imag)))
    assert torch.allclose(normalised, expected)


def test_split_shares_a_module_or_has_two() -> None:
    assert len(list(complexnn.Split(nn.PReLU()).parameters())) == 1
    two = complexnn.Split(nn.PReLU(init=0.1), nn.PReLU(init=0.3))
    assert len(list(two.parameters())) == 2
    assert torch.allclose(two(torch.tensor([-1 - 1j])), torch.tensor([-0.1 - 0.3j]))
    assert repr(complexnn.Split(torch.tanh, torch.sin)) == "Split(tanh, sin)"
    assert repr(complexnn.Polar(torch.tanh)) == "Polar(tanh)"


def test_inplace_changes_the_input_and_nothing_else_does() -> None:
    z = normal(3, 4).requires_grad_()
    w = z * 1
    output = complexnn.CReLU(inplace=True)(w)
    assert torch.equal(w, output)
    gradient = torch.autograd.grad(output, z, torch.full_like(z, 1 + 1j))[0]
    assert torch.equal(gradient, F.crelu(torch.sgn(z.detach().real) + 1j * torch.sgn(z.detach().imag)))
    lazy = normal(3, 4).conj()
    expected = F.crelu(lazy)
    assert complexnn.CReLU(inplace=True)(lazy) is lazy and torch.equal(lazy, expected)
    for module in (complexnn.CReLU(), complexnn.CELU(), complexnn.CThreshold(0.1, 0.0)):
        kept = w.detach().clone()
        module(kept)
        assert torch.equal(kept, w)


def test_random_slopes_are_drawn_in_training_only() -> None:
    z = -normal(400, dtype=torch.complex64).abs() * (1 + 1j)
    module = complexnn.CRReLU(0.1, 0.3)
    slopes = torch.view_as_real(module(z)) / torch.view_as_real(z)
    assert slopes.min() >= 0.1 - 1e-6 and slopes.max() <= 0.3 + 1e-6 and slopes.std() > 0.03
    assert torch.allclose(module.eval()(z), 0.2 * z)


def test_softmaxes_add_up_to_one_along_their_dimension() -> None:
    z = normal(3, 4, 5)
    for dim in (0, 1, -1):
        assert torch.allclose(complexnn.CSoftmax(dim)(z).sum(dim), torch.tensor(1 + 1j, dtype=z.dtype))
        assert torch.allclose(complexnn.RealSoftmax(dim)(z).sum(dim), torch.tensor(1.0, dtype=torch.float64))
        assert torch.allclose(complexnn.MagnitudeSoftmax(dim)(z).sum(dim), torch.tensor(1.0, dtype=torch.float64))
        assert torch.allclose(complexnn.PhaseSoftmax(dim)(z).abs().sum(dim), torch.tensor(1.0, dtype=torch.float64))
        assert torch.allclose(complexnn.PhaseSoftmax(dim)(z).angle(), z.angle())


def test_phase_softmax_has_neither_value_nor_gradient_at_zero() -> None:
    z = torch.tensor([0j, 1 + 1j], requires_grad=True)
    output = F.phase_softmax(z)
    gradient = torch.autograd.grad(output, z, torch.ones_like(z))[0]
    assert output[0] == 0 and gradient[0] == 0 and gradient[1].isfinite()


def test_gtrelu_starts_in_the_first_quadrant_and_holds_its_phase_scale() -> None:
    module = complexnn.GTReLU(2000, phase_scale=True)
    assert module.weight.real.min() >= 0 and module.weight.imag.min() >= 0
    # E|w|^2 of two uniform parts is 2/3; its standard error here is sqrt(8/45/2000)
    assert abs(module.weight.detach().abs().square().mean() - 2 / 3) < 5 * math.sqrt(8 / 45 / 2000)
    z, one = torch.tensor([1 + 1j]), torch.tensor(1 + 0j)
    for scale, held in ((0.1, 0.5), (1.3, 1.3), (9.0, 2.0)):
        turned = F.gtrelu(z, one, torch.tensor(scale))
        assert torch.allclose(turned.angle(), torch.tensor(held * math.pi / 4))


def test_tangent_rectifiers_take_a_negative_number_for_one_of_phase_pi() -> None:
    minus = torch.tensor(-0.0)
    for z in (torch.tensor(-3 + 0j), torch.complex(torch.tensor(-3.0), minus)):
        for scale in (None, torch.tensor(1.0)):
            assert abs(F.gtrelu(z, torch.tensor(1 + 0j), scale).item() + 3) < 1e-6
        assert F.trelu(z).item() == -3


def test_defaults_of_the_functions_are_those_of_the_modules() -> None:
    z = normal(4, 3, dtype=torch.complex64)
    pairs: list[tuple[Callable[[Tensor], Tensor], nn.Module]] = [
        (F.modrelu, complexnn.ModReLU()),
        (F.zabs_relu, complexnn.ZAbsReLU()),
        (F.zleaky_relu, complexnn.ZLeakyReLU()),
        (F.polar_tanh, complexnn.PolarTanh()),
        (F.siglog, complexnn.SigLog()),
        (F.mvn, complexnn.MVN()),
        (F.csoftmax, complexnn.CSoftmax()),
    ]
    for function, module in pairs:
        assert torch.equal(function(z), module(z))


def test_modules_of_functions_are_copied_and_pickled_with_their_parameters() -> None:
    for module in (complexnn.Split(nn.PReLU()), complexnn.Polar(nn.Softplus()), complexnn.Polar(torch.tanh)):
        z = normal(4, dtype=torch.complex64)
        assert torch.equal(copy.deepcopy(module)(z), module(z))

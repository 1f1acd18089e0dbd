"""Initialisers of complex weights and the gains of activations."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from scipy import special, stats
from scipy.integrate import quad
from torch import Tensor, nn

import complexnn
from complexnn import init
from complexnn.functional import cardioid, crelu, modrelu
from complexnn.init import gain

DTYPES = pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
SHAPES = [(256, 256), (100, 700), (700, 100), (48, 32, 3, 3), (16, 96, 5), (24, 8, 3, 2, 4)]
SHAPE = pytest.mark.parametrize("shape", SHAPES, ids=["x".join(map(str, shape)) for shape in SHAPES])


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    receptive = math.prod(shape[2:])
    return receptive * shape[1], receptive * shape[0]


def assert_mean(sample: Tensor, expected: complex) -> None:
    """Within five standard errors, and the few roundings of a mean that does not vary."""
    error = float(sample.std()) / math.sqrt(sample.numel())
    assert abs(complex(sample.mean()) - expected) < 5 * error + 1e-6 * abs(expected)


Fill = Callable[..., Tensor]
Power = Callable[[tuple[int, ...]], float]

# Every initialiser that has a fan, with the E|w|^2 that its source asks for.
SCALED: dict[str, tuple[Fill, Power]] = {
    "kaiming_normal": (init.kaiming_normal_, lambda s: 2 / fans(s)[0]),
    "kaiming_uniform": (init.kaiming_uniform_, lambda s: 2 / fans(s)[0]),
    "kaiming_uniform, fan_out, slope": (
        lambda w, **k: init.kaiming_uniform_(w, a=0.5, mode="fan_out", **k),
        lambda s: 2 / 1.25 / fans(s)[1],
    ),
    "kaiming_normal, cardioid": (
        lambda w, **k: init.kaiming_normal_(w, nonlinearity="cardioid", **k),
        lambda s: 8 / 3 / fans(s)[0],
    ),
    "kaiming_normal, a module": (
        lambda w, **k: init.kaiming_normal_(w, mode="fan_out", nonlinearity=complexnn.ZReLU(), **k),
        lambda s: 4 / fans(s)[1],
    ),
    "xavier_normal": (init.xavier_normal_, lambda s: 2 / sum(fans(s))),
    "xavier_uniform": (lambda w, **k: init.xavier_uniform_(w, gain=3.0, **k), lambda s: 18 / sum(fans(s))),
    "rayleigh, xavier": (init.rayleigh_, lambda s: 2 / sum(fans(s))),
    "rayleigh, kaiming": (lambda w, **k: init.rayleigh_(w, "kaiming", **k), lambda s: 2 / fans(s)[0]),
    "independent_filters, xavier": (init.independent_filters_, lambda s: 2 / sum(fans(s))),
    "independent_filters, kaiming": (
        lambda w, **k: init.independent_filters_(w, "kaiming", **k),
        lambda s: 2 / fans(s)[0],
    ),
    "unitary": (lambda w, **k: init.unitary_(w, gain=2.0, **k), lambda s: 4 / max(s[0], math.prod(s[1:]))),
    **{
        f"variance_scaling, {law}, {mode}": (
            lambda w, law=law, mode=mode, **k: init.variance_scaling_(w, 3.0, mode, law, **k),
            lambda s, mode=mode: 3 / {"fan_in": fans(s)[0], "fan_out": fans(s)[1], "fan_avg": sum(fans(s)) / 2}[mode],
        )
        for law, mode in [
            ("normal", "fan_in"),
            ("uniform", "fan_out"),
            ("uniform_disk", "fan_avg"),
            ("truncated_rayleigh", "fan_in"),
        ]
    },
}
SAMPLERS: dict[str, Fill] = {
    "normal": init.normal_,
    "uniform": init.uniform_,
    "uniform_disk": init.uniform_disk_,
    "truncated_rayleigh": init.truncated_rayleigh_,
    "truncated_rayleigh, 0.5": lambda w, std, **k: init.truncated_rayleigh_(w, std, 0.5, **k),
}


@DTYPES
@SHAPE
@pytest.mark.parametrize("name", SCALED)
def test_second_moment_is_gain_squared_over_the_fan(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    fill, power = SCALED[name]
    weight = torch.empty(shape, dtype=dtype)
    assert fill(weight) is weight and weight.dtype == dtype
    assert_mean(weight.abs().square() / power(shape), 1.0)


@DTYPES
@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_have_the_second_moment_of_their_std(name: str, dtype: torch.dtype) -> None:
    weight = SAMPLERS[name](torch.empty(300, 200, dtype=dtype), 1.5)
    assert_mean(weight.abs().square() / 2.25, 1.0)


@pytest.mark.parametrize("name", [*SCALED, *SAMPLERS])
def test_numbers_have_mean_zero_and_are_circular(name: str) -> None:
    """E w = 0, and E w^2 = 0: neither part is favoured and the parts are uncorrelated."""
    weight = torch.empty(300, 200, dtype=torch.complex128)
    SCALED[name][0](weight) if name in SCALED else SAMPLERS[name](weight, 1.0)
    assert_mean(weight, 0.0)
    assert_mean(weight.square(), 0.0)


@pytest.mark.parametrize("name", [*SCALED, *SAMPLERS])
def test_a_generator_decides_the_numbers_and_the_global_one_is_left_alone(name: str) -> None:
    def draw(seed: int | None) -> Tensor:
        weight = torch.empty(30, 20, 2, dtype=torch.complex64)
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return (
            SCALED[name][0](weight, generator=generator)
            if name in SCALED
            else SAMPLERS[name](weight, 1.0, generator=generator)
        )

    state = torch.get_rng_state()
    assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    first = draw(None)
    torch.manual_seed(5)
    assert torch.equal(draw(None), first)


@pytest.mark.parametrize("name", SCALED)
def test_parameters_and_meta_tensors_can_be_filled(name: str) -> None:
    parameter = nn.Parameter(torch.empty(6, 4, 3, dtype=torch.complex64))
    SCALED[name][0](parameter)
    assert parameter.is_leaf and parameter.requires_grad and parameter.isfinite().all()
    meta = torch.empty(6, 4, 3, dtype=torch.complex64, device="meta")
    assert SCALED[name][0](meta) is meta
    strided = torch.zeros(4, 6, dtype=torch.complex128).T
    SCALED[name][0](strided)
    assert (strided != 0).all()


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0, 0), (3, 4, 0)])
def test_tensors_without_numbers_are_left_as_they_are(name: str, shape: tuple[int, ...]) -> None:
    empty = torch.empty(shape, dtype=torch.complex64)
    assert SCALED[name][0](empty) is empty


def test_real_tensors_have_the_second_moment_too() -> None:
    for fill in (init.normal_, init.uniform_):
        assert_mean(fill(torch.empty(300, 200), 1.5).square(), 2.25)
    for name in ("kaiming_normal", "kaiming_uniform", "xavier_normal"):
        fill, power = SCALED[name]
        assert_mean(fill(torch.empty(200, 300)).square() / power((200, 300)), 1.0)


def p_value(sample: Tensor, law: Callable[..., object]) -> float:
    return float(stats.kstest(sample.flatten().numpy(), law).pvalue)


FIVE_SIGMA = 5.7e-7


@pytest.mark.parametrize("cutoff", [0.5, 2.0, math.inf])
def test_truncated_rayleigh_modulus_is_a_rayleigh_one_below_the_cutoff(cutoff: float) -> None:
    weight = init.truncated_rayleigh_(torch.empty(40000, dtype=torch.complex128), 1.0, cutoff)
    mass = 1 - math.exp(-(cutoff**2))
    power = quad(lambda r: r**2 * 2 * r * math.exp(-(r**2)) / mass, 0, min(cutoff, 9))[0]
    modulus = weight.abs() * math.sqrt(power)
    assert float(modulus.max()) <= cutoff
    assert p_value(modulus, lambda r: (1 - torch.exp(-(torch.as_tensor(r) ** 2))).numpy() / mass) > FIVE_SIGMA
    assert p_value(weight.angle(), stats.uniform(-math.pi, 2 * math.pi).cdf) > FIVE_SIGMA


def test_below_a_small_cutoff_the_law_is_uniform_on_the_disk() -> None:
    for cutoff in (1e-3, 1e-5, 1e-9, 1e-200):
        power = init.truncated_rayleigh_(torch.empty(40000, dtype=torch.complex128), 3.0, cutoff).abs().square()
        assert_mean(power, 9.0)
        assert p_value(power, stats.uniform(0, 18).cdf) > FIVE_SIGMA


def test_rayleigh_has_trabelsis_modulus_and_phase() -> None:
    weight = init.rayleigh_(torch.empty(300, 100, dtype=torch.complex128))
    assert p_value(weight.abs(), stats.rayleigh(scale=1 / math.sqrt(400)).cdf) > FIVE_SIGMA
    assert p_value(weight.angle(), stats.uniform(-math.pi, 2 * math.pi).cdf) > FIVE_SIGMA


def test_uniform_disk_is_uniform_on_the_disk() -> None:
    weight = init.uniform_disk_(torch.empty(40000, dtype=torch.complex128), 3.0)
    assert p_value(weight.abs().square(), stats.uniform(0, 18).cdf) > FIVE_SIGMA
    assert p_value(weight.angle(), stats.uniform(-math.pi, 2 * math.pi).cdf) > FIVE_SIGMA


def test_uniform_parts_are_uniform_and_independent() -> None:
    weight = init.uniform_(torch.empty(40000, dtype=torch.complex128), 2.0)
    bound = 2 * math.sqrt(1.5)
    for part in (weight.real, weight.imag):
        assert p_value(part, stats.uniform(-bound, 2 * bound).cdf) > FIVE_SIGMA
    assert_mean(weight.real * weight.imag, 0.0)


@DTYPES
@SHAPE
def test_unitary_rows_or_columns_are_orthonormal(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    weight = init.unitary_(torch.empty(shape, dtype=dtype), gain=2.0).flatten(1)
    gram = weight @ weight.mH if weight.shape[0] <= weight.shape[1] else weight.mH @ weight
    assert torch.allclose(gram, 4 * torch.eye(len(gram), dtype=dtype), atol=1e-4)


def test_unitary_matrices_are_haar() -> None:
    """E u = 0, E|tr U|^2 = 1 and E|tr U^2|^2 = 2 (Diaconis & Shahshahani 1994), and uniform eigenphases."""
    draws = torch.stack([init.unitary_(torch.empty(3, 3, dtype=torch.complex128)) for _ in range(4000)])
    for entry in draws.flatten(1).T:
        assert_mean(entry, 0.0)
    traces = draws.diagonal(dim1=1, dim2=2).sum(-1)
    assert_mean(traces.abs().square(), 1.0)
    assert_mean((draws @ draws).diagonal(dim1=1, dim2=2).sum(-1).abs().square(), 2.0)
    first = torch.linalg.eigvals(draws)[:, 0].angle()  # one a matrix: those of one matrix repel each other
    turned = torch.remainder(first + 2 * math.pi * torch.rand(4000, dtype=torch.float64), 2 * math.pi)
    assert p_value(turned, stats.uniform(0, 2 * math.pi).cdf) > FIVE_SIGMA
    column = init.unitary_(torch.empty(20000, 1, dtype=torch.complex128)) * math.sqrt(20000)
    assert_mean(column, 0.0)


@DTYPES
@SHAPE
def test_independent_filters_are_orthogonal(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    weight = init.independent_filters_(torch.empty(shape, dtype=dtype))
    matrix = weight.flatten(2).flatten(0, 1) if len(shape) > 2 else weight
    gram = matrix @ matrix.mH if matrix.shape[0] <= matrix.shape[1] else matrix.mH @ matrix
    scale = 2 / sum(fans(shape)) * max(matrix.shape)
    assert torch.allclose(gram / scale, torch.eye(len(gram), dtype=dtype), atol=1e-4)


@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_passes_channels_through(groups: int) -> None:
    layer = complexnn.Conv2d(4, 6, 3, padding=1, bias=False, groups=groups, dtype=torch.complex128)
    assert init.dirac_(layer.weight, groups) is layer.weight
    z = torch.randn(2, 4, 5, 6, dtype=torch.complex128)
    y = layer(z)
    for group in range(groups):
        passed = min(6, 4) // groups
        out, into = group * 6 // groups, group * 4 // groups
        assert torch.allclose(y[:, out : out + passed], z[:, into : into + passed])
        assert not y[:, out + passed : (group + 1) * 6 // groups].any()


def test_default_is_a_third_over_the_fan() -> None:
    for shape in SHAPES:
        weight, bias = torch.empty(shape, dtype=torch.complex64), torch.empty(20000, dtype=torch.complex64)
        init.default_(weight, bias)
        assert_mean(weight.abs().square() * 3 * fans(shape)[0], 1.0)
        assert_mean(bias.abs().square() * 3 * fans(shape)[0], 1.0)
    init.default_(weight, None, fan_in=7)
    assert_mean(weight.abs().square() * 21, 1.0)
    empty = torch.empty(3, 0, dtype=torch.complex64)
    init.default_(empty, bias)
    assert not bias.any()


def test_wrong_arguments_of_initialisers_raise() -> None:
    weight, vector = torch.empty(4, 3, dtype=torch.complex64), torch.empty(4, dtype=torch.complex64)
    for fill in (init.kaiming_normal_, init.kaiming_uniform_, init.xavier_normal_, init.xavier_uniform_):
        with pytest.raises(ValueError, match="two or more dimensions, got shape"):
            fill(vector)
    for fill in (init.kaiming_normal_, init.kaiming_uniform_):
        for mode in ("fan_avg", "fan_on"):
            with pytest.raises(ValueError, match="mode must be"):
                fill(weight, mode=mode)
        with pytest.raises(ValueError, match="nonlinearity 'rule'"):
            fill(weight, nonlinearity="rule")
    with pytest.raises(ValueError, match="mode must be"):
        init.variance_scaling_(weight, mode="fan")
    with pytest.raises(ValueError, match="distribution must be one of"):
        init.variance_scaling_(weight, distribution="gauss")
    with pytest.raises(ValueError, match="scale must not be negative"):
        init.variance_scaling_(weight, -1.0)
    with pytest.raises(ValueError, match="cutoff must be positive"):
        init.truncated_rayleigh_(weight, 1.0, 0.0)
    for fill in (init.rayleigh_, init.independent_filters_):
        with pytest.raises(ValueError, match="criterion must be 'xavier' or 'kaiming', got 'glorot'"):
            fill(weight, "glorot")
        with pytest.raises(TypeError, match="complex"):
            fill(torch.empty(4, 3))
    for fill in (init.unitary_, init.uniform_disk_, init.truncated_rayleigh_):
        with pytest.raises(TypeError, match="complex"):
            fill(torch.empty(4, 3), 1.0)
    with pytest.raises(ValueError, match="two or more dimensions"):
        init.unitary_(vector)


def radial(f: Callable[[float], float], kink: float = 1.0) -> float:
    """E f(|z|) for z ~ CN(0, 1)."""
    density = [quad(lambda r: f(r) * 2 * r * math.exp(-(r**2)), *ends)[0] for ends in ((0, kink), (kink, 9))]
    return sum(density)


def normal(f: Callable[[float], float]) -> float:
    """E f(x) for a part x of z ~ CN(0, 1), of variance 1/2."""
    return sum(quad(lambda x: f(x) * math.exp(-(x**2)) / math.sqrt(math.pi), *ends)[0] for ends in ((-9, 0), (0, 9)))


def gelu(x: float) -> float:
    return x * special.ndtr(x)


# E|f(z)|^2 forward, and E|df/dz|^2 + E|df/dconj(z)|^2 backward.
MOMENTS: dict[str, tuple[float | None, float, float]] = {
    "crelu": (None, 1 / 2, 1 / 2),
    "relu": (None, 1 / 2, 1 / 2),
    "leaky_relu": (0.3, (1 + 0.09) / 2, (1 + 0.09) / 2),
    "zrelu": (None, 1 / 4, 1 / 4),
    "cardioid": (None, 3 / 8, 7 / 16),
    "modrelu": (
        -0.5,
        radial(lambda r: max(r - 0.5, 0) ** 2, 0.5),
        radial(lambda r: (1 + (1 - 0.5 / r) ** 2) / 2 if r > 0.5 else 0.0, 0.5),
    ),
    "polar_tanh": (
        None,
        radial(lambda r: math.tanh(r) ** 2),
        radial(lambda r: (math.cosh(r) ** -4 + (math.tanh(r) / r) ** 2) / 2 if r else 1.0),
    ),
    "siglog": (
        None,
        radial(lambda r: (r / (1 + r)) ** 2),
        radial(lambda r: ((1 + r) ** -4 + (1 + r) ** -2) / 2),
    ),
    "tanh": (None, 2 * normal(lambda x: math.tanh(x) ** 2), normal(lambda x: math.cosh(x) ** -4)),
    "gelu": (
        None,
        2 * normal(lambda x: gelu(x) ** 2),
        normal(lambda x: (special.ndtr(x) + x * math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)) ** 2),
    ),
    "modulus": (None, 1.0, 1.0),
    "linear": (None, 1.0, 1.0),
    "conv_transpose2d": (None, 1.0, 1.0),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_gains_are_those_of_the_second_moments(name: str) -> None:
    param, forward, backward = MOMENTS[name]
    assert math.isclose(init.calculate_gain(name, param), forward**-0.5, rel_tol=2e-4)
    assert math.isclose(init.calculate_gain(name, param, mode="backward"), backward**-0.5, rel_tol=2e-3)


def test_gains_of_powers_of_the_modulus() -> None:
    """E|z|^2k = k!, and |df/dz|^2 + |df/dconj(z)|^2 written out."""
    assert math.isclose(init.calculate_gain(lambda z: z), 1.0, rel_tol=1e-9)
    assert math.isclose(init.calculate_gain(torch.conj, mode="backward"), 1.0, rel_tol=1e-9)
    assert math.isclose(init.calculate_gain(torch.square) ** -2, 2.0, rel_tol=1e-6)
    assert math.isclose(init.calculate_gain(torch.square, mode="backward") ** -2, 4.0, rel_tol=1e-6)
    cube = init.calculate_gain(lambda z: z * z * z.conj(), mode="backward") ** -2
    assert math.isclose(cube, 5 * 2.0, rel_tol=1e-6)  # |2 |z|^2|^2 + |z^2|^2
    assert math.isclose(init.calculate_gain(lambda z: z.abs().square(), mode="backward") ** -2, 4.0, rel_tol=1e-6)


def test_gains_at_jumps_and_integrable_poles_are_right_to_half_a_percent() -> None:
    jump = init.calculate_gain("hardshrink", mode="backward")
    assert math.isclose(jump, math.erfc(0.5) ** -0.5, rel_tol=5e-3)
    # E 1 / |1 - z^2| in polar form: over the phase 1 / pi ellipk, with its own pole at |z| = 1
    pole = sum(
        quad(
            lambda r: 4 / math.pi * r * math.exp(-(r**2)) / (1 + r**2) * special.ellipk((2 * r / (1 + r**2)) ** 2),
            *ends,
        )[0]
        for ends in ((0, 1), (1, 9))
    )
    assert math.isclose(init.calculate_gain("complex_asin", mode="backward"), pole**-0.5, rel_tol=5e-3)


@pytest.mark.parametrize("mode", ["forward", "backward"])
def test_a_name_a_function_and_a_module_have_the_same_gain(mode: str) -> None:
    assert init.calculate_gain("cardioid", mode=mode) == init.calculate_gain(cardioid, mode=mode)
    assert math.isclose(
        init.calculate_gain(complexnn.CReLU(), mode=mode), init.calculate_gain(crelu, mode=mode), rel_tol=1e-9
    )
    for channels in (1, 3):
        module = complexnn.ModReLU(channels, init=-0.3)
        expected = init.calculate_gain("modrelu", -0.3, mode=mode)
        assert math.isclose(init.calculate_gain(module, mode=mode), expected, rel_tol=1e-6)
        assert module.bias.grad is None
    mixed = complexnn.ModReLU(2)
    with torch.no_grad():
        mixed.bias.copy_(torch.tensor([-0.2, -0.9]))
    mean = sum(init.calculate_gain("modrelu", bias, mode=mode) ** -2 for bias in (-0.2, -0.9)) / 2
    assert math.isclose(init.calculate_gain(mixed, mode=mode), mean**-0.5, rel_tol=1e-6)


def test_a_module_is_taken_in_its_own_dtype_and_device() -> None:
    for dtype in (torch.complex64, torch.complex128):
        module = complexnn.CPReLU(dtype=dtype)  # torch's prelu takes no numbers of another precision
        assert math.isclose(init.calculate_gain(module), init.calculate_gain("leaky_relu", 0.25), rel_tol=1e-6)


def test_gains_do_not_depend_on_the_mode_or_default_device_they_are_asked_for_in() -> None:
    expected = init.calculate_gain(cardioid, mode="backward")
    gain._circular_normal.cache_clear()
    with torch.inference_mode(), torch.device("meta"):
        assert init.calculate_gain(cardioid, mode="backward") == expected
    with torch.no_grad():
        assert init.calculate_gain(cardioid, mode="backward") == expected


def test_gains_of_torchs_rectifiers_are_torchs() -> None:
    for name, param in (("relu", None), ("leaky_relu", 0.2), ("leaky_relu", None), ("linear", None), ("conv3d", None)):
        expected = nn.init.calculate_gain(name, param)  # type: ignore[arg-type]
        assert math.isclose(init.calculate_gain(name, param), expected, rel_tol=1e-9)


def test_gain_equals_the_sample_mean() -> None:
    z = torch.randn(200000, dtype=torch.complex128)
    for function in (lambda z: modrelu(z, -0.8), complexnn.EquivariantPhaseReLU(1, dtype=torch.complex128)):
        power = function(z[:, None]).detach().abs().square()
        assert_mean(power, init.calculate_gain(function) ** -2)


def test_functions_with_poles_and_dead_ones_have_no_gain() -> None:
    for function, mode in ((torch.tanh, "forward"), ("signum", "backward"), (lambda z: 0 * z, "forward")):
        with pytest.raises(ValueError, match="no gain"):
            init.calculate_gain(function, mode=mode)


def test_wrong_arguments_of_calculate_gain_raise() -> None:
    for name in ("rule", "__doc__"):
        with pytest.raises(ValueError, match=f"nonlinearity '{name}'"):
            init.calculate_gain(name)
    with pytest.raises(TypeError, match="a name, a function or a module, got None"):
        init.calculate_gain(None)
    with pytest.raises(ValueError, match="mode must be 'forward' or 'backward', got 'fan_in'"):
        init.calculate_gain("crelu", mode="fan_in")
    with pytest.raises(ValueError, match="param is the second argument of a named function"):
        init.calculate_gain(crelu, 0.1)


@pytest.mark.parametrize("name", ["crelu", "cardioid", "zrelu"])
@pytest.mark.parametrize("fill", [init.kaiming_normal_, init.kaiming_uniform_])
def test_kaiming_keeps_the_second_moment_through_twenty_layers(name: str, fill: Fill) -> None:
    """E|W f(z)|^2 = E|z|^2 for circular z: within a factor of two after twenty layers, where 1 / sqrt(2) too little in
    the variance of each would leave a thousandth."""
    function = getattr(complexnn.functional, name)
    z = torch.randn(64, 400, dtype=torch.complex64)
    for _ in range(20):
        z = function(z) @ fill(torch.empty(400, 400, dtype=torch.complex64), nonlinearity=name).T
    assert 0.5 < float(z.abs().square().mean()) < 2


def outputs(net: nn.Module, *inputs: Tensor) -> dict[nn.Module, Tensor]:
    seen: dict[nn.Module, Tensor] = {}
    handles = [
        layer.register_forward_hook(lambda layer, _, output: seen.setdefault(layer, output.detach()))
        for layer in net.modules()
    ]
    net(*inputs)
    for handle in handles:
        handle.remove()
    return seen


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.unused = complexnn.Linear(5, 6)
        self.join = complexnn.Bilinear(6, 6, 4)
        self.left, self.right = complexnn.WidelyLinear(5, 6), complexnn.Linear(5, 6, bias=False)
        self.real = nn.Linear(4, 2)
        self.table = complexnn.Embedding(3, 5)

    def forward(self, z: Tensor, index: Tensor) -> Tensor:
        z = z + self.table(index)
        return self.real(self.join(self.left(z), self.right(z)).abs())


def test_lsuv_gives_every_layer_unit_variance() -> None:
    net = nn.Sequential(
        complexnn.Conv2d(2, 8, 3, stride=2),
        complexnn.CReLU(),
        complexnn.ConvTranspose2d(8, 3, 2),
        complexnn.Cardioid(),
        nn.Flatten(),
        complexnn.Linear(3 * 5 * 5, 7),
    )
    z = 3 + 5 * torch.randn(20, 2, 9, 9, dtype=torch.complex64)
    assert init.lsuv_(net, z) is net
    seen = outputs(net, z)
    for layer in (net[0], net[2], net[5]):
        assert math.isclose(float(seen[layer].var(correction=0)), 1.0, rel_tol=1e-4)
        assert not layer.bias.any() and layer.weight.requires_grad and layer.weight.grad is None
        matrix = layer.weight.detach().flatten(1)
        gram = matrix @ matrix.mH if matrix.shape[0] <= matrix.shape[1] else matrix.mH @ matrix
        assert torch.allclose(gram / gram[0, 0], torch.eye(len(gram), dtype=gram.dtype), atol=1e-5)
    assert not any(layer._forward_hooks for layer in net)


def test_lsuv_follows_the_order_of_the_data_and_leaves_the_rest() -> None:
    net = Branches()
    real, table = net.real.weight.detach().clone(), net.table.weight.detach().clone()
    z, index = torch.randn(30, 5, dtype=torch.complex64), torch.randint(3, (30,))
    init.lsuv_(net, z, index, generator=torch.Generator().manual_seed(3))
    seen = outputs(net, z, index)
    for layer in (net.left, net.right, net.join):
        assert math.isclose(float(seen[layer].var(correction=0)), 1.0, rel_tol=1e-4)
    assert torch.equal(net.real.weight, real) and torch.equal(net.table.weight, table)
    unused = net.unused.weight.detach()
    assert torch.allclose(unused.mH @ unused, torch.eye(5, dtype=torch.complex64), atol=1e-5)
    first = net.left.weight.detach().clone()
    init.lsuv_(net, z, index, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(net.left.weight, first)


def test_lsuv_raises_on_a_lazy_layer_before_it_changes_any() -> None:
    net = nn.Sequential(complexnn.Linear(3, 4), complexnn.LazyLinear(2))
    before = net[0].weight.detach().clone()
    z = torch.randn(5, 3, dtype=torch.complex64)
    with pytest.raises(ValueError, match=r"known shape, got lazy 1\.weight, 1\.bias: call the network once before"):
        init.lsuv_(net, z)
    assert torch.equal(net[0].weight, before)
    net(z)
    assert math.isclose(float(init.lsuv_(net, z)(z).detach().var(correction=0)), 1.0, rel_tol=1e-4)


def test_lsuv_raises_on_a_constant_output_and_leaves_no_hook() -> None:
    net = nn.Sequential(complexnn.Linear(3, 4), complexnn.Linear(4, 2))
    with pytest.raises(ValueError, match="layer '0' puts out numbers of standard deviation 0"):
        init.lsuv_(net, torch.zeros(5, 3, dtype=torch.complex64))
    assert not any(layer._forward_hooks for layer in net)

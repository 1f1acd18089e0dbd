"""Values and derivatives of every activation, against NumPy in double precision."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import erf
from torch import Tensor, nn

import complexnn

Array = NDArray[Any]
Reference = Callable[[Array], Array]


def unit(z: Array) -> Array:
    return np.divide(z, np.abs(z), out=np.zeros_like(z), where=z != 0)


def split(real: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Reference:
    return lambda z: real(z.real) + 1j * real(z.imag)


def polar(real: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Reference:
    return lambda z: real(np.abs(z)) * unit(z)


def expit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-np.logaddexp(0, -x))


def elu(x: NDArray[np.float64], alpha: float = 1.0, width: float = 1.0) -> NDArray[np.float64]:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / width))


def softmax(x: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def in_quadrant(z: Array) -> NDArray[np.bool_]:
    return (z.real >= 0) & (z.imag >= 0)


def upper_phase(z: Array) -> NDArray[np.float64]:
    return np.maximum(np.angle(z), 0)


WEIGHT = 0.6 - 0.8j


def gtrelu(phase_scale: bool = False) -> complexnn.GTReLU:
    module = complexnn.GTReLU(phase_scale=phase_scale)
    with torch.no_grad():
        module.weight.fill_(WEIGHT)
        if module.phase_scale is not None:
            module.phase_scale.fill_(1.5)
    return module


def equivariant_phase_relu(z: Array) -> Array:
    direction = unit(z.mean(1, keepdims=True))
    return np.abs(z) * np.exp(1j * upper_phase(z * direction.conj())) * direction


def mvn(k: int) -> Reference:
    return lambda z: np.exp(2j * np.pi / k * np.floor(np.mod(np.angle(z), 2 * np.pi) * k / (2 * np.pi)))


def log_cosh(z: Array) -> Array:
    """The branch of ln cosh z that is continuous in each half-plane: within pi/2 of y there, turned in the left."""
    logarithm = np.log(np.cosh(z))
    turns = np.round((np.where(z.real >= 0, z.imag, -z.imag) - logarithm.imag) / (2 * np.pi))
    return logarithm + 2j * np.pi * turns


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946

# What a module must compute, by name; inputs are (samples, channels, length).
REFERENCES: dict[str, tuple[Callable[[], nn.Module], Reference]] = {
    "CReLU": (complexnn.CReLU, split(lambda x: np.maximum(x, 0))),
    "CReLU6": (complexnn.CReLU6, split(lambda x: np.clip(x, 0, 6))),
    "CLeakyReLU": (lambda: complexnn.CLeakyReLU(0.2), split(lambda x: np.where(x > 0, x, 0.2 * x))),
    "CRReLU": (lambda: complexnn.CRReLU().eval(), split(lambda x: np.where(x > 0, x, x * (1 / 8 + 1 / 3) / 2))),
    "CPReLU": (lambda: complexnn.CPReLU(init=0.3), split(lambda x: np.where(x > 0, x, 0.3 * x))),
    "CELU": (lambda: complexnn.CELU(1.5), split(lambda x: elu(x, 1.5))),
    "CCELU": (lambda: complexnn.CCELU(1.5), split(lambda x: elu(x, 1.5, 1.5))),
    "CSELU": (complexnn.CSELU, split(lambda x: SELU_SCALE * elu(x, SELU_ALPHA))),
    "CGELU": (complexnn.CGELU, split(lambda x: x * (1 + erf(x / math.sqrt(2))) / 2)),
    "CGELU tanh": (
        lambda: complexnn.CGELU(approximate="tanh"),
        split(lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2),
    ),
    "CSiLU": (complexnn.CSiLU, split(lambda x: x * expit(x))),
    "CMish": (complexnn.CMish, split(lambda x: x * np.tanh(np.logaddexp(0, x)))),
    "CSoftplus": (lambda: complexnn.CSoftplus(beta=2), split(lambda x: np.logaddexp(0, 2 * x) / 2)),
    "CSigmoid": (complexnn.CSigmoid, split(expit)),
    "CLogSigmoid": (complexnn.CLogSigmoid, split(lambda x: -np.logaddexp(0, -x))),
    "CHardsigmoid": (complexnn.CHardsigmoid, split(lambda x: np.clip(x / 6 + 0.5, 0, 1))),
    "CHardswish": (complexnn.CHardswish, split(lambda x: x * np.clip(x / 6 + 0.5, 0, 1))),
    "CTanh": (complexnn.CTanh, split(np.tanh)),
    "CHardtanh": (lambda: complexnn.CHardtanh(-0.5, 0.7), split(lambda x: np.clip(x, -0.5, 0.7))),
    "CTanhshrink": (complexnn.CTanhshrink, split(lambda x: x - np.tanh(x))),
    "CSoftsign": (complexnn.CSoftsign, split(lambda x: x / (1 + np.abs(x)))),
    "CSoftshrink": (complexnn.CSoftshrink, split(lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0))),
    "CHardshrink": (complexnn.CHardshrink, split(lambda x: np.where(np.abs(x) > 0.5, x, 0))),
    "CThreshold": (lambda: complexnn.CThreshold(0.3, -1.0), split(lambda x: np.where(x > 0.3, x, -1.0))),
    "Split": (lambda: complexnn.Split(torch.tanh), split(np.tanh)),
    "Split of two": (
        lambda: complexnn.Split(nn.Softplus(), torch.tanh),
        lambda z: np.logaddexp(0, z.real) + 1j * np.tanh(z.imag),
    ),
    "ZReLU": (complexnn.ZReLU, lambda z: np.where(in_quadrant(z), z, 0)),
    "ZLeakyReLU": (complexnn.ZLeakyReLU, lambda z: np.where(in_quadrant(z), z, 0.01 * z)),
    "ZAbsReLU": (complexnn.ZAbsReLU, lambda z: np.where(np.abs(z) >= 0.5, z, 0)),
    "ModReLU": (complexnn.ModReLU, polar(lambda r: np.maximum(r - 0.5, 0))),
    "ModReLU with positive bias": (lambda: complexnn.ModReLU(init=0.7), polar(lambda r: r + 0.7)),
    "Cardioid": (complexnn.Cardioid, lambda z: (1 + np.cos(np.angle(z))) / 2 * z),
    "Polar": (lambda: complexnn.Polar(nn.Sigmoid()), polar(expit)),
    "PolarTanh": (lambda: complexnn.PolarTanh(2.0), polar(lambda r: np.tanh(r / 2))),
    "PolarSquash": (complexnn.PolarSquash, polar(lambda r: r**2 / (1 + r**2))),
    "PolarLog": (complexnn.PolarLog, polar(np.log1p)),
    "SigLog": (lambda: complexnn.SigLog(0.5, 2.0), lambda z: z / (0.5 + np.abs(z) / 2)),
    "ComplexSigmoid": (complexnn.ComplexSigmoid, lambda z: 1 / (1 + np.exp(-z))),
    "ComplexTanh": (complexnn.ComplexTanh, np.tanh),
    "ComplexTan": (complexnn.ComplexTan, np.tan),
    "ComplexSin": (complexnn.ComplexSin, np.sin),
    "ComplexSinh": (complexnn.ComplexSinh, np.sinh),
    "ComplexAsin": (complexnn.ComplexAsin, np.arcsin),
    "ComplexAcos": (complexnn.ComplexAcos, np.arccos),
    "ComplexAtan": (complexnn.ComplexAtan, np.arctan),
    "ComplexAsinh": (complexnn.ComplexAsinh, np.arcsinh),
    "ComplexAtanh": (complexnn.ComplexAtanh, np.arctanh),
    "LogCosh": (complexnn.LogCosh, log_cosh),
    "Modulus": (complexnn.Modulus, np.abs),
    "Angle": (complexnn.Angle, np.angle),
    "Signum": (complexnn.Signum, unit),
    "MVN": (complexnn.MVN, unit),
    "MVN(5)": (lambda: complexnn.MVN(5), mvn(5)),
    "MVN(2)": (lambda: complexnn.MVN(2), mvn(2)),
    "TReLU": (complexnn.TReLU, lambda z: np.maximum(np.abs(z), 1) * np.exp(1j * upper_phase(z))),
    "GTReLU": (gtrelu, lambda z: np.abs(WEIGHT * z) * np.exp(1j * upper_phase(WEIGHT * z))),
    "GTReLU with phase scale": (
        lambda: gtrelu(phase_scale=True),
        lambda z: np.abs(WEIGHT * z) * np.exp(1.5j * upper_phase(WEIGHT * z)),
    ),
    "EquivariantPhaseReLU": (complexnn.EquivariantPhaseReLU, equivariant_phase_relu),
    "CSoftmax": (complexnn.CSoftmax, split(softmax)),
    "RealSoftmax": (complexnn.RealSoftmax, lambda z: softmax(z.real)),
    "MagnitudeSoftmax": (complexnn.MagnitudeSoftmax, lambda z: softmax(np.abs(z))),
    "PhaseSoftmax": (complexnn.PhaseSoftmax, lambda z: softmax(np.abs(z)) * unit(z)),
}
each = pytest.mark.parametrize("name", REFERENCES)
precisions = pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=["complex64", "complex128"])


def make(name: str, dtype: torch.dtype) -> nn.Module:
    torch.set_default_dtype(dtype.to_real())
    try:
        return REFERENCES[name][0]()
    finally:
        torch.set_default_dtype(torch.float32)


def signal(dtype: torch.dtype, shape: tuple[int, ...] = (5, 3, 7), scale: float = 1.5) -> Tensor:
    return scale * torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def assert_equals(output: Tensor, expected: Array, atol: float = 0.0) -> None:
    eps = torch.finfo(output.dtype).eps
    np.testing.assert_allclose(output.detach().numpy(), expected, rtol=40 * eps, atol=40 * eps + atol)


def test_every_activation_has_a_reference() -> None:
    public = {
        value
        for value in vars(complexnn).values()
        if isinstance(value, type) and value.__module__.startswith("complexnn.activation")
    }
    assert {type(module()) for module, _ in REFERENCES.values()} == public


@each
@precisions
def test_values_equal_the_reference(name: str, dtype: torch.dtype) -> None:
    z = signal(dtype)
    output = make(name, dtype)(z)
    assert output.dtype in (dtype, dtype.to_real())
    assert_equals(output, REFERENCES[name][1](z.numpy().astype(np.complex128)))


@each
@precisions
def test_real_and_imaginary_numbers_and_both_zeros_have_the_values_of_the_reference(
    name: str, dtype: torch.dtype
) -> None:
    x = torch.tensor([-2.0, -0.3, 0.0, 0.4, 3.0], dtype=dtype.to_real())
    zero = torch.zeros_like(x)
    for z in (torch.complex(x, zero), torch.complex(zero, x)):
        z = z.view(1, 1, -1)
        assert_equals(make(name, dtype)(z), REFERENCES[name][1](z.numpy().astype(np.complex128)))
    minus = torch.tensor(-0.0, dtype=dtype.to_real())
    at_zeros = [
        make(name, dtype)(torch.complex(a, b).view(1, 1, 1)) for a in (zero[0], minus) for b in (zero[0], minus)
    ]
    assert all(torch.equal(value, at_zeros[0]) for value in at_zeros[:3]) or name == "Angle"


# Where single precision fails by nature: growth, phases of large numbers, differences of nearly equal ones.
DELICATE = {
    "ComplexSin",
    "ComplexSinh",
    "ComplexTan",
    "ComplexTanh",
    "ComplexSigmoid",
    "LogCosh",
    "CGELU tanh",
    "CTanhshrink",
    "CSoftsign",
    "CSoftmax",
    "RealSoftmax",
    "MagnitudeSoftmax",
    "PhaseSoftmax",
}


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e-10, 1e-3, 1e3, 1e10, 1e20, 1e30])
@pytest.mark.parametrize("name", sorted(REFERENCES.keys() - DELICATE))
def test_single_precision_is_right_from_1e_minus_30_to_1e30(name: str, scale: float) -> None:
    phases = torch.polar(torch.ones(12, dtype=torch.float64), torch.linspace(-3.1, 2.9, 12, dtype=torch.float64))
    z = (scale * phases.view(2, 2, 3)).to(torch.complex64).requires_grad_()
    exact = z.detach().to(torch.complex128).requires_grad_()
    output, expected = make(name, torch.complex64)(z), make(name, torch.complex128)(exact)
    assert_equals(output, REFERENCES[name][1](exact.detach().numpy()), atol=1e-6 * scale)
    gradients = [  # along a direction that is neither radial nor tangential
        torch.autograd.grad(value, point, torch.full_like(value, 0.6 - 0.8j if value.is_complex() else 1.0))[0]
        for value, point in ((output, z), (expected, exact))
    ]
    allowed = 1e-4 * gradients[1].abs().max() + 1e-6 * (expected.abs() / exact.abs()).max()
    assert (gradients[0] - gradients[1]).abs().max() <= allowed + (1e-20 if scale < 1 else 0)


LIMITS = {  # at plus and minus infinity, real and imaginary
    "PolarTanh": (1, -1, 1j, -1j),
    "PolarSquash": (1, -1, 1j, -1j),
    "SigLog": (2, -2, 2j, -2j),
    "Signum": (1, -1, 1j, -1j),
    "MVN": (1, -1, 1j, -1j),
    "CTanh": (1, -1, 1j, -1j),
    "ZReLU": (math.inf, 0, complex(0, math.inf), 0),
    "ComplexAtan": (math.pi / 2, -math.pi / 2, math.pi / 2, math.pi / 2),
}


@pytest.mark.parametrize("name", LIMITS)
@precisions
def test_at_infinity_the_value_is_the_limit(name: str, dtype: torch.dtype) -> None:
    inf, zero = math.inf, 0.0
    points = [(inf, zero), (-inf, zero), (zero, inf), (zero, -inf)]
    z = torch.complex(*(torch.tensor([p[i] for p in points], dtype=dtype.to_real()) for i in (0, 1)))
    assert_equals(make(name, dtype)(z), np.array(LIMITS[name], dtype=np.complex128))


def test_phase_of_an_infinite_number_of_both_parts_is_that_of_the_diagonal() -> None:
    z = torch.complex(torch.tensor([math.inf, -math.inf]), torch.tensor([math.inf, math.inf]))
    expected = np.array([1 + 1j, -1 + 1j]) / math.sqrt(2)
    for module in (complexnn.Signum(), complexnn.PolarTanh(), complexnn.PolarSquash()):
        assert_equals(module(z), expected)


@pytest.mark.parametrize("value", [-math.inf, 1e38])
def test_sigmoid_and_tanh_have_their_limits_on_the_real_axis(value: float) -> None:
    z = torch.tensor([complex(value, 0.5)])
    assert_equals(complexnn.ComplexSigmoid()(z), np.array([value > 0]))
    assert_equals(complexnn.ComplexTanh()(z), np.array([math.copysign(1, value)]))


def test_rectifiers_leave_an_infinity_where_they_pass_and_nothing_where_they_do_not() -> None:
    inf = torch.complex(torch.tensor([math.inf, -math.inf]), torch.tensor([2.0, 2.0]))
    assert complexnn.ModReLU()(inf).real.tolist() == [math.inf, -math.inf]
    assert complexnn.CReLU()(inf).tolist() == [complex(math.inf, 2), 2j]
    assert complexnn.ZReLU()(inf).tolist() == [complex(math.inf, 2), 0]
    cardioid = complexnn.Cardioid()(inf)
    assert cardioid[0].real > 1e38 and cardioid[1] == 0


@pytest.mark.parametrize("name", sorted(REFERENCES.keys() - {"RealSoftmax", "MVN(5)", "MVN(2)"}))
@precisions
def test_nan_is_not_hidden(name: str, dtype: torch.dtype) -> None:
    z = signal(dtype)
    z[0, 0, 0] = math.nan
    assert make(name, dtype)(z)[0, 0, 0].isnan()


@each
def test_a_real_input_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
        REFERENCES[name][0]()(torch.randn(2, 3, 4))


@each
@pytest.mark.parametrize("shape", [(), (4,), (0, 3)])
def test_any_shape_is_kept(name: str, shape: tuple[int, ...]) -> None:
    module = REFERENCES[name][0]()
    if isinstance(module, complexnn.EquivariantPhaseReLU) and len(shape) < 2:
        with pytest.raises(ValueError, match="expects channels in dimension 1"):
            module(torch.randn(shape, dtype=torch.complex64))
    elif shape != () or "Softmax" not in name:
        assert module(torch.randn(shape, dtype=torch.complex64)).shape == shape

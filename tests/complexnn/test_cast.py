"""Casts between complex and real: against NumPy and SciPy, and round trips."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
import torch
from torch import Tensor, nn

import complexnn
from complexnn import functional as F

REALS = (torch.float32, torch.float64)


def normal(*shape: int, dtype: torch.dtype = torch.complex128, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("dim", (0, 1, 2, -1, -2))
def test_interleaved_parts_take_turns(dim: int, dtype: torch.dtype) -> None:
    x = normal(4, 6, 8, dtype=dtype)
    moved = x.numpy().swapaxes(dim, -1)
    expected = (moved[..., 0::2] + 1j * moved[..., 1::2]).swapaxes(dim, -1)
    z = complexnn.InterleavedToComplex(dim)(x)
    assert z.dtype == dtype.to_complex()
    assert np.array_equal(z.numpy(), expected)
    assert torch.equal(complexnn.ComplexToInterleaved(dim)(z), x)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("dim", (0, 1, 2, -1, -2))
def test_concatenated_parts_follow_each_other(dim: int, dtype: torch.dtype) -> None:
    x = normal(4, 6, 8, dtype=dtype)
    real, imag = np.split(x.numpy(), 2, axis=dim)
    z = complexnn.ConcatenatedToComplex(dim)(x)
    assert z.dtype == dtype.to_complex()
    assert np.array_equal(z.numpy(), real + 1j * imag)
    assert torch.equal(complexnn.ComplexToConcatenated(dim)(z), x)


def test_interleaving_is_view_as_real() -> None:
    z = normal(3, 4)
    assert torch.equal(complexnn.ComplexToInterleaved()(z), torch.view_as_real(z).flatten(-2))


def test_casts_are_copies() -> None:
    x, z = normal(4, 6, dtype=torch.float64), normal(4, 6)
    given = x.clone(), z.clone()
    for cast in (complexnn.InterleavedToComplex(), complexnn.ConcatenatedToComplex(), complexnn.RealToAnalytic()):
        cast(x).zero_()
    for cast in (complexnn.ComplexToInterleaved(), complexnn.ComplexToConcatenated(), complexnn.AnalyticToReal()):
        cast(z).zero_()
    for part in complexnn.ComplexToPolar()(z):
        part.zero_()
    assert torch.equal(x, given[0]) and torch.equal(z, given[1])


def casts() -> list[nn.Module]:
    return [
        complexnn.ComplexToInterleaved(1),
        complexnn.ComplexToConcatenated(1),
        complexnn.AnalyticToReal(),
        complexnn.InterleavedToComplex(1),
        complexnn.ConcatenatedToComplex(1),
        complexnn.RealToAnalytic(1),
    ]


def test_layout_of_the_input_does_not_matter() -> None:
    z = normal(4, 6, 8)
    for cast in casts():
        given = z.real if "To" + "Complex" in type(cast).__name__ or isinstance(cast, complexnn.RealToAnalytic) else z
        plain = given.clone(memory_format=torch.contiguous_format)
        torch.testing.assert_close(cast(given.transpose(0, 2)), cast(plain.transpose(0, 2).contiguous()))
        torch.testing.assert_close(cast(given[..., ::2]), cast(plain[..., ::2].contiguous()))
        if given.is_complex():
            torch.testing.assert_close(cast(z.conj()), cast(z.conj().resolve_conj()))
        else:  # the imaginary part of a conjugate view is a negative view
            torch.testing.assert_close(cast(z.conj().imag), cast(-z.imag))
    torch.testing.assert_close(F.complex_to_polar(z.conj())[1], -F.complex_to_polar(z)[1])


def test_gradients_equal_finite_differences() -> None:
    z, x = normal(2, 4, 3).requires_grad_(), normal(2, 4, 3, dtype=torch.float64).requires_grad_()
    modulus = (x.detach().abs() + 0.1).requires_grad_()
    for cast in casts():
        given = x if "ToComplex" in type(cast).__name__ or isinstance(cast, complexnn.RealToAnalytic) else z
        assert torch.autograd.gradcheck(cast, given)
    assert torch.autograd.gradcheck(complexnn.ComplexToPolar(), z)
    assert torch.autograd.gradgradcheck(complexnn.ComplexToPolar(), z, fast_mode=True)
    assert torch.autograd.gradcheck(complexnn.PolarToComplex(), (modulus, x))


@pytest.mark.parametrize("dtype", (torch.complex64, torch.complex128))
def test_polar_is_numpys_modulus_and_angle(dtype: torch.dtype) -> None:
    z = normal(3, 4, 5, dtype=dtype)
    modulus, phase = complexnn.ComplexToPolar()(z)
    assert modulus.dtype == phase.dtype == z.real.dtype
    torch.testing.assert_close(modulus, torch.from_numpy(np.abs(z.numpy())))
    torch.testing.assert_close(phase, torch.from_numpy(np.angle(z.numpy())))
    torch.testing.assert_close(complexnn.PolarToComplex()(modulus, phase), z)


def test_phase_at_the_edges_is_numpys() -> None:
    zeros = [complex(a, b) for a in (0.0, -0.0) for b in (0.0, -0.0)]
    axes = [1 + 0j, -1 + 0j, complex(-1, -0.0), 1j, -1j]
    large = [complex(math.inf, 1), complex(-math.inf, 1), complex(1, -math.inf), 3e38 + 3e38j, -3e38 + 1e38j]
    small = [1e-30 + 1e-30j, -1e-42 + 1e-42j, complex(1e-45, 0)]
    z = torch.tensor(zeros + axes + large + small, dtype=torch.complex64)
    phase = complexnn.ComplexToPolar()(z)[1]
    torch.testing.assert_close(phase, torch.from_numpy(np.angle(z.numpy())))
    assert torch.equal(phase.signbit(), torch.from_numpy(np.signbit(np.angle(z.numpy()))))
    assert complexnn.ComplexToPolar()(torch.tensor([complex(math.nan, 1)]))[1].isnan()


@pytest.mark.parametrize("size", (1.0, 1e-10, 1e-25, 1e-30, 1e30))
def test_phase_has_its_gradient_at_any_modulus(size: float) -> None:
    z = torch.tensor([3 - 4j, -0.5 + 0.1j], dtype=torch.complex64)
    leaf = (z * size).requires_grad_()
    complexnn.ComplexToPolar()(leaf)[1].sum().backward()
    exact = 1j * z.to(torch.complex128) / z.to(torch.complex128).abs() ** 2
    torch.testing.assert_close(leaf.grad.to(torch.complex128) * size, exact, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("value", (0.0, -0.0, 1e-40, 1e-37))
def test_polar_gradients_at_zero_are_zero_and_next_to_it_finite(value: float) -> None:
    z = torch.full((3,), complex(value, value), dtype=torch.complex64, requires_grad=True)
    modulus, phase = complexnn.ComplexToPolar()(z)
    (gradient,) = torch.autograd.grad(phase.sum(), z, retain_graph=True)
    assert gradient.isfinite().all()
    assert abs(value) > 0 or torch.equal(gradient, torch.zeros_like(z))
    (gradient,) = torch.autograd.grad(modulus.sum(), z)
    assert gradient.isfinite().all()


def test_a_zero_modulus_has_a_gradient() -> None:
    modulus = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    phase = torch.tensor([0.3, 2.0], dtype=torch.float64)
    complexnn.PolarToComplex()(modulus, phase).real.sum().backward()
    torch.testing.assert_close(modulus.grad, phase.cos())


def test_polar_inputs_broadcast() -> None:
    z = complexnn.PolarToComplex()(torch.tensor([[2.0], [-3.0]]), torch.tensor([0.0, math.pi / 2]))
    torch.testing.assert_close(z, torch.tensor([[2, 2j], [-3, -3j]], dtype=torch.complex64))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", ((3, 4, 8), (3, 8, 7), (2, 2, 1), (2, 1, 2)))
@pytest.mark.parametrize("dim", (-1, 1))
def test_analytic_signal_is_scipys(shape: tuple[int, ...], dim: int, dtype: torch.dtype) -> None:
    x = normal(*shape, dtype=dtype)
    z = complexnn.RealToAnalytic(dim)(x)
    assert z.dtype == dtype.to_complex()
    expected = scipy.signal.hilbert(x.to(torch.float64).numpy(), axis=dim)
    torch.testing.assert_close(z, torch.from_numpy(expected).to(z.dtype))
    torch.testing.assert_close(complexnn.AnalyticToReal()(z), x)


def test_analytic_signal_has_no_negative_frequencies() -> None:
    for length in (8, 9):
        spectrum = torch.fft.fft(complexnn.RealToAnalytic()(normal(3, length, dtype=torch.float64)))
        assert spectrum[:, length // 2 + 1 :].abs().max() < 1e-13
        assert spectrum[:, : length // 2 + 1].abs().min() > 1e-3


def test_wrong_input_raises() -> None:
    z, x = normal(4, 6), torch.randn(4, 6)
    for cast in casts()[:3]:
        with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
            cast(x)
    for cast in casts()[3:]:
        for wrong in (z, torch.arange(6).view(1, 6)):
            with pytest.raises(TypeError, match="expects a real floating tensor, got torch"):
                cast(wrong)
    with pytest.raises(TypeError, match="expects a complex tensor"):
        complexnn.ComplexToPolar()(x)
    with pytest.raises(TypeError, match="expects a real floating tensor, got ndarray"):
        complexnn.RealToAnalytic()(x.numpy())
    for pair in ((z, x), (x, z)):
        with pytest.raises(TypeError, match="polar_to_complex expects a real floating tensor"):
            complexnn.PolarToComplex()(*pair)
    for cast in (complexnn.InterleavedToComplex(), complexnn.ConcatenatedToComplex()):
        with pytest.raises(ValueError, match="expects an even size, got 5 in dimension -1"):
            cast(torch.randn(2, 5))


def test_a_dimension_that_is_not_there_raises() -> None:
    for cast in (type(cast) for cast in casts() if hasattr(cast, "dim")):
        real = "ToComplex" in cast.__name__ or cast is complexnn.RealToAnalytic
        for dim, shape in ((2, (4, 6)), (-3, (4, 6)), (-1, ())):
            with pytest.raises(IndexError, match=rf"expects one of {len(shape)} dimensions, got dim={dim} for shape"):
                cast(dim)(normal(*shape, dtype=torch.float64 if real else torch.complex128))


@pytest.mark.parametrize("shape", ((0, 6), (4, 0)))
def test_empty_batches_and_signals_stay_empty(shape: tuple[int, ...]) -> None:
    x, z = torch.zeros(shape, requires_grad=True), torch.zeros(shape, dtype=torch.complex64, requires_grad=True)
    for cast in (complexnn.InterleavedToComplex(), complexnn.ConcatenatedToComplex()):
        assert cast(x).dtype == torch.complex64 and cast(x).shape == (shape[0], shape[1] // 2)
    for cast in (complexnn.ComplexToInterleaved(), complexnn.ComplexToConcatenated()):
        assert cast(z).dtype == torch.float32 and cast(z).shape == (shape[0], 2 * shape[1])
    y = complexnn.RealToAnalytic()(x)
    assert y.dtype == torch.complex64 and y.shape == shape
    y.abs().sum().backward()
    assert x.grad.shape == shape


def test_repr_shows_the_dimension() -> None:
    assert repr(complexnn.ComplexToConcatenated(1)) == "ComplexToConcatenated(dim=1)"
    assert repr(complexnn.RealToAnalytic()) == "RealToAnalytic(dim=-1)"


class Mixed(nn.Module):
    """Complex and real parameters, and buffers of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.complex = nn.Parameter(normal(3, dtype=torch.complex64))
        self.real = nn.Parameter(torch.rand(3))
        self.low = nn.Parameter(torch.rand(3, dtype=torch.float16), requires_grad=False)
        self.register_buffer("phasor", normal(2, dtype=torch.complex64))
        self.register_buffer("mean", torch.rand(2))
        self.register_buffer("steps", torch.tensor(7))
        self.register_buffer("mask", torch.tensor([True, False]))
        self.register_buffer("none", None)


def test_complex_dtype_leaves_real_parameters_real() -> None:
    module = nn.Sequential(Mixed(), nn.Sequential(Mixed()))
    given = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert complexnn.to_complex_dtype(module, torch.complex128) is module
    kinds = {"complex": torch.complex128, "phasor": torch.complex128, "steps": torch.int64, "mask": torch.bool}
    state = module.state_dict()
    for name, tensor in given.items():
        assert state[name].dtype == kinds.get(name.split(".")[-1], torch.float64), name
        assert torch.equal(state[name], tensor.to(state[name].dtype)), name  # no bit is lost, no part dropped
    complexnn.to_complex_dtype(module, torch.complex64)
    for name, tensor in module.state_dict().items():
        assert tensor.dtype == (torch.float32 if name.endswith("low") else given[name].dtype)
        assert torch.equal(tensor, given[name].to(tensor.dtype))


def test_parameters_remain_the_same_objects_and_tied() -> None:
    module = nn.Sequential(complexnn.Linear(3, 3), complexnn.ModReLU(), complexnn.Linear(3, 3))
    module[2].weight = module[0].weight
    before = list(module.parameters())
    complexnn.to_complex_dtype(module, torch.complex128)
    assert all(a is b for a, b in zip(module.parameters(), before, strict=True))
    assert module[2].weight is module[0].weight
    assert module[0].weight.dtype == torch.complex128


def test_gradients_and_optimisers_follow() -> None:
    module = nn.Sequential(complexnn.Linear(3, 4), complexnn.ModReLU())
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    module(normal(5, 3, dtype=torch.complex64)).abs().sum().backward()
    gradients = [parameter.grad.clone() for parameter in module.parameters()]
    complexnn.to_complex_dtype(module, torch.complex128)
    for parameter, gradient in zip(module.parameters(), gradients, strict=True):
        assert parameter.grad.dtype == parameter.dtype
        assert torch.equal(parameter.grad, gradient.to(parameter.dtype))
    before = [parameter.detach().clone() for parameter in module.parameters()]
    optimiser.step()
    for parameter, start in zip(module.parameters(), before, strict=True):
        torch.testing.assert_close(parameter.detach(), start - 0.1 * parameter.grad)
    assert module(normal(5, 3)).dtype == torch.complex128


def test_lazy_modules_take_the_dtype() -> None:
    module = nn.LazyLinear(4, dtype=torch.complex64)
    complexnn.to_complex_dtype(module, torch.complex128)
    assert module(normal(5, 3)).dtype == torch.complex128


def test_complex_dtype_must_be_complex() -> None:
    for dtype in (torch.float64, torch.int64, None):
        with pytest.raises(TypeError, match="to_complex_dtype expects a complex dtype"):
            complexnn.to_complex_dtype(Mixed(), dtype)


def test_compiled_casts_equal_eager() -> None:
    torch._dynamo.reset()
    module = nn.Sequential(complexnn.RealToAnalytic(), complexnn.ComplexToPolar())
    x = normal(3, 8, dtype=torch.float64).requires_grad_()
    results = []
    for function in (module, torch.compile(module, fullgraph=True, backend="aot_eager")):
        modulus, phase = function(x)
        results.append((modulus.detach(), phase.detach(), torch.autograd.grad((modulus * phase).sum(), x)[0]))
    torch.testing.assert_close(results[1], results[0])

"""Losses: against loops and SciPy in float64, at their minima, and where they break elsewhere."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import scipy.stats
import torch
from torch import Tensor, nn

import complexnn
from complexnn import functional as F

DTYPES = (torch.complex64, torch.complex128)
SHAPE = (3, 4, 5)


def normal(*shape: int, dtype: torch.dtype = torch.complex128, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def wrapped(z: complex, t: complex) -> float:
    difference = cmath.phase(z) - cmath.phase(t)
    return (difference + math.pi) % (2 * math.pi) - math.pi


FORMULAS: list[tuple[nn.Module, Callable[[complex, complex], float]]] = [
    (complexnn.MSELoss(reduction="none"), lambda z, t: abs(z - t) ** 2),
    (complexnn.L1Loss(reduction="none"), lambda z, t: abs(z - t)),
    (
        complexnn.HuberLoss("none"),
        lambda z, t: abs(z - t) ** 2 / 2 if abs(z - t) <= 1 else abs(z - t) - 0.5,
    ),
    (
        complexnn.HuberLoss("none", delta=2.5),
        lambda z, t: abs(z - t) ** 2 / 2 if abs(z - t) <= 2.5 else 2.5 * (abs(z - t) - 1.25),
    ),
    (complexnn.LogCoshLoss("none"), lambda z, t: math.log(math.cosh(abs(z - t) ** 2))),
    (complexnn.LogCoshLoss("none", power=1), lambda z, t: math.log(math.cosh(abs(z - t)))),
    (complexnn.CauchyLoss("none"), lambda z, t: math.log(1 + abs(z - t) ** 2) / 2),
    (complexnn.CauchyLoss("none", scale=0.5), lambda z, t: math.log(1 + 4 * abs(z - t) ** 2) / 8),
    (complexnn.PhaseLoss("none"), lambda z, t: 1 - math.cos(cmath.phase(z) - cmath.phase(t))),
    (complexnn.PhaseLoss("none", form="wrapped"), lambda z, t: wrapped(z, t) ** 2),
]
DIFFERENCES = [module for module, _ in FORMULAS]


def named(value: object) -> str:
    return repr(value) if isinstance(value, nn.Module) else ""


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("module", "formula"), FORMULAS, ids=named)
def test_each_loss_is_its_formula(module: nn.Module, formula: Callable, dtype: torch.dtype) -> None:
    z, t = normal(*SHAPE, dtype=dtype), normal(*SHAPE, dtype=dtype, seed=1)
    loss = module(z, t)
    assert loss.dtype == z.real.dtype and loss.shape == z.shape
    pairs = zip(z.flatten().tolist(), t.flatten().tolist(), strict=True)
    expected = torch.tensor([formula(*pair) for pair in pairs], dtype=loss.dtype).view(SHAPE)
    torch.testing.assert_close(loss, expected)


def everything() -> list[tuple[str, Callable[[str], nn.Module], tuple[Tensor, ...]]]:
    z, t = normal(*SHAPE), normal(*SHAPE, seed=1)
    var = normal(*SHAPE, seed=2).abs() + 0.5
    pseudo = 0.4 * var * normal(*SHAPE, seed=3).sgn()
    names = ("MSELoss", "L1Loss", "HuberLoss", "LogCoshLoss", "CauchyLoss", "PhaseLoss", "SISNRLoss")
    losses: list = [(name, partial(_with_reduction, name), (z, t)) for name in names]
    losses.append(("wrapped", lambda r: complexnn.PhaseLoss(r, form="wrapped"), (z, t)))
    losses.append(("circular", lambda r: complexnn.GaussianNLLLoss(reduction=r), (z, t, var)))
    losses.append(("GaussianNLLLoss", lambda r: complexnn.GaussianNLLLoss(reduction=r), (z, t, var, pseudo)))
    target = torch.tensor([[0, 3, 1, 2, 2], [1, 1, 0, 3, 2], [2, 0, 3, 1, 0]])
    for part in ("modulus", "real"):
        losses.append((part, lambda r, part=part: complexnn.CrossEntropyLoss(reduction=r, part=part), (z, target)))
    return losses


def _with_reduction(name: str, reduction: str) -> nn.Module:
    return getattr(complexnn, name)(reduction=reduction)  # type: ignore[no-any-return]


EVERYTHING = everything()


@pytest.mark.parametrize(("name", "make", "inputs"), EVERYTHING, ids=named)
def test_reductions(name: str, make: Callable, inputs: tuple) -> None:
    single = make("none")(*inputs)
    torch.testing.assert_close(make("mean")(*inputs), single.mean())
    torch.testing.assert_close(make("sum")(*inputs), single.sum())
    assert single.ndim > 0
    with pytest.raises(ValueError):
        make("average")(*inputs)
    assert "reduction='sum'" in repr(make("sum"))


@pytest.mark.parametrize(("name", "make", "inputs"), EVERYTHING, ids=named)
def test_gradients_equal_finite_differences(name: str, make: Callable, inputs: tuple) -> None:
    leaves = [x.detach().clone().requires_grad_() if x.dtype != torch.int64 else x for x in inputs]
    assert torch.autograd.gradcheck(make("none"), leaves, fast_mode=True)
    assert torch.autograd.gradcheck(make("mean"), leaves)
    assert torch.autograd.gradgradcheck(make("mean"), leaves, fast_mode=True)


@pytest.mark.parametrize(("name", "make", "inputs"), EVERYTHING, ids=named)
def test_layout_and_precision_do_not_matter(name: str, make: Callable, inputs: tuple) -> None:
    module = make("none")
    expected = module(*inputs)
    spread = [torch.stack((x, x), -1)[..., 0] for x in inputs]
    torch.testing.assert_close(module(*spread), expected)
    lazy = [x.conj().resolve_conj().conj() for x in inputs]
    torch.testing.assert_close(module(*lazy), expected)
    low = [x.to(torch.complex64) if x.is_complex() else x.float() if x.is_floating_point() else x for x in inputs]
    single = module(*low)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single, expected.float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "make", "inputs"), EVERYTHING, ids=named)
def test_a_phase_common_to_all_changes_nothing(name: str, make: Callable, inputs: tuple) -> None:
    phasor = cmath.rect(1, 0.7)
    turned = [x * phasor if x.is_complex() else x for x in inputs]
    if name == "GaussianNLLLoss":
        turned[3] = turned[3] * phasor  # a second moment turns twice
    same = torch.allclose(make("none")(*turned), make("none")(*inputs))
    assert same == (name != "real")


@pytest.mark.parametrize(("name", "make", "inputs"), EVERYTHING, ids=named)
def test_wrong_input_raises(name: str, make: Callable, inputs: tuple) -> None:
    z, *rest = inputs
    with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float64"):
        make("mean")(z.real, *rest)
    if rest[0].is_complex():
        with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float64"):
            make("mean")(z, rest[0].real, *rest[1:])
        with pytest.raises(ValueError, match=r"expects a target of the input's shape \(3, 4, 5\), got \(3, 4, 1\)"):
            make("mean")(z, rest[0][..., :1], *rest[1:])


@pytest.mark.parametrize(("name", "make", "inputs"), EVERYTHING, ids=named)
def test_nan_is_not_hidden(name: str, make: Callable, inputs: tuple) -> None:
    z = inputs[0].clone()
    z[1, 2, 3] = complex(math.nan, 1)
    assert make("mean")(z, *inputs[1:]).isnan()
    z[1, 2, 3] = complex(math.nan, math.nan)
    assert make("sum")(z, *inputs[1:]).isnan()
    assert (make("none")(z, *inputs[1:]).isnan().sum() == 1).all()


@pytest.mark.parametrize("gap", (0.0, -0.0, 1e-30, 1e-40))
@pytest.mark.parametrize("module", DIFFERENCES, ids=named)
def test_gradients_at_equality_are_finite(module: nn.Module, gap: float) -> None:
    t = normal(*SHAPE, dtype=torch.complex64)
    t[0] = t[-1] = 0  # the kernels treat the last elements apart
    z = (t + torch.full_like(t, complex(gap, gap))).requires_grad_()
    loss = module(z, t)
    assert loss.isfinite().all()
    loss.sum().backward()
    assert z.grad.isfinite().all()
    if not isinstance(module, complexnn.PhaseLoss):
        assert z.grad.abs().max() <= 1.0001


def test_mse_and_l1_are_of_complex_numbers_not_of_parts() -> None:
    z, t = torch.tensor([3 + 4j]), torch.tensor([0j])
    assert complexnn.MSELoss()(z, t) == 25
    assert complexnn.L1Loss()(z, t) == 5


def test_gradient_is_torchs() -> None:
    z = torch.tensor([3 + 4j], requires_grad=True)
    complexnn.MSELoss()(z, torch.tensor([0j])).backward()
    assert z.grad.item() == 2 * (3 + 4j)


@pytest.mark.parametrize("power", (1, 2))
def test_log_cosh_neither_overflows_nor_loses_digits(power: int) -> None:
    d = torch.tensor([1e-8, 1e-4, 1e-2, 0.3, 0.99, 1.0, 1.01, 5, 9.5, 1e3, 1e10], dtype=torch.float32)
    z = torch.complex(d * 0.6, d * 0.8).requires_grad_()
    loss = complexnn.LogCoshLoss("none", power=power)(z, torch.zeros_like(z))
    loss.sum().backward()
    # The distance as the loss sees it: the parts are rounded.
    u = np.abs(z.detach().to(torch.complex128).numpy()) ** power
    expected = np.where(u < 20, np.log1p(2 * np.sinh(np.minimum(u, 20) / 2) ** 2), u - math.log(2))
    np.testing.assert_allclose(loss.detach().numpy(), expected, rtol=1e-6, atol=1e-40)
    slope = np.tanh(u) * power * np.abs(z.detach().numpy()) ** (power - 1)
    np.testing.assert_allclose(z.grad.abs().numpy(), slope, rtol=1e-5, atol=1e-40)


def test_cauchy_is_the_square_near_and_the_logarithm_far() -> None:
    near = complexnn.CauchyLoss(scale=2.0)(torch.tensor([3e-4 + 4e-4j]), torch.tensor([0j]))
    assert abs(near.item() / 1.25e-7 - 1) < 1e-5
    far = complexnn.CauchyLoss(scale=2.0)(torch.tensor([3e10 + 4e10j]), torch.tensor([0j]))
    assert abs(far.item() - 4 * math.log(2.5e10)) < 1e-4


def test_phase_is_wrapped() -> None:
    z = torch.polar(torch.tensor([2.0, 3.0]), torch.tensor([math.pi - 0.1, -3.0])).to(torch.complex128)
    t = torch.polar(torch.tensor([0.5, 7.0]), torch.tensor([-math.pi + 0.1, 3.0])).to(torch.complex128)
    gaps = torch.tensor([0.2, 2 * math.pi - 6.0], dtype=torch.float64)
    torch.testing.assert_close(complexnn.PhaseLoss("none", form="wrapped")(z, t), gaps.square(), rtol=1e-5, atol=0)
    torch.testing.assert_close(complexnn.PhaseLoss("none")(z, t), 1 - gaps.cos(), rtol=1e-5, atol=0)


def test_small_phase_differences_keep_their_digits() -> None:
    gaps = torch.tensor([1e-2, 1e-4, 1e-6])
    z, t = torch.complex(gaps.cos(), gaps.sin()), torch.ones(3, dtype=torch.complex64)
    torch.testing.assert_close(complexnn.PhaseLoss("none")(z, t), gaps.square() / 2, rtol=1e-4, atol=0)
    torch.testing.assert_close(complexnn.PhaseLoss("none", form="wrapped")(z, t), gaps.square(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("form", ("von_mises", "wrapped"))
def test_phase_loss_does_not_see_the_moduli(form: str) -> None:
    z, t = normal(*SHAPE), normal(*SHAPE, seed=1)
    module = complexnn.PhaseLoss("none", form=form)
    scale = normal(*SHAPE, seed=2).abs() * 1e-20
    torch.testing.assert_close(module(z * scale, t / scale), module(z, t))
    z.requires_grad_()
    module(z, t).sum().backward()
    torch.testing.assert_close(
        (z.grad * z.detach().conj()).real, torch.zeros(SHAPE, dtype=torch.float64), atol=1e-12, rtol=0
    )


def test_an_element_without_phase_counts_as_a_uniform_one() -> None:
    turns = torch.linspace(-math.pi, math.pi, 100_001, dtype=torch.float64)[:-1]
    uniform, one = torch.complex(turns.cos(), turns.sin()), torch.ones(100_000, dtype=torch.complex128)
    for form in ("von_mises", "wrapped"):
        module = complexnn.PhaseLoss(form=form)
        expected = module(uniform, one)
        for zero, other in ((0j, 2 + 1j), (2 + 1j, 0j), (0j, 0j), (complex(-0.0, -0.0), 1j)):
            z = torch.tensor([zero], dtype=torch.complex128, requires_grad=True)
            loss = module(z, torch.tensor([other], dtype=torch.complex128))
            torch.testing.assert_close(loss, expected, rtol=1e-8, atol=1e-8)
            loss.backward()
            assert z.grad.item() == 0


def test_an_element_next_to_zero_has_no_phase_either() -> None:
    z = torch.tensor([1e-33, -1e-35j, 1e-37j], dtype=torch.complex64, requires_grad=True)
    for form, uniform in (("von_mises", 1.0), ("wrapped", math.pi**2 / 3)):
        loss = complexnn.PhaseLoss("none", form=form)(z, torch.ones(3, dtype=torch.complex64))
        torch.testing.assert_close(loss, torch.full((3,), uniform))
        assert not torch.autograd.grad(loss.sum(), z)[0].any()


def augmented(var: float, pseudo: complex) -> np.ndarray:
    """The covariance of real and imaginary part."""
    return np.array([[var + pseudo.real, pseudo.imag], [pseudo.imag, var - pseudo.real]]) / 2


MOMENTS = [(1.0, 0j), (2.5, 1 - 1j), (0.3, -0.29 + 0j), (4.0, 3.9j)]


@pytest.mark.parametrize(("var", "pseudo"), MOMENTS)
def test_gaussian_likelihood_is_scipys(var: float, pseudo: complex) -> None:
    z, t = normal(*SHAPE), normal(*SHAPE, seed=1)
    error = (t - z).flatten().numpy()
    density = scipy.stats.multivariate_normal([0, 0], augmented(var, pseudo))
    expected = -density.logpdf(np.stack((error.real, error.imag), -1)).reshape(SHAPE)
    v = torch.full(SHAPE, var, dtype=torch.float64)
    c = torch.full(SHAPE, pseudo, dtype=torch.complex128)
    full = complexnn.GaussianNLLLoss(full=True, reduction="none")
    torch.testing.assert_close(full(z, t, v, c), torch.from_numpy(expected))
    plain = complexnn.GaussianNLLLoss(reduction="none")
    torch.testing.assert_close(plain(z, t, v, c), torch.from_numpy(expected) - math.log(math.pi))
    if pseudo == 0:
        torch.testing.assert_close(full(z, t, v), torch.from_numpy(expected))


@pytest.mark.parametrize(("var", "pseudo"), MOMENTS)
def test_gaussian_density_integrates_to_one(var: float, pseudo: complex) -> None:
    axis = torch.linspace(-12, 12, 1201, dtype=torch.float64)
    grid = torch.complex(*torch.meshgrid(axis, axis, indexing="ij"))
    v = torch.full(grid.shape, var, dtype=torch.float64)
    c = torch.full(grid.shape, pseudo, dtype=torch.complex128)
    nll = complexnn.GaussianNLLLoss(full=True, reduction="none")(torch.full_like(grid, 0.3 - 0.2j), grid, v, c)
    density = (-nll).exp() * 0.02**2
    assert abs(density.sum().item() - 1) < 1e-6
    error = grid - (0.3 - 0.2j)
    assert abs((density * error.abs().square()).sum().item() - var) < 1e-6
    assert abs((density * error.square()).sum().item() - pseudo) < 1e-6


def test_gaussian_likelihood_is_least_at_the_moments() -> None:
    samples = normal(500) * 0.7 + normal(500, seed=1).conj() * (0.2 + 0.3j) + (1 - 2j)
    mean = samples.mean()
    error = samples - mean
    best = [mean, error.abs().square().mean(), error.square().mean()]
    leaves = [moment.detach().clone().requires_grad_() for moment in best]

    def nll(mean: Tensor, var: Tensor, pseudo: Tensor) -> Tensor:
        return complexnn.GaussianNLLLoss()(mean.expand(500), samples, var.expand(500), pseudo.expand(500))  # type: ignore[no-any-return]

    least = nll(*leaves)
    for gradient in torch.autograd.grad(least, leaves):
        assert gradient.abs() < 1e-12
    for which in range(3):
        for step in (0.05, -0.05, 0.05j, -0.05j):
            moved = list(best)
            moved[which] = moved[which] + (step if which != 1 else step.real)
            if which != 1 or step.real:
                assert nll(*moved) > least


def test_pseudo_variance_has_a_gradient_at_zero() -> None:
    z, t = normal(*SHAPE), normal(*SHAPE, seed=1)
    var = torch.full(SHAPE, 2.0, dtype=torch.float64)
    pseudo = torch.zeros(SHAPE, dtype=torch.complex128, requires_grad=True)
    complexnn.GaussianNLLLoss(reduction="sum")(z, t, var, pseudo).backward()
    torch.testing.assert_close(pseudo.grad, -((t - z) ** 2) / 4)


def test_variance_broadcasts_as_in_torch() -> None:
    z, t = normal(*SHAPE), normal(*SHAPE, seed=1)
    var, pseudo = normal(3, 4, 1, seed=2).abs() + 1, normal(1, 4, 5, seed=3) / 10
    module = complexnn.GaussianNLLLoss(reduction="none")
    expected = module(z, t, var.expand(SHAPE), pseudo.expand(SHAPE))
    torch.testing.assert_close(module(z, t, var, pseudo), expected)
    torch.testing.assert_close(module(z, t, var.squeeze(-1), pseudo), expected)
    torch.testing.assert_close(module(z, t, 2.0), module(z, t, torch.full(SHAPE, 2.0, dtype=torch.float64)))
    for wrong in (var[:2], var[0], var.squeeze(-1)[:, :2]):
        with pytest.raises(ValueError, match="expected var of a size that broadcasts"):
            module(z, t, wrong)
    with pytest.raises(ValueError, match="expected pseudo_var of a size that broadcasts"):
        module(z, t, var, pseudo[0, :2])


def test_impossible_moments_raise() -> None:
    z, t = normal(*SHAPE), normal(*SHAPE, seed=1)
    var = torch.ones(SHAPE, dtype=torch.float64)
    module = complexnn.GaussianNLLLoss()
    with pytest.raises(ValueError, match="var has negative entry"):
        module(z, t, -var)
    with pytest.raises(ValueError, match="var has negative entry"):
        module(z, t, -1.0)
    pseudo = torch.zeros(SHAPE, dtype=torch.complex128)
    pseudo[1, 2, 3] = 1.1j
    with pytest.raises(ValueError, match="pseudo_var has entry/entries of modulus above var"):
        module(z, t, var, pseudo)
    with pytest.raises(TypeError, match="expects a real floating var"):
        module(z, t, pseudo)
    for wrong in (var, True):  # where torch's function has its ``full``
        with pytest.raises(TypeError, match="expects a complex tensor"):
            module(z, t, var, wrong)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_pseudo_variance_above_var_by_rounding_alone_is_taken(dtype: torch.dtype) -> None:
    z, var = normal(2000, dtype=dtype), normal(2000, dtype=dtype, seed=1).abs()
    pseudo = var * normal(2000, dtype=dtype, seed=2).sgn()
    assert (pseudo.abs() > var).any()
    assert complexnn.GaussianNLLLoss()(z, z, var, pseudo).isfinite()


@pytest.mark.parametrize("dtype", DTYPES)
def test_degenerate_moments_are_lifted_and_keep_their_gradient(dtype: torch.dtype) -> None:
    t = torch.tensor([0.1 + 0.2j, 0.1 + 0.2j, 0j], dtype=dtype)
    var = torch.tensor([0.0, 1.0, 1e-30], dtype=t.real.dtype, requires_grad=True)
    pseudo = torch.tensor([0j, cmath.rect(1, 0.7), 0j], dtype=dtype, requires_grad=True)
    loss = complexnn.GaussianNLLLoss(reduction="none", eps=1e-4)(torch.zeros_like(t), t, var, pseudo)
    loss.sum().backward()
    assert loss.isfinite().all() and var.grad.isfinite().all() and pseudo.grad.isfinite().all()
    assert abs(loss[0].item() - (math.log(1e-4) + 0.05 / 1e-4)) < 0.01
    assert abs(loss[2].item() - math.log(1e-4)) < 1e-5
    assert (var.grad != 0).all()


def test_a_lifted_determinant_has_the_gradient_of_its_logarithm() -> None:
    var = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    pseudo = torch.tensor([cmath.rect(2, 0.7)], dtype=torch.complex128, requires_grad=True)  # |c| = v: on a line
    t = torch.zeros(1, dtype=torch.complex128)
    complexnn.GaussianNLLLoss(eps=1e-3)(t, t, var, pseudo).backward()
    torch.testing.assert_close(var.grad, var.detach() / 2e-3)  # ln(v^2 - |c|^2) / 2 over a floor of eps v
    torch.testing.assert_close(pseudo.grad, -pseudo.detach() / 2e-3)


def test_gaussian_likelihood_of_nearly_real_errors_is_torchs() -> None:
    # A variable that hardly leaves the real axis: the real likelihood, and that of an imaginary part of variance s / 2.
    x = normal(*SHAPE).real
    v, s = 2.0, 1e-3
    var = torch.full(SHAPE, v, dtype=torch.float64)
    loss = complexnn.GaussianNLLLoss(reduction="none")(
        torch.zeros(SHAPE, dtype=torch.complex128),
        torch.complex(x, torch.zeros_like(x)),
        var,
        (var - s).to(torch.complex128),
    )
    real = nn.GaussianNLLLoss(reduction="none")(torch.zeros_like(x), x, var - s / 2)
    torch.testing.assert_close(loss, real + math.log(s / 2) / 2 + math.log(2))


def si_snr(estimate: np.ndarray, target: np.ndarray) -> np.ndarray:
    estimate = estimate - estimate.mean(-1, keepdims=True)
    target = target - target.mean(-1, keepdims=True)
    factor = (estimate * target.conj()).sum(-1, keepdims=True) / (np.abs(target) ** 2).sum(-1, keepdims=True)
    signal = factor * target
    return 10 * np.log10((np.abs(signal) ** 2).sum(-1) / (np.abs(estimate - signal) ** 2).sum(-1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_si_snr_is_its_formula(dtype: torch.dtype) -> None:
    t = normal(3, 4, 50, dtype=dtype)
    z = t + 0.3 * normal(3, 4, 50, dtype=dtype, seed=1)
    expected = -si_snr(z.to(torch.complex128).numpy(), t.to(torch.complex128).numpy())
    loss = complexnn.SISNRLoss(reduction="none")(z, t)
    assert loss.shape == (3, 4)
    torch.testing.assert_close(loss, torch.from_numpy(expected).to(loss.dtype))
    moved = complexnn.SISNRLoss(reduction="none")(z + 5, t - 3j)
    torch.testing.assert_close(moved, loss, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(complexnn.SISNRLoss(zero_mean=False, reduction="none")(z + 5, t), loss)


@pytest.mark.parametrize("scale", (1e-30, 1e-10, 1e25))
def test_si_snr_forgets_gain_and_phase_at_any_scale(scale: float) -> None:
    t = normal(3, 50, dtype=torch.complex64)
    z = t + 0.3 * normal(3, 50, dtype=torch.complex64, seed=1)
    module = complexnn.SISNRLoss(reduction="none")
    expected = module(z, t)
    leaf = (z * cmath.rect(scale, 2.0)).requires_grad_()
    loss = module(leaf, t)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(module(z, t * cmath.rect(scale, -1.0)), expected)
    loss.sum().backward()
    assert leaf.grad.isfinite().all() and (leaf.grad != 0).all()
    # No gain from scaling: the gradient is orthogonal to the signal.
    assert abs((leaf.grad * scale * leaf.detach().conj() / scale).sum().item()) < 1e-3


def test_si_snr_at_the_ends() -> None:
    t = normal(2, 50)
    module = complexnn.SISNRLoss()
    perfect = t.clone().requires_grad_()
    loss = module(perfect, t)
    assert -314 < loss.item() < -290
    loss.backward()
    assert perfect.grad.isfinite().all()
    silent = torch.zeros_like(t).requires_grad_()
    for pair, expected in (((silent, t), 0), ((t, silent), 313.07), ((silent, silent), 0)):
        silent.grad = None
        loss = module(*pair)
        assert abs(loss.item() - expected) < 0.01
        loss.backward()
        assert torch.equal(silent.grad, torch.zeros_like(silent))
    orthogonal = t.clone()
    orthogonal[:, ::2] = -orthogonal[:, ::2]
    far = module(
        orthogonal - (orthogonal * t.conj()).sum(-1, keepdim=True) / t.abs().square().sum(-1, keepdim=True) * t, t
    )
    assert 10 < far.item() < 314


@pytest.mark.parametrize("part", ("modulus", "real"))
def test_cross_entropy_is_torchs_of_the_part(part: str) -> None:
    z = normal(6, 4, 5)
    logits = z.abs() if part == "modulus" else z.real
    target = torch.randint(0, 4, (6, 5), generator=torch.Generator().manual_seed(0))
    target[0, 0] = 2
    soft = torch.rand(6, 4, 5, dtype=torch.float64).softmax(1)
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    for options in ({}, {"weight": weight}, {"ignore_index": 2}, {"label_smoothing": 0.1}, {"reduction": "sum"}):
        expected = nn.CrossEntropyLoss(**options)(logits, target)
        torch.testing.assert_close(complexnn.CrossEntropyLoss(**options, part=part)(z, target), expected)
    torch.testing.assert_close(
        complexnn.CrossEntropyLoss(weight, part=part)(z, soft), nn.CrossEntropyLoss(weight)(logits, soft)
    )
    torch.testing.assert_close(
        complexnn.CrossEntropyLoss(part=part)(z[0, :, 0], torch.tensor(1)),
        nn.CrossEntropyLoss()(logits[0, :, 0], torch.tensor(1)),
    )


def test_cross_entropy_is_its_formula() -> None:
    z, target = normal(6, 4), torch.tensor([0, 3, 2, 1, 1, 0])
    expected = [
        -math.log(math.exp(abs(row[label])) / sum(math.exp(abs(entry)) for entry in row))
        for row, label in zip(z.tolist(), target.tolist(), strict=True)
    ]
    loss = complexnn.CrossEntropyLoss(reduction="none")(z, target)
    torch.testing.assert_close(loss, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("value", (0.0, 1e-30, 1e-40))
def test_cross_entropy_has_finite_gradients_at_zero(value: float) -> None:
    z = torch.full((3, 4), complex(value, value), dtype=torch.complex64, requires_grad=True)
    complexnn.CrossEntropyLoss()(z, torch.tensor([0, 1, 2])).backward()
    assert z.grad.isfinite().all() and z.grad.abs().max() <= 1


def test_cross_entropy_weights_follow_the_module() -> None:
    module = complexnn.CrossEntropyLoss(torch.ones(4))
    assert list(module.state_dict()) == ["weight"]
    complexnn.to_complex_dtype(module, torch.complex128)
    assert module(normal(6, 4), torch.tensor([0, 3, 2, 1, 1, 0])).dtype == torch.float64


def test_wrong_arguments_raise() -> None:
    z, t = normal(3), normal(3, seed=1)
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: complexnn.LogCoshLoss(power=3), "power must be 1 or 2, got 3"),
        (lambda: F.log_cosh_loss(z, t, power=3), "power of 1 or 2, got 3"),
        (lambda: complexnn.CauchyLoss(scale=0.0), "scale must be above 0"),
        (lambda: F.cauchy_loss(z, t, scale=-1.0), "scale above 0"),
        (lambda: complexnn.PhaseLoss(form="angle"), "form must be 'von_mises' or 'wrapped'"),
        (lambda: F.phase_loss(z, t, form="angle"), "form must be 'von_mises' or 'wrapped'"),
        (lambda: complexnn.CrossEntropyLoss(part="imag"), "part must be 'modulus' or 'real'"),
        (lambda: F.cross_entropy(z, torch.tensor(0), part="imag"), "part must be 'modulus' or 'real'"),
        (lambda: complexnn.CauchyLoss("average"), "reduction must be 'none', 'mean' or 'sum', got 'average'"),
        (lambda: complexnn.SISNRLoss("average"), "reduction must be 'none', 'mean' or 'sum', got 'average'"),
        (lambda: F.huber_loss(z, t, delta=0.0), "delta above 0"),
        (lambda: F.gaussian_nll_loss(z, t, 1.0, eps=-1e-6), "eps of 0 or above, got -1e-06"),
        (lambda: F.si_snr_loss(z[0], t[0]), r"signals of shape \(\*, T\), got numbers"),
    ]
    for call, message in wrong:
        with pytest.raises(ValueError, match=message):
            call()


def test_repr_shows_the_configuration() -> None:
    assert repr(complexnn.MSELoss()) == "MSELoss(reduction='mean')"
    assert repr(complexnn.HuberLoss(delta=2.0)) == "HuberLoss(reduction='mean', delta=2.0)"
    assert repr(complexnn.CauchyLoss(scale=2.0)) == "CauchyLoss(reduction='mean', scale=2.0)"
    assert repr(complexnn.SISNRLoss(zero_mean=False)) == "SISNRLoss(reduction='mean', zero_mean=False)"
    assert "eps=0.1" in repr(complexnn.GaussianNLLLoss(eps=0.1))
    text = repr(complexnn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.2, part="real"))
    assert text == "CrossEntropyLoss(reduction='mean', part='real', ignore_index=1, label_smoothing=0.2)"


@pytest.mark.parametrize("name", ("GaussianNLLLoss", "wrapped"))
def test_compiled_losses_equal_eager(name: str) -> None:
    torch._dynamo.reset()
    _, make, inputs = next(entry for entry in EVERYTHING if entry[0] == name)
    module = make("mean")
    z = inputs[0].clone().requires_grad_()
    results = []
    for function in (module, torch.compile(module, fullgraph=True, backend="aot_eager")):
        loss = function(z, *inputs[1:])
        results.append((loss.detach(), torch.autograd.grad(loss, z)[0]))
    torch.testing.assert_close(results[1], results[0])

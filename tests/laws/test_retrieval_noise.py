"""Retrieval noise: reading one of K stored models gives y + eps, with the mean and the variance that theory says.

For one output row, eps = sum_{i != k} w_i^T C_i^-1 C_k x. Weights and inputs are fixed; the contexts are drawn anew in
each of ``TRIALS`` trials. Every mean is held to five standard errors of its own estimate.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor

import psp
from psp import keys
from psp.contexts import Family
from psp.contexts.base import Key
from psp.contexts.hadamard import flat_rotation
from tests.laws.conftest import Make, double, store

TRIALS = 1000
MODELS = 5  # drawn; a law is checked with some or all of them stored
COUNTS = [2, 5]


def task_read(count: int) -> int:
    return count // 2  # a middle one, on which OnePower's noise is least circular


def problems(width: int, dtype: torch.dtype) -> dict[str, tuple[Tensor, Tensor]]:
    """Weights (MODELS, width) and an input (width,), fixed, of kinds for which the families differ."""
    generator = torch.Generator().manual_seed(width)
    normal = partial(torch.randn, generator=generator, dtype=dtype)
    support = (torch.arange(width) < width // 4).to(dtype)
    comb = (torch.arange(width) % 3 == 1).to(dtype)
    alike = normal(width).expand(MODELS, width)
    return {
        "Gaussian": (normal(MODELS, width), normal(width)),
        "ReLU-like": (normal(MODELS, width) + 1, normal(width).real.clamp(min=0).to(dtype)),
        # inputs on a part of the coordinates, and weights that are large there
        "aligned": (normal(MODELS, width) * (0.1 + support), normal(width) * support),
        "combed": (normal(MODELS, width) * (0.1 + comb), normal(width) * comb),
        # inputs and weights large on different ones
        "apart": (normal(MODELS, width) * (1.1 - support), normal(width) * (0.3 + support)),
        # the same model stored MODELS times, and an input along it
        "alike": (alike, alike[0].conj().resolve_conj()),
    }


PROBLEMS = list(problems(4, torch.float64))


def read_stored(family: Family, width: int, trial: int, weights: Tensor, x: Tensor, count: int) -> Tensor:
    """The noise of one trial: ``count`` models stored in one weight, read with the context of one of them."""
    context = family.bind(width, f"layer {trial}")
    k = task_read(count)
    stored = sum(store(context, weights[i], i) for i in range(count))
    return stored @ context(x, k) - weights[k] @ x


def draw_noise(make: Make, width: int, count: int) -> dict[str, Tensor]:
    """(TRIALS,) samples of eps for each of the problems."""
    family = make(seed=width)
    chosen = problems(width, double(family))
    weights = torch.stack([w[:count] for w, _ in chosen.values()], 1)  # (count, problems, width)
    inputs = torch.stack([x for _, x in chosen.values()])
    k = task_read(count)
    if isinstance(family, psp.OnePower):  # its tasks are not independent, so trials are layers
        noise = torch.stack([
            (sum(store(c, weights[i], i) for i in range(count)) * c(inputs, k)).sum(-1)
            for c in (family.bind(width, f"layer {trial}") for trial in range(TRIALS))
        ])  # fmt: skip
    else:  # trials are tasks, drawn in large batches
        context = family.bind(width, "fc")
        parts = []
        for first in range(0, TRIALS, 250):
            tasks = torch.arange(first * count, (first + 250) * count).view(250, count)
            stored = store(context, weights.expand(250, *weights.shape), tasks).sum(1)
            parts.append((stored * context(inputs.expand(250, *inputs.shape), tasks[:, k])).sum(-1))
        noise = torch.cat(parts)
    noise = noise - (weights[k] * inputs).sum(-1)
    return {name: noise[:, i] for i, name in enumerate(chosen)}


sample = functools.lru_cache(maxsize=None)(draw_noise)


def assert_mean(values: Tensor, expected: Tensor | float) -> None:
    """Each mean over the trials is what is expected, within five standard errors."""
    error = values.std(0) / len(values) ** 0.5
    deviation = values.mean(0) - expected
    assert deviation.abs() <= 5 * error + 1e-12, (
        f"{values.mean(0)} is not {expected}: off by {deviation / error:.1f} errors"
    )


# Predictions for E|eps|^2, from the weights of the other models (K - 1, M) and the input (M,)

Law = Callable[[Tensor, Tensor], Tensor]


def energy(z: Tensor) -> Tensor:
    return z.abs().square()


def haar(w: Tensor, x: Tensor) -> Tensor:
    return energy(w).sum() * energy(x).sum() / len(x)


def binary(w: Tensor, x: Tensor) -> Tensor:
    return (energy(w) * energy(x)).sum()


def blocks(size: int) -> Law:
    def law(w: Tensor, x: Tensor) -> Tensor:
        return sum(haar(w_block, x_block) for w_block, x_block in zip(w.split(size, 1), x.split(size), strict=True))

    return law


def mixing(width: int) -> Tensor:
    """B of psp.Hadamard's docstring: (1/M) (1 + [r = s]/2 - [r = -s mod m]/2)."""
    odd = width // (width & -width)
    r = torch.arange(width) % odd
    same, opposite = r[:, None] == r, (r[:, None] + r) % odd == 0
    return (1 + same.double() / 2 - opposite.double() / 2) / width


def hadamard(w: Tensor, x: Tensor) -> Tensor:
    return (energy(w) @ mixing(len(x)) @ energy(x)).sum()


REAL: dict[str, tuple[Make, Law, list[int]]] = {
    "Binary": (psp.Binary, binary, [16, 49]),
    "Rotation": (psp.Rotation, haar, [12, 33]),
    "SignedPermutation": (psp.SignedPermutation, haar, [16, 49]),
    "Hadamard": (psp.Hadamard, haar, [16, 64]),  # at powers of two
    "Hadamard, other widths": (psp.Hadamard, hadamard, [9, 24]),
    "BlockRotation-2": (partial(psp.BlockRotation, block=2), blocks(2), [16, 49]),
    "BlockRotation-5": (partial(psp.BlockRotation, block=5), blocks(5), [16, 49]),
}
REAL_CASES = [
    pytest.param(make, law, width, id=f"{name}-{width}")
    for name, (make, law, widths) in REAL.items()
    for width in widths
]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("make", "law", "width"), REAL_CASES)
def test_retrieval_noise_has_mean_zero_and_the_variance_of_theory(
    make: Make, law: Law, width: int, count: int, problem: str
) -> None:
    noise = sample(make, width, count)[problem]
    weights, x = problems(width, torch.float64)[problem]
    k = task_read(count)
    others = torch.cat([weights[:k], weights[k + 1 : count]])
    assert_mean(noise, 0)
    assert_mean(noise.square(), law(others, x))


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("width", [16, 49])
@pytest.mark.parametrize("make", [psp.Complex, psp.OnePower])
def test_complex_retrieval_noise_has_the_second_moments_of_theory(
    make: Make, width: int, count: int, problem: str
) -> None:
    noise = sample(make, width, count)[problem]
    weights, x = problems(width, torch.complex128)[problem]
    k = task_read(count)
    others = torch.cat([weights[:k], weights[k + 1 : count]])
    assert_mean(noise.real, 0)
    assert_mean(noise.imag, 0)
    expected = binary(others, x)
    assert_mean(energy(noise), expected)
    # E[eps^2]: zero for circular noise, for OnePower what the pairs of models around the k-th make of it
    pseudo = torch.zeros((), dtype=torch.complex128)
    if make is psp.OnePower:
        for m in range(-k, count - k):
            if m and 0 <= k - m < count:
                pseudo = pseudo + (weights[k + m] * weights[k - m] * x**2).sum()
    assert_mean(noise.square().real, pseudo.real)
    assert_mean(noise.square().imag, pseudo.imag)
    assert_mean(noise.real.square(), (expected + pseudo.real) / 2)
    assert_mean(noise.imag.square(), (expected - pseudo.real) / 2)


@pytest.mark.parametrize("width", [16, 49])
def test_onepower_noise_is_real_where_complex_noise_is_circular_if_models_are_alike(width: int) -> None:
    onepower, circular = (sample(make, width, 5)["alike"] for make in (psp.OnePower, psp.Complex))
    assert onepower.imag.abs().max() < 1e-10 * onepower.abs().max()
    assert_mean(circular.real.square() - circular.imag.square(), 0)


def test_the_problems_tell_the_laws_apart() -> None:
    for width, laws in ((16, (haar, binary, blocks(2), blocks(5))), (49, (haar, binary, blocks(2), blocks(5))),
                        (24, (haar, binary, hadamard))):  # fmt: skip
        for one, other in combinations(laws, 2):
            ratios = [float(one(w, x) / other(w, x)) for w, x in problems(width, torch.float64).values()]
            assert max(ratios) / min(ratios) > 1.4


@pytest.mark.parametrize("make", [psp.Rotation, psp.SignedPermutation, psp.Hadamard, psp.Binary])
def test_real_contexts_on_complex_networks_have_the_same_noise(make: Make) -> None:
    family, count, width = make(seed=2), 3, 16
    weights, x = problems(width, torch.complex128)["aligned"]
    noise = torch.stack([read_stored(family, width, trial, weights, x, count) for trial in range(TRIALS // 2)])
    assert_mean(noise.real, 0)
    assert_mean(noise.imag, 0)
    assert_mean(energy(noise), (binary if make is psp.Binary else haar)(weights[[0, 2]], x))


def test_identity_adds_up_all_models() -> None:
    weights, x = problems(16, torch.float64)["ReLU-like"]
    noise = read_stored(psp.Identity(), 16, 0, weights, x, 5)
    torch.testing.assert_close(noise, weights[[0, 1, 3, 4]].sum(0) @ x)


@pytest.mark.parametrize("make", [psp.Rotation, psp.SignedPermutation, psp.Hadamard])
def test_noise_to_signal_in_a_subspace_is_its_share_of_the_width(make: Make) -> None:
    # Rows and inputs in one subspace of d of M dimensions: NSR = (K - 1) d / M.
    width, d, count, outputs, samples = 256, 16, 4, 64, 64
    generator = torch.Generator().manual_seed(0)
    normal = partial(torch.randn, generator=generator, dtype=torch.float64)
    basis = torch.linalg.qr(normal(width, d))[0]
    weights = normal(count, outputs, d) @ basis.mT
    x = normal(samples, d) @ basis.mT
    context = make(seed=0).bind(width, "fc")
    stored = sum(store(context, weights[i], i) for i in range(count))
    signal = x @ weights[0].mT
    noise = context(x, 0) @ stored.mT - signal
    assert abs(energy(noise).mean() / energy(signal).mean() / ((count - 1) * d / width) - 1) < 0.15


# Hadamard at widths that are no power of two


@pytest.mark.parametrize("width", [1, 2, 3, 5, 9, 12, 15, 24, 64, 97, 100, 513])
def test_hadamard_mixes_energies_as_its_docstring_says(width: int) -> None:
    # E over the middle signs of (H D'' H)_ab^2 = sum_c H_ac^2 H_cb^2, exactly.
    h = flat_rotation(torch.eye(width, dtype=torch.float64))
    b = h.square() @ h.square().mT
    torch.testing.assert_close(b, mixing(width), rtol=1e-9, atol=1e-14)
    torch.testing.assert_close(b.sum(0), torch.ones(width, dtype=torch.float64))
    if width & (width - 1) == 0:
        torch.testing.assert_close(b, torch.full_like(b, 1 / width))
    ratio = b * width
    assert ratio.min() > 0.5 - 1e-9
    assert ratio.max() < 1.5 + 1e-9
    odd = width // (width & -width)
    off = ((ratio - 1).abs() > 1e-6).double().mean()
    assert abs(off - 2 * (odd - 1) / odd**2) < 1e-9  # the share of pairs that are not as in Haar's


# What would not do


class Unsigned(psp.SignedPermutation):
    """Permutations without signs."""

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        sign, order, back = super().draw(layer, width, task)
        return np.ones_like(sign), order, back


class OneSided(psp.Hadamard):
    """C_k = H D_k, with one H."""

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        return (keys.signs(keys.words(self.seed, layer, task, width, width)),)

    def apply(self, x: Tensor, key: Key) -> Tensor:
        return flat_rotation(x * key[0])

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        return flat_rotation(x) * key[0]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("width", [16, 49])
def test_unsigned_permutations_have_a_noise_with_a_mean(width: int, count: int) -> None:
    noise = sample(Unsigned, width, count)["ReLU-like"]
    weights, x = problems(width, torch.float64)["ReLU-like"]
    k = task_read(count)
    others = torch.cat([weights[:k], weights[k + 1 : count]])
    bias = others.sum() * x.sum() / width
    assert_mean(noise, bias)
    assert noise.mean().abs() > 10 * noise.std() / TRIALS**0.5  # so no law of mean zero would pass
    spread = (others - others.mean(1, keepdim=True)).square().sum() * (x - x.mean()).square().sum() / (width - 1)
    assert_mean((noise - bias).square(), spread)


@pytest.mark.parametrize("width", [16, 24])
def test_one_shared_rotation_is_no_better_than_binary(width: int) -> None:
    shared, signs = OneSided(seed=0).bind(width, "fc"), psp.Binary(seed=0).bind(width, "fc")
    i, k = (shared.matrix(task, torch.float64) for task in (3, 8))
    both = signs.matrix(3, torch.float64) @ signs.matrix(8, torch.float64)
    torch.testing.assert_close(i.mT @ k, both, rtol=0, atol=1e-14)  # H cancels in C_i^-1 C_k
    weights, x = problems(width, torch.float64)["aligned"]
    noise = sample(OneSided, width, 2)["aligned"]
    assert_mean(noise.square(), binary(weights[:1], x))
    error = noise.square().std() / TRIALS**0.5
    assert noise.square().mean() > haar(weights[:1], x) + 5 * error

"""Contexts on a circle: exact periods, and overlaps by distance that theory gives.

Overlaps are means over the inputs of one context, which are independent: their standard error is
their standard deviation over the square root of the width, and laws reject at five of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import psp
from psp import keys
from psp.contexts import Periodic
from tests.laws.conftest import Make, law

WIDTH = 200_000
S = np.sin(np.pi / 3) / (np.pi / 3)

periods = st.integers(1, 30) | st.integers(1, 2**32)
tasks = st.integers(0, 2**40) | st.integers(0, 2**70)
seeds = st.integers(0, 2**63 - 1)
widths = st.integers(1, 40)

every_periodic = pytest.mark.parametrize("make", [psp.LocalMix, psp.Kernel])


def context(family: Periodic, task: int, width: int = WIDTH) -> np.ndarray:
    return keys.phasors(family.turns("fc", width, task))


def assert_overlap(a: np.ndarray, b: np.ndarray, expected: float) -> None:
    """E[conj(a_j) b_j] is as expected, a real number, within five standard errors."""
    products = a.conj() * b
    error = products.std() / len(products) ** 0.5
    assert abs(products.mean() - expected) <= 5 * error + 1e-12


@every_periodic
@law
@given(period=periods, task=tasks, times=st.integers(1, 2**40), seed=seeds, width=widths)
def test_contexts_a_whole_period_apart_are_the_same_to_the_bit(
    make: Make, period: int, task: int, times: int, seed: int, width: int
) -> None:
    family = make(seed=seed, period=period)
    assert (family.turns("fc", width, task) == family.turns("fc", width, task + times * period)).all()


@pytest.mark.parametrize("period", [0, -1, 2**32 + 1, 1.5, True, None])
@every_periodic
def test_a_period_is_a_whole_number_from_1(make: Make, period: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="period must be"):
        make(seed=0, period=period)
    with pytest.raises(TypeError, match="period"):
        make(seed=0)


# Local mixes


@law
@given(period=periods, task=tasks, seed=seeds, width=widths)
def test_a_local_mix_is_the_mean_of_three_phases_of_complex_contexts(
    period: int, task: int, seed: int, width: int
) -> None:
    wrapped = [
        psp.Complex(seed=seed).turns("fc", width, (task + d) % period).view(np.int64).tolist() for d in (-1, 0, 1)
    ]
    expected = [sum(three) // 3 for three in zip(*wrapped, strict=True)]  # whole numbers of any size
    assert psp.LocalMix(seed=seed, period=period).turns("fc", width, task).view(np.int64).tolist() == expected


@pytest.mark.parametrize("period", [6, 10, 1000])
def test_local_mixes_overlap_by_distance_and_have_a_floor(period: int) -> None:
    family = psp.LocalMix(seed=0, period=period)
    for k in (0, 3):
        for d, expected in ((0, 1), (1, S**2), (2, S**4), (3, S**6), (period - 1, S**2), (period - 2, S**4)):
            assert_overlap(context(family, k), context(family, k + d), expected)
    assert_overlap(context(family, 0), context(family, period // 2), S**6)
    np.testing.assert_allclose([S, S**2, S**4, S**6], [0.8270, 0.6839, 0.4677, 0.3199], atol=5e-5)


@pytest.mark.parametrize("width", [16, 256, 4096])
def test_the_floor_of_local_mixes_does_not_fall_with_the_width(width: int) -> None:
    count = WIDTH // width  # of layers, which are independent
    family = psp.LocalMix(seed=0, period=10)
    a, b = (
        np.concatenate([keys.phasors(family.turns(f"{layer}", width, k)) for layer in range(count)]) for k in (1, 6)
    )
    assert_overlap(a, b, S**6)


def test_local_mixes_of_few_contexts_share_more_of_them() -> None:
    # What is left of phi_i in the difference of two mixes, in thirds, for every period below 6.
    for period in range(1, 6):
        family = psp.LocalMix(seed=0, period=period)
        for d in range(period):
            parts = np.zeros(period)
            for near in (-1, 0, 1):
                parts[near % period] -= 1
                parts[(d + near) % period] += 1
            assert_overlap(context(family, 0), context(family, d), float(np.prod(np.sinc(parts / 3))))


# Kernels


def kernel(d: float, period: int, bandwidth: float) -> float:
    """The overlap that the docstring of psp.Kernel states."""
    m = np.arange(-2000, 2001)
    shifted = d + m * float(period)
    return float((np.sinc(shifted / period) * np.exp(-(shifted**2) / (2 * bandwidth**2))).sum())


KERNELS = [(10, 1.0), (10, 0.2), (10, 4.0), (7, 2.0), (1000, 1.0), (1000, 30.0), (1000, 400.0), (2**32, 5.0)]


@pytest.mark.parametrize(("period", "bandwidth"), KERNELS)
def test_kernel_overlaps_are_a_wrapped_gaussian(period: int, bandwidth: float) -> None:
    family = psp.Kernel(seed=0, period=period, bandwidth=bandwidth)
    for k in (0, 3):
        for d in {0, 1, 2, 3, round(bandwidth), round(2 * bandwidth), period // 2, period - 1}:
            assert_overlap(context(family, k), context(family, k + d), kernel(d, period, bandwidth))


def test_kernels_have_no_floor_where_local_mixes_have_one() -> None:
    far = [abs(kernel(d, 1000, 2.0)) for d in range(12, 500)]
    assert max(far) < 1e-7
    assert kernel(2, 1000, 2.0) == pytest.approx(np.exp(-0.5), rel=1e-4)


@pytest.mark.parametrize(("period", "bandwidth"), KERNELS[:4])
def test_frequencies_are_rounded_normals(period: int, bandwidth: float) -> None:
    # Expected shares of each frequency modulo the period, by the normal distribution itself.
    from scipy.stats import norm

    drawn = psp.Kernel(seed=1, period=period, bandwidth=bandwidth).frequencies("fc", WIDTH)
    spread = period / (2 * np.pi * bandwidth)
    whole = np.arange(-60 * period, 60 * period + 1)
    shares = norm.cdf((whole + 0.5) / spread) - norm.cdf((whole - 0.5) / spread)
    for n in range(period):
        p = shares[whole % period == n].sum()
        assert abs((drawn == n).mean() - p) <= 5 * (p * (1 - p) / WIDTH) ** 0.5 + 1e-12


@law
@given(period=periods, task=tasks, seed=seeds, width=widths)
def test_kernel_phases_are_exact_fractions_rounded_down(period: int, task: int, seed: int, width: int) -> None:
    family = psp.Kernel(seed=seed, period=period, bandwidth=0.7)
    expected = [(n * task % period) * 2**64 // period for n in family.frequencies("fc", width).tolist()]
    assert family.turns("fc", width, task).tolist() == [turn % 2**64 for turn in expected]


@law
@given(period=periods, a=tasks, b=tasks, seed=seeds, width=widths)
def test_the_kernel_group_law_holds_to_a_rounding_of_the_turn(
    period: int, a: int, b: int, seed: int, width: int
) -> None:
    family = psp.Kernel(seed=seed, period=period)
    turns = {k: family.turns("fc", width, k) for k in (a, b, a + b)}
    assert set((turns[a + b] - turns[a] - turns[b]).tolist()) <= {0, 1}
    bound = family.bind(width, "fc")
    z = torch.ones(width, dtype=torch.complex128)
    torch.testing.assert_close(bound(bound(z, a), b), bound(z, a + b), rtol=1e-14, atol=1e-14)


def test_kernel_task_0_is_the_identity() -> None:
    z = torch.randn(9, dtype=torch.complex128)
    assert torch.equal(psp.Kernel(seed=0, period=10).bind(9)(z, 0), z)
    assert torch.equal(psp.Kernel(seed=0, period=10).bind(9)(z, 20), z)


@pytest.mark.parametrize("bandwidth", [0, -1.0, float("nan"), float("inf"), True, "1", None])
def test_a_bandwidth_is_a_number_above_0(bandwidth: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="bandwidth must be a number above 0"):
        psp.Kernel(seed=0, period=10, bandwidth=bandwidth)


def test_one_more_model_costs_the_phases_of_a_mix_and_the_exponent_of_a_kernel() -> None:
    assert psp.LocalMix(period=10).bind(20).cost == 20
    assert psp.Kernel(period=10).bind(20).cost == 1


@pytest.mark.parametrize("make", [partial(psp.LocalMix, period=10), partial(psp.Kernel, period=1000, bandwidth=20.0)])
def test_layers_and_seeds_have_contexts_of_their_own(make: Make) -> None:
    width = 64
    mean = np.mean([context(make(seed=seed), 4, width).mean() for seed in range(2000)])
    for one, other in (
        (lambda i: make(seed=i).turns("a", width, 4), lambda i: make(seed=i).turns("b", width, 4)),
        (lambda i: make(seed=2 * i).turns("a", width, 4), lambda i: make(seed=2 * i + 1).turns("a", width, 4)),
    ):
        a, b = (np.concatenate([keys.phasors(draw(i)) for i in range(2000)]) for draw in (one, other))
        assert_overlap(a, b, abs(mean) ** 2)

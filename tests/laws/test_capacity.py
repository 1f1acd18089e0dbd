"""The share of a layer that tasks take, and what leaks, foreseen from one task's spectrum."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import complexnn
import psp
from psp.capacity import balanced, leaking, passing

SPECTRA = st.lists(st.floats(0.01, 100) | st.just(0.0), min_size=1, max_size=20).filter(any)


@given(spectrum=SPECTRA, strength=st.floats(0, 1e3))
def test_of_one_task_it_is_the_mean_over_the_spectrum(spectrum: list[float], strength: float) -> None:
    s = np.array(spectrum) / np.mean(spectrum)
    assert passing(spectrum, strength, 1) == pytest.approx(np.mean(1 / (1 + strength * s)))
    assert leaking(spectrum, strength, 1) == pytest.approx(np.mean(s / (1 + strength * s) ** 2))


@given(spectrum=SPECTRA, strength=st.floats(1e-3, 1e3), tasks=st.integers(1, 200), scale=st.floats(1e-3, 1e3))
def test_more_tasks_and_more_strength_leave_less(
    spectrum: list[float], strength: float, tasks: int, scale: float
) -> None:
    t = passing(spectrum, strength, tasks)
    assert 0 < t <= 1
    assert passing(spectrum, strength, tasks + 1) < t
    assert passing(spectrum, 1.1 * strength, tasks) < t
    assert passing([scale * s for s in spectrum], strength, tasks) == pytest.approx(t)
    assert t >= 1 / (1 + strength * tasks) - 1e-12  # a flat spectrum leaves least


@given(spectrum=SPECTRA, strength=st.floats(1e-2, 1e2), tasks=st.integers(1, 50))
def test_what_leaks_is_the_slope_of_what_passes(spectrum: list[float], strength: float, tasks: int) -> None:
    step = 1e-5 * strength
    slope = (passing(spectrum, strength + step, tasks) - passing(spectrum, strength - step, tasks)) / (2 * step)
    assert leaking(spectrum, strength, tasks) == pytest.approx(-slope / tasks, rel=1e-4, abs=1e-9)


def test_limits() -> None:
    spectrum = [4.0, 1.0] + [0.0] * 18
    assert passing(spectrum, math.inf, 5) == pytest.approx(0.5)
    assert passing(spectrum, 1e9, 5) == pytest.approx(0.5, abs=1e-6)
    assert passing(spectrum, math.inf, 11) == 0
    assert passing(spectrum, 0.0, 7) == pytest.approx(1)
    assert leaking(spectrum, 0.0, 7) == pytest.approx(1)


@pytest.mark.parametrize("family", [psp.Rotation(3), psp.Hadamard(3), psp.SignedPermutation(3), psp.Complex(3)])
@pytest.mark.parametrize("strength", [0.02, 0.2, 2.0])
def test_it_is_what_a_protected_layer_comes_to(family: psp.contexts.Family, strength: float) -> None:
    torch.manual_seed(0)
    size, tasks = 256, 12
    kind = family.needs_complex
    dtype = torch.complex128 if kind else torch.float64
    scales = torch.linspace(0, 6, size).neg().exp()[torch.randperm(size)].to(dtype)
    turn = torch.linalg.qr(torch.randn(size, size, dtype=dtype))[0]
    net = psp.superpose((complexnn.Linear if kind else nn.Linear)(size, 2, dtype=dtype), family)
    protection = psp.protect(net, strength)
    x = (torch.randn(2 * size, size, dtype=dtype) * scales) @ turn
    moments = []
    for task in range(tasks):
        protection.observe([x], task)
        seen = net.layers[0].context(x, task)
        moments.append(seen.mT @ seen.conj())
        spectrum = torch.linalg.eigvalsh(moments[0]).clamp_min(0).numpy()
        assert 1 - protection.used[0] == pytest.approx(passing(spectrum, strength, task + 1), abs=0.004)
    P = protection.subspaces[0].P[0]
    left = [float(((P @ S @ P).diagonal().sum() / S.diagonal().sum()).real) for S in moments]
    assert np.mean(left) == pytest.approx(leaking(spectrum, strength, tasks), rel=0.03)


@given(spectra=st.lists(SPECTRA, min_size=1, max_size=3), tasks=st.integers(1, 100))
def test_the_balance_is_the_least_loss(spectra: list[list[float]], tasks: int) -> None:
    def lost(strength: float) -> float:
        return sum(-math.log(passing(s, strength, tasks)) + tasks * leaking(s, strength, tasks) / 2 for s in spectra)

    best = balanced(spectra, tasks)
    others = [best * factor for factor in (0.01, 0.5, 0.9, 1.1, 2, 100)]
    assert all(lost(best) <= lost(other) + 1e-6 for other in others if 1e-4 <= other <= 1e4)


def test_a_balance_needs_a_spectrum() -> None:
    with pytest.raises(ValueError, match="at least one spectrum"):
        balanced([], 3)
    with pytest.raises(ValueError, match="tasks must be at least 1, got 0"):
        balanced([[1.0]], 0)


@pytest.mark.parametrize(
    ("spectrum", "strength", "tasks", "said"),
    [
        ([], 1.0, 1, "spectrum must be eigenvalues"),
        ([0.0, 0.0], 1.0, 1, "spectrum must be eigenvalues"),
        ([1.0, -0.1], 1.0, 1, "spectrum must be eigenvalues"),
        ([[1.0]], 1.0, 1, "spectrum must be eigenvalues"),
        ([1.0, math.nan], 1.0, 1, "spectrum must be eigenvalues"),
        ([1.0], -1.0, 1, "strength must be from 0, got -1.0"),
        ([1.0], math.nan, 1, "strength must be from 0, got nan"),
        ([1.0], 1.0, 0, "tasks must be at least 1, got 0"),
    ],
)
def test_bad_requests_are_refused(spectrum: list[float], strength: float, tasks: int, said: str) -> None:
    for function in (passing, leaking):
        with pytest.raises(ValueError, match=said):
            function(spectrum, strength, tasks)
    with pytest.raises(ValueError, match="strength must be finite"):
        leaking([1.0], math.inf, 1)

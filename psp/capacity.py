"""How much of a layer protected tasks take, before they come: from the spectrum of one of them.

Contexts turn the second moment S of a task's inputs at random, so that those of K tasks are free of each other in the
sense of free probability, and the spectrum of their sum A follows from that of S alone. With P = (I + strength A)^-1
and eigenvalues s of S, scaled to a mean of 1, the share t = tr P / M of a random update that passes through solves

    t = mean 1 / (strength s + c),   c = (1 + (K - 1) / t) / K,

the additivity of Voiculescu's R-transform, K R_S = R_A, at -t. It is exact for Haar's rotations as M grows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar


def passing(spectrum: ArrayLike, strength: float, tasks: int) -> float:
    """t = tr P / M after ``tasks`` tasks of one spectrum: the share of an update for a new task that passes through.

    1 - t is the share of the layer's dimensions that the tasks take, :attr:`psp.Protection.used`. An infinite
    strength leaves max(0, 1 - K d / M), where d of the M eigenvalues are above 0.

    Args:
        spectrum: eigenvalues (M,) of the second moment of what a layer's weight sees of one task, at any scale.
        strength: as in :func:`psp.protect`, from 0.
        tasks: how many, from 1.

    Raises:
        ValueError: eigenvalues that are not real numbers from 0, or all 0; a strength or number of tasks out of range.

    Example:
        >>> round(passing([1.0, 0.0, 0.0, 0.0], strength=float("inf"), tasks=3), 6)
        0.25
        >>> round(passing([1.0, 1.0], strength=0.5, tasks=2), 6)
        0.5
    """
    s = _checked(spectrum, strength, tasks)
    if np.isinf(strength):
        return max(0.0, 1 - tasks * float((s > 0).mean()))
    return _passing(s, strength, tasks)


def leaking(spectrum: ArrayLike, strength: float, tasks: int) -> float:
    """tr(P S P) / tr S, mean over the tasks: how much of what a random update does to a finished task's outputs is
    left of it, in mean square. It is -(dt / dstrength) / K, with t of :func:`passing`.

    Args:
        spectrum, tasks: as in :func:`passing`.
        strength: as there, but finite.

    Raises:
        ValueError: as in :func:`passing`; an infinite strength.

    Example:
        >>> round(leaking([1.0, 1.0], strength=0.5, tasks=2), 6)  # P = I / 2
        0.25
    """
    s = _checked(spectrum, strength, tasks)
    if np.isinf(strength):
        raise ValueError("strength must be finite, got inf: nothing leaks while a dimension is free")
    return _leaking(s, strength, tasks, _passing(s, strength, tasks))


def balanced(spectra: Iterable[ArrayLike], tasks: int) -> float:
    """The strength that balances old tasks against new ones: the minimiser, over all layers, of

        sum_layers -log t + K leak / 2,

    with t of :func:`passing` and leak of :func:`leaking` after K tasks. The first term is how much longer the next
    task takes, in nats, the second what K more of them do to an old one; one grows with the strength, the other falls.
    That they weigh the same is no theorem: with the half the minimum is where training on permuted MNIST has it, for
    ten tasks and for fifty, on images held out from training (docs/protected.md).

    It lies between 1e-4 and 1e4; where tasks fill a layer by themselves nothing is gained, and it is the least.

    Args:
        spectra: of the layers, each as in :func:`passing`.
        tasks: that are to be stored, from 1.

    Raises:
        ValueError: no spectrum, or as in :func:`passing`.

    Example:
        >>> few, many = [8.0, 4.0, 2.0, 1.0] + [0.0] * 60, [1.0] * 64
        >>> balanced([few], tasks=10) > balanced([many], tasks=10)
        True
    """
    layers = [_checked(spectrum, 0.0, tasks) for spectrum in spectra]
    if not layers:
        raise ValueError("at least one spectrum is needed, got none")

    def lost(log: float) -> float:
        strength = float(np.exp(log))
        passed = [_passing(s, strength, tasks) for s in layers]
        leaked = [_leaking(s, strength, tasks, t) for s, t in zip(layers, passed, strict=True)]
        return float(-np.log(passed).sum() + tasks * np.sum(leaked) / 2)

    grid = np.linspace(np.log(1e-4), np.log(1e4), 41)
    best = grid[np.argmin([lost(log) for log in grid])]
    around = np.clip([best - 0.5, best + 0.5], grid[0], grid[-1])
    return float(np.exp(minimize_scalar(lost, bounds=around, method="bounded").x))


def _passing(s: NDArray[np.float64], strength: float, tasks: int) -> float:
    """t of a spectrum whose mean is 1."""
    return float(brentq(lambda t: float(np.mean(1 / (strength * s + _level(t, tasks)))) - t, 1e-12, 1.0, xtol=1e-14))


def _leaking(s: NDArray[np.float64], strength: float, tasks: int, t: float) -> float:
    """-(dt / dstrength) / K of a spectrum whose mean is 1, from its t."""
    squares = 1 / (strength * s + _level(t, tasks)) ** 2
    return float(np.mean(s * squares) / (1 - np.mean(squares) * (tasks - 1) / (tasks * t * t)) / tasks)


def _level(t: float, tasks: int) -> float:
    """c: what one task finds in the place of the 1 of I, the others being there."""
    return (1 + (tasks - 1) / t) / tasks


def _checked(spectrum: ArrayLike, strength: float, tasks: int) -> NDArray[np.float64]:
    s = np.asarray(spectrum, dtype=np.float64)
    if s.ndim != 1 or not s.size or not np.isfinite(s).all() or s.min() < 0 or s.max() == 0:
        raise ValueError(f"spectrum must be eigenvalues from 0, not all 0, got {s}")
    if not strength >= 0:
        raise ValueError(f"strength must be from 0, got {strength}")
    if tasks < 1:
        raise ValueError(f"tasks must be at least 1, got {tasks}")
    return s / s.mean()

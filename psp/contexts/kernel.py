"""Kernel contexts: the overlap of two is a kernel of their distance on a circle."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from psp import keys
from psp.contexts.periodic import Periodic


@dataclasses.dataclass(frozen=True)
class Kernel(Periodic):
    """C_k = diag(c), c_j = exp(2 pi j n_j k / period) with random whole frequencies n_j.

    Fractional power encoding (Frady et al. 2021) with an exact period: n_j is a normal number of standard deviation
    period / (2 pi bandwidth), rounded. The overlap of contexts at a distance of d is a Gaussian wrapped on the circle,

        E[conj(c_j(k)) c_j(k + d)] = sum_m sinc((d + m T) / T) exp(-(d + m T)^2 / (2 bandwidth^2)),  T = period,

    sinc(x) = sin(pi x) / (pi x), the sum over all whole m: nothing is left of it at distances of several bandwidths,
    where :class:`~psp.contexts.local_mix.LocalMix` has a floor. Task 0 is the identity, and C_a C_b = C_{a+b}, as with
    :class:`~psp.contexts.onepower.OnePower`: one more model costs one number.

    Args:
        seed: a whole number from 0, below 2**63.
        period: how many contexts there are, from 1 to 2**32.
        bandwidth: distance, in contexts, at which the overlap has fallen to exp(-1/2) = 0.61; above 0.

    Raises:
        TypeError, ValueError: a period that is not whole or out of range, a bandwidth that is not a number above 0.

    Example:
        >>> family = Kernel(seed=0, period=1000, bandwidth=20)
        >>> bool((family.turns("fc1", 8, 1003) == family.turns("fc1", 8, 3)).all())
        True
    """

    bandwidth: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.bandwidth, bool) or not isinstance(self.bandwidth, (int, float)):
            raise TypeError(f"bandwidth must be a number above 0, got {self.bandwidth!r}")
        if not 0 < self.bandwidth < math.inf:
            raise ValueError(f"bandwidth must be a number above 0, got {self.bandwidth}")

    def frequencies(self, layer: str, width: int) -> NDArray[np.uint64]:
        """The whole frequencies n_j, modulo the period."""
        normals = keys.normals(keys.words(self.seed, layer, None, width, width))
        rounded = np.rint(normals * (self.period / (2 * np.pi * self.bandwidth)))
        return np.mod(rounded, self.period).astype(np.uint64)

    def turns(self, layer: str, width: int, task: int) -> NDArray[np.uint64]:
        """The phases n k / period of C_task, in unsigned 64-bit fractions of a turn, rounded down."""
        period = np.uint64(self.period)
        steps = self.frequencies(layer, width) * np.uint64(task % self.period) % period  # below 2^64, as are all below
        whole, rest = divmod(2**64, self.period)
        if whole == 2**64:  # the period is 1
            return steps
        return steps * np.uint64(whole) + steps * np.uint64(rest) // period

    def cost(self, width: int) -> int:
        return 1

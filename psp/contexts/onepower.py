"""One-power contexts: whole powers of one complex context."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psp import keys
from psp.contexts.complex import Complex


class OnePower(Complex):
    """C_k = diag(c)^k, c_j = exp(j phi_j): task k is the k-th power of one context (Cheung et al. 2019, eq. 6).

    Task 0 is the identity. Powers are taken in whole turns, modulo 2^64, so C_a C_b = C_{a+b} holds for any size of
    k. E|eps|^2 of the retrieval noise is that of :class:`Complex`, but it is not circular: where models are alike the
    real part can have up to twice its variance. One more model costs one number, its exponent.

    Args:
        seed: a whole number from 0, below 2**63.

    Example:
        >>> family = OnePower(seed=0)
        >>> a, b, ab = (family.turns("fc1", 4, k) for k in (10**12, 5, 10**12 + 5))
        >>> bool((a + b == ab).all())
        True
    """

    def turns(self, layer: str, width: int, task: int) -> NDArray[np.uint64]:
        """The phases k phi of C_task, in unsigned 64-bit fractions of a turn."""
        return keys.words(self.seed, layer, None, width, width) * np.uint64(task % 2**64)

    def cost(self, width: int) -> int:
        return 1

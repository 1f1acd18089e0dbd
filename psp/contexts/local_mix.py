"""Local mixes: every context is the mean of a random one and its two neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from psp.contexts.periodic import Periodic


class LocalMix(Periodic):
    """C_k = diag(c), c_j = exp(j (phi_j(k - 1) + phi_j(k) + phi_j(k + 1)) / 3), k modulo ``period``.

    The phases phi in (-pi, pi] are those of :class:`~psp.contexts.complex.Complex` of the same seed (Cheung et al.
    2019, section 4.1.3, pspLocalMix). With s = sin(pi / 3) / (pi / 3) = 0.8270 the overlap E[conj(c_j(k)) c_j(k + d)]
    is s^2 = 0.6839 at d = 1, s^4 = 0.4677 at d = 2 and s^6 = 0.3199 from d = 3 on, for periods from 6: contexts far
    apart keep a floor in common, so a stored model adds 0.32 w to every other one, whatever the width.
    :class:`~psp.contexts.kernel.Kernel` has none.

    Args:
        seed: a whole number from 0, below 2**63.
        period: how many contexts there are, from 1 to 2**32.

    Example:
        >>> import torch
        >>> context = LocalMix(seed=0, period=10).bind(8)
        >>> z = torch.ones(8, dtype=torch.complex64)
        >>> torch.equal(context(z, task=13), context(z, task=3))
        True
    """

    def turns(self, layer: str, width: int, task: int) -> NDArray[np.uint64]:
        """The phases of C_task, in unsigned 64-bit fractions of a turn."""
        near = [super(LocalMix, self).turns(layer, width, (task + d) % self.period) for d in (-1, 0, 1)]
        phases = np.stack(near).view(np.int64)  # in half a turn to either side
        # The mean rounded down, exactly: the sum itself does not fit 64 bits.
        thirds, rest = np.divmod(phases, 3)
        return (thirds.sum(0) + rest.sum(0) // 3).view(np.uint64)

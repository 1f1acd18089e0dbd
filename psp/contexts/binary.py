"""Binary contexts: a random sign for every input."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from psp import keys
from psp.contexts.base import Family, Key


class Binary(Family):
    """C_k = diag(c), c_j = +-1 with even odds (Cheung et al. 2019, section 2.1).

    Its own inverse; works on real and complex networks; its retrieval noise has variance
    sum_{i != k} sum_j w_ij^2 x_j^2.

    Args:
        seed: a whole number from 0, below 2**63.

    Example:
        >>> context = Binary(seed=0).bind(256, layer="fc1")
        >>> context.cost
        256
    """

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        return (keys.signs(keys.words(self.seed, layer, task, width, width)),)

    def apply(self, x: Tensor, key: Key) -> Tensor:
        return x * key[0]

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        return x * key[0]

    def cost(self, width: int) -> int:
        return width

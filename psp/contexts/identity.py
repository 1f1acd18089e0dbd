"""No superposition: the baseline that goes through the same code."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from psp.contexts.base import Family, Key


class Identity(Family):
    """C_k = I for every task: all tasks share one model, and the last one trained overwrites the others.

    ``cost`` is 0: nothing tells the tasks apart. A model that must not be overwritten costs a network of its own,
    MN parameters a layer (Table 1, Standard).

    Example:
        >>> import torch
        >>> Identity().bind(3)(torch.arange(3.0), task=7)
        tensor([0., 1., 2.])
    """

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        return ()

    def apply(self, x: Tensor, key: Key) -> Tensor:
        return x

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        return x

    def cost(self, width: int) -> int:
        return 0

"""Complex contexts: a random phase for every input."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from psp import keys
from psp.contexts.base import Family, Key


class Complex(Family):
    """C_k = diag(c), c_j = exp(j phi_j), phi_j uniform on the circle (Cheung et al. 2019, eq. 5).

    Needs a complex network. The retrieval noise has E|eps|^2 = sum_{i != k} sum_j |w_ij|^2 |x_j|^2 and is circular:
    its real part has half of that.

    Args:
        seed: a whole number from 0, below 2**63.

    Example:
        >>> import torch
        >>> context = Complex(seed=0).bind(8)
        >>> z = torch.ones(8, dtype=torch.complex64)
        >>> torch.allclose(context(z, task=1).abs(), torch.ones(8))
        True
    """

    needs_complex: ClassVar[bool] = True

    def turns(self, layer: str, width: int, task: int) -> NDArray[np.uint64]:
        """The phases of C_task, in unsigned 64-bit fractions of a turn."""
        return keys.words(self.seed, layer, task, width, width)

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        return (keys.phasors(self.turns(layer, width, task)),)

    def apply(self, x: Tensor, key: Key) -> Tensor:
        return x * key[0]

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        return x * key[0].conj()

    def cost(self, width: int) -> int:
        return width

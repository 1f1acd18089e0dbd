"""Haar rotations of the whole input, or of its blocks."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from psp import keys
from psp.contexts.base import Family, Key, on_parts


def haar(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Haar-distributed orthogonal matrices from (..., n, n) standard normals (Mezzadri 2007, section 5).

    The Q of a QR decomposition alone is not Haar: LAPACK fixes signs by its own rule, which the diagonal of R undoes.
    """
    q, r = np.linalg.qr(normals)
    return q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]


class Rotation(Family):
    """C_k Haar-distributed on O(M) (Cheung et al. 2019, section 2.1).

    Real; on complex networks it acts on both parts. The retrieval noise has variance
    (|x|^2 / M) sum_{i != k} |w_i|^2. Costs M^2 work a sample and M^3 to draw: :class:`~psp.contexts.signed_permutation
    .SignedPermutation` and :class:`~psp.contexts.hadamard.Hadamard` have the same noise for far less.

    Args:
        seed: a whole number from 0, below 2**63.

    Example:
        >>> import torch
        >>> c = Rotation(seed=0).bind(8).matrix(task=3)
        >>> torch.allclose(c @ c.T, torch.eye(8), atol=1e-6)
        True
    """

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        bits = keys.words(self.seed, layer, task, width, width * width)
        return (haar(keys.normals(bits).reshape(width, width)),)

    def apply(self, x: Tensor, key: Key) -> Tensor:
        return on_parts(lambda part: part @ key[0].T, x)

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        return on_parts(lambda part: part @ key[0], x)

    def cost(self, width: int) -> int:
        return width * width


@dataclasses.dataclass(frozen=True)
class BlockRotation(Family):
    """C_k block-diagonal, every block Haar-distributed on O(block).

    A width that is no multiple of ``block`` ends in one smaller block. Block 1 is :class:`~psp.contexts.binary
    .Binary`, a block of the whole width is :class:`Rotation`, both to the bit. The retrieval noise has variance
    sum_{i != k} sum_B |w_iB|^2 |x_B|^2 / |B| over the blocks B.

    Args:
        seed: a whole number from 0, below 2**63.
        block: width of a block, at least 1.

    Example:
        >>> BlockRotation(seed=0, block=16).bind(256).cost
        4096
    """

    block: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        keys.at_least_one(self.block, "block")

    def _split(self, width: int) -> tuple[int, int, int]:
        """How many blocks of which size, and the size of the last, smaller one (or 0)."""
        size = min(self.block, width)
        return width // size, size, width % size

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        count, size, rest = self._split(width)
        bits = keys.words(self.seed, layer, task, width, count * size**2 + rest**2)
        normals = keys.normals(bits)
        blocks = haar(normals[: count * size**2].reshape(count, size, size))
        return blocks, haar(normals[count * size**2 :].reshape(rest, rest))

    def _transform(self, x: Tensor, blocks: Tensor, last: Tensor) -> Tensor:
        count, size, _ = blocks.shape
        body = x[..., : count * size].unflatten(-1, (count, 1, size))
        parts = (body @ blocks.mT).flatten(-3), x[..., count * size :] @ last.T
        return torch.cat(parts, -1)

    def apply(self, x: Tensor, key: Key) -> Tensor:
        return on_parts(lambda part: self._transform(part, *key), x)

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        return on_parts(lambda part: self._transform(part, key[0].mT, key[1].mT), x)

    def cost(self, width: int) -> int:
        count, size, rest = self._split(width)
        return count * size**2 + rest**2

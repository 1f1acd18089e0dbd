"""Fast dense rotations: random signs, a fixed flat orthogonal matrix, random signs again."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from psp import keys
from psp.contexts.base import Family, Key, on_parts

_CHUNK = 64  # side of the dense factors: two products of this size beat log2(M) passes over memory
_DENSE = 512  # odd widths up to this are multiplied out, larger ones go through an FFT


class Hadamard(Family):
    """C_k = D' H D: two random sign vectors around one fixed flat orthogonal matrix H, at any width.

    For M = 2^a m with m odd, H is the Kronecker product of Sylvester's Hadamard matrix of order 2^a and the Hartley
    matrix of order m, h_ab = (cos(2 pi ab/m) + sin(2 pi ab/m)) / sqrt(m); both are symmetric and their own inverse.
    O(M log M) work. H D alone would be no better than :class:`~psp.contexts.binary.Binary`, since H cancels in
    C_i^-1 C_k.

    At a power of two every |H_ab|^2 is 1/M, and the variance of the retrieval noise is exactly Haar's,
    (|x|^2 / M) sum_{i != k} |w_i|^2. At other widths it is sum_{i != k} sum_ab w_ia^2 B_ab x_b^2, where B_ab, for
    a = (p, r) and b = (q, s) with r, s < m, is (1/M) (1 + [r = s]/2 - [r = -s mod m]/2): Haar's, but for a share 2/m
    of the pairs, and within a factor of 1/2 to 3/2 of it for any w and x.

    Args:
        seed: a whole number from 0, below 2**63.

    Example:
        >>> import torch
        >>> c = Hadamard(seed=0).bind(12).matrix(task=3)
        >>> torch.allclose(c @ c.T, torch.eye(12), atol=1e-6)
        True
    """

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        sign = keys.signs(keys.words(self.seed, layer, task, width, 2 * width))
        return sign[:width], sign[width:]

    def apply(self, x: Tensor, key: Key) -> Tensor:
        return on_parts(flat_rotation, x * key[0]) * key[1]

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        return on_parts(flat_rotation, x * key[1]) * key[0]

    def cost(self, width: int) -> int:
        return 2 * width


def flat_rotation(x: Tensor) -> Tensor:
    """H x over the last dimension of a real tensor: Sylvester's matrix on the power of two, Hartley's on the rest."""
    width = x.shape[-1]
    power = width & -width
    y = x
    done = 1
    for size in _split(power):
        # One factor of the Kronecker product: on the axis that follows the ones done.
        after = width // (done * size)
        factor = _sylvester(size, x.dtype, x.device)
        y = factor @ y.reshape(-1, size, after) if after > 1 else y.reshape(-1, size) @ factor
        done *= size
    odd = width // power
    if odd > _DENSE:
        spectrum = torch.fft.fft(y.reshape(-1, odd), norm="ortho")
        y = spectrum.real - spectrum.imag
    elif odd > 1:
        y = y.reshape(-1, odd) @ _hartley(odd, x.dtype, x.device)
    return y.reshape(x.shape)


def _split(power: int) -> list[int]:
    """A power of two as a product of powers of two of about one size, none above _CHUNK."""
    bits = power.bit_length() - 1
    parts = -(-bits // (_CHUNK.bit_length() - 1))
    return [2 ** ((bits + i) // parts) for i in range(parts)]


def _sylvester(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return _factor(_make_sylvester, size, dtype, device)


def _hartley(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return _factor(_make_hartley, size, dtype, device)


def _factor(make: Callable[[int], Tensor], size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    if torch.compiler.is_compiling():  # a graph makes them anew: it holds no cached tensors
        return make(size).to(device, dtype)
    return _kept(make, size, dtype, device)


@functools.lru_cache(maxsize=32)
def _kept(make: Callable[[int], Tensor], size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # what is kept must serve training, too
        return make(size).to(device, dtype)


def _make_sylvester(size: int) -> Tensor:
    matrix = torch.ones(1, 1, dtype=torch.float64, device="cpu")
    while len(matrix) < size:
        matrix = torch.cat((torch.cat((matrix, matrix), 1), torch.cat((matrix, -matrix), 1)))
    return matrix / math.sqrt(size)


def _make_hartley(size: int) -> Tensor:
    index = torch.arange(size, device="cpu")
    angle = (torch.outer(index, index) % size).double() * (2 * math.pi / size)
    return (angle.cos() + angle.sin()) / math.sqrt(size)

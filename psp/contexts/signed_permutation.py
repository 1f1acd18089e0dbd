"""Signed permutations: Haar's noise for the price of a gather."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from psp import keys
from psp.contexts.base import Family, Key


class SignedPermutation(Family):
    """C_k = D P: inputs shuffled, then given random signs, (C x)_j = s_j x_{p(j)}.

    Works on real and complex networks. Its retrieval noise has exactly the variance of :class:`~psp.contexts.rotation
    .Rotation`, (|x|^2 / M) sum_{i != k} |w_i|^2, for O(M) work. Without the signs it would not do: a plain permutation
    keeps the mean of the input, and the noise of all stored models adds up with a mean of its own.

    Args:
        seed: a whole number from 0, below 2**63.

    Example:
        >>> SignedPermutation(seed=0).bind(256).cost
        512
    """

    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        bits = keys.words(self.seed, layer, task, width, 2 * width)
        order = keys.permutation(bits[width:])
        return keys.signs(bits[:width]), order, np.argsort(order)

    def apply(self, x: Tensor, key: Key) -> Tensor:
        sign, order, back = key
        return _Permute.apply(x, order, back) * sign

    def unapply(self, x: Tensor, key: Key) -> Tensor:
        sign, order, back = key
        return _Permute.apply(x * sign, back, order)

    def cost(self, width: int) -> int:
        return 2 * width


class _Permute(torch.autograd.Function):
    """x_{p(j)} over the last dimension. The gradient is a gather by the inverse, where torch's own would scatter."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, order: Tensor, back: Tensor) -> Tensor:
        if order.ndim == 1:
            return x.index_select(-1, order)
        return x.gather(-1, order.expand(x.shape))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        order, back = ctx.saved_tensors
        return _Permute.apply(grad, back, order), None, None

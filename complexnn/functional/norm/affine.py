"""Widely linear maps y = a z + b conj(z) + c of one element at a time: what a whitening and its weight are.

A symmetric real matrix M acting on (x, y) is the map a z + b conj(z) with the real a = (M_rr + M_ii) / 2 and
b = (M_rr - M_ii) / 2 + j M_ri.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def widely_affine(z: Tensor, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    """a z + b conj(z) + c with coefficients that broadcast against ``z``; ``a`` may be real.

    One buffer and no temporary: the middle term is formed as conj(conj(b) z).
    """
    out = torch.conj_physical_(z * b.conj())
    if a.is_complex():
        out.addcmul_(z, a)
    else:  # at half the work
        torch.view_as_real(out).addcmul_(torch.view_as_real(z), a.unsqueeze(-1))
    return out if c is None else out.add_(c)


def compose(a: Tensor, b: Tensor, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """The map ``(a, b)`` after the map ``(p, q)`` of a symmetric matrix, where p is real."""
    return torch.addcmul(a * p, b, q.conj_physical()), torch.addcmul(a * q, b, p)


def weight_map(weight: Tensor, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """a and b of the map that ``weight`` ``(*, 3)`` does to a signal of unit power, each viewed as ``shape``.

    Unit power is a covariance of I / 2 where a whitening by V^(-1/2) has I: the weight is scaled up by sqrt(2).
    """
    rr, ri, ii = weight.mul(math.sqrt(0.5)).unbind(-1)
    a = rr + ii
    return (torch.complex(a, torch.zeros_like(a))).reshape(shape), torch.complex(rr - ii, 2 * ri).reshape(shape)


def weight_grad(power: Tensor, pseudo: Tensor, weight: Tensor) -> Tensor:
    """The gradient of ``weight`` from sum Re g conj(w) and sum g w, w of unit power, g the gradient of its map."""
    real = pseudo.real
    grad = torch.stack((power + real, 2 * pseudo.imag, power - real), -1)
    return grad.mul(math.sqrt(0.5)).reshape(weight.shape).to(weight.dtype)


def shared_dims(shape: Sequence[int], ndim: int) -> list[int]:
    """The dimensions of an ``ndim``-dimensional signal over which a parameter of ``shape`` is shared."""
    lead = ndim - len(shape)
    return [*range(lead), *(lead + i for i, size in enumerate(shape) if size == 1)]


class _Affine(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, weight: Tensor, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
        a, b = weight_map(weight, shape)
        return widely_affine(z, a, b, None if bias is None else bias.reshape(shape))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        z, weight, _, ctx.shape = inputs
        ctx.save_for_backward(z, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        z, weight = ctx.saved_tensors
        grad = grad.resolve_conj()
        dims = shared_dims(ctx.shape, z.ndim)
        grad_z = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_z = widely_affine(grad, *weight_map(weight, ctx.shape))
        if ctx.needs_input_grad[1]:
            pseudo = (grad * z).sum(dims)
            parts = torch.view_as_complex(torch.view_as_real(grad) * torch.view_as_real(z)).sum(dims)
            grad_weight = weight_grad(parts.real + parts.imag, pseudo, weight)
        if ctx.needs_input_grad[2]:
            grad_bias = grad.sum(dims).reshape(weight.shape[:-1])
        return grad_z, grad_weight, grad_bias, None


def affine(z: Tensor, weight: Tensor, bias: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """The learned map of a signal of unit power: ``weight`` ``(*, 3)`` and complex ``bias`` ``(*)``, as ``shape``."""
    out: Tensor = _Affine.apply(z, weight, bias, shape)
    return out

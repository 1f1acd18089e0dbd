"""A complex tensor as two real planes, in which the rectifiers work.

On a CPU ATen's elementwise kernels are fast on contiguous real tensors alone. ``abs`` of a complex tensor takes three
times as long as copying it into planes and taking ``hypot`` of these, and a selection by a boolean mask ten times as
long as one by the sign of a real tensor. Few temporaries, changed in place, save the cost of fresh memory.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# The kernel of ReLU's backward, differentiable itself: value where key > threshold, else 0.
keep_above = torch.ops.aten.threshold_backward


def planes(z: Tensor) -> tuple[Tensor, Tensor]:
    """Real and imaginary part, as views."""
    parts = torch.view_as_real(z.resolve_conj())
    return parts[..., 0], parts[..., 1]


def copied_planes(z: Tensor, bound: float = float("inf")) -> tuple[Tensor, Tensor]:
    """Real and imaginary part as fresh contiguous tensors, with an absolute value of at most ``bound``.

    On strided memory clamp is faster than the copy without it.
    """
    x, y = planes(z)
    return x.clamp(-bound, bound), y.clamp(-bound, bound)


def smallest(dtype: torch.dtype) -> float:
    """What a smaller modulus counts as: 2^20 times the smallest normal number, to leave room for dividing it."""
    return torch.finfo(dtype).tiny * 2.0**20


def largest(dtype: torch.dtype) -> float:
    """What a larger part, an infinite one too, counts as: half the largest number, so that its modulus is finite."""
    return torch.finfo(dtype).max / 2


class _Modulus(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return torch.hypot(*copied_planes(z))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        _, c, s = polar_planes(*ctx.saved_tensors)
        return torch.complex(g * c, g * s)


def absolute(z: Tensor) -> Tensor:
    """|z| with the gradient 0 at z = 0. The derivative of hypot is NaN there, that of abs at subnormal numbers."""
    r: Tensor = _Modulus.apply(z)
    return r


def polar_planes(z: Tensor, r: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The modulus r, and the two parts of z / r: the unit phasor, or 0 at z = 0.

    No modulus is below :func:`smallest` and no part above :func:`largest`. Differentiable, with finite derivatives at
    z = 0; ``r`` from an earlier call saves its computation where no derivative is wanted.
    """
    x, y = copied_planes(z, largest(z.dtype))
    if torch.is_grad_enabled() and z.requires_grad:
        r = absolute(torch.complex(x, y)).clamp_min(smallest(z.dtype))
        return r, x / r, y / r
    if r is None:
        r = torch.hypot(x, y).clamp_min_(smallest(z.dtype))
    return r, x.div_(r), y.div_(r)


class _Keep(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, key: Tensor) -> Tensor:
        if z.dtype != torch.complex64 or key.dtype != torch.float64:
            return torch.where(key < 0, 0, z)
        # Both parts of a number move as one double, whose bits this kernel leaves alone. A key of single precision
        # is at least 0 where it is above -1e-46: its smallest negative number is -1.4e-45.
        kept: Tensor = keep_above(z.resolve_conj().view(torch.float64), key, -1e-46)
        return kept.view(torch.complex64)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return _Keep.apply(g, *ctx.saved_tensors), None


def keep(z: Tensor, key: Tensor) -> Tensor:
    """z where the real key, a constant of z's precision, is not negative (nor is NaN), else 0: torch.where, faster on
    a CPU."""
    key = key.detach()
    kept: Tensor = _Keep.apply(z, key.double() if z.is_cpu else key)
    return kept

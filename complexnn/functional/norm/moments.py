"""Means and second moments of a complex signal, of one process or of several together."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def count(z: Tensor, dims: tuple[int, ...]) -> int:
    """How many values a mean over ``dims`` is of."""
    return math.prod([z.shape[dim] for dim in dims])


def centre(z: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """z - m in a new buffer, and m, the mean over ``dims``. A constant signal comes out as zeros, at any size.

    First off goes the mean of the first sixteenth, at a sixteenth of the cost. It is within four standard deviations
    of the mean of all, so that the mean of what remains is as exact as the signal itself.
    """
    some = z.narrow(dims[0], 0, -(-z.shape[dims[0]] // 16))
    pivot = some.sum(dims, keepdim=True) / max(count(some, dims), 1)
    d = z - pivot
    rest = d.sum(dims, keepdim=True) / max(count(z, dims), 1)
    return d.sub_(rest), pivot + rest


class _Centre(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, dims: tuple[int, ...]) -> Tensor:
        return centre(z, dims)[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Tensor) -> None:
        ctx.dims = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad - grad.mean(ctx.dims, keepdim=True), None


def centred(z: Tensor, dims: tuple[int, ...]) -> Tensor:
    """z - m for autograd."""
    out: Tensor = _Centre.apply(z, dims)
    return out


def mean_square(d: Tensor, dims: tuple[int, ...]) -> Tensor:
    """E|d|^2 over ``dims`` (ascending) in double precision."""
    real, number = torch.view_as_real(d), max(count(d, dims), 1)
    inner = tuple(dim for i, dim in enumerate(dims) if dim == d.ndim - len(dims) + i)
    if inner and count(d, inner) <= 2**16:  # a norm takes no temporary, but adds up long runs less exactly than a sum
        squares = torch.linalg.vector_norm(real, dim=(*inner, -1), keepdim=True).double().square()
        return squares.sum(dims, keepdim=True).squeeze(-1) / number
    return real.square().sum((*dims, -1), keepdim=True).squeeze(-1).double() / number


def second_moments(d: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """E|d|^2 and E d^2 over ``dims`` in double precision, with one temporary at a time.

    The two parts have sums of their own, so that one much smaller than the other is known as well.
    """
    real = torch.view_as_real(d)
    squares = torch.view_as_complex(real * real).sum(dims, keepdim=True)
    cross = (d * d).sum(dims, keepdim=True)
    xx, yy, _, xy2 = torch.view_as_real(torch.stack((squares, cross), -1)).flatten(-2).double().unbind(-1)
    number = max(count(d, dims), 1)
    return (xx + yy) / number, torch.complex(xx - yy, xy2) / number


def products(g: Tensor, x: Tensor, dims: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """sum g, sum g conj(x) and sum g x in double precision, with one temporary at a time."""
    pseudo = (g * x).sum(dims, keepdim=True)
    power = x.conj_physical().mul_(g).sum(dims, keepdim=True)
    total, power, pseudo = torch.stack((g.sum(dims, keepdim=True), power, pseudo)).to(torch.complex128).unbind()
    return total, power, pseudo


def gather(mean: Tensor, var: Tensor, pseudo: Tensor, number: int, group: Any) -> tuple[Tensor, ...]:
    """Mean, variance, pseudo-variance and number of all processes' values (Chan, Golub and LeVeque 1979)."""
    mean, counts = mean.to(torch.complex128), torch.full_like(var, number)
    packed = torch.view_as_real(torch.stack((mean, pseudo, torch.complex(var, counts)), -1))
    parts = [torch.empty_like(packed) for _ in range(dist.get_world_size(group))]
    dist.all_gather(parts, packed, group=group)
    means, pseudos, rest = torch.view_as_complex(torch.stack(parts)).unbind(-1)
    total = rest.imag.sum(0)
    share = rest.imag / total.clamp_min(1)
    joint = (share * means).sum(0)
    shift = means - joint
    var = (share * (rest.real + (shift * shift.conj()).real)).sum(0)
    return joint, var, (share * (pseudos + shift * shift)).sum(0), total


def all_reduce(sums: Tensor, group: Any) -> Tensor:
    """The sum of ``sums``, complex, over the processes."""
    if torch.is_grad_enabled():  # a double backward, through the sum as well
        from torch.distributed.nn.functional import all_reduce as differentiable

        return torch.view_as_complex(differentiable(torch.view_as_real(sums), group=group))
    dist.all_reduce(torch.view_as_real(sums), group=group)
    return sums

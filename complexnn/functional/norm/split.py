"""The two parts of a signal, each by itself: y = gamma (z - m) / sqrt(var + eps) + beta, by part.

All is done on the interleaved parts as they lie in memory, with a channel's coefficients repeated along its row.
Backwards, with g the gradient at y, d = z - m, s = 1 / sqrt(var + eps), n values to a mean, and all of it by part,

    gradient at z = gamma s (g - mean(g) - s^2 d sum(g d) / n).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from complexnn.functional.norm.moments import centre, count


def _sums(parts: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The sum of ``(N, C, *, 2)`` for each channel and part, ``(C, 2)``, in double precision."""
    return torch.view_as_real(torch.view_as_complex(parts).sum(dims)).double()


def _row(coefficients: Tensor, parts: Tensor) -> Tensor:
    """Coefficients ``(C, 2)`` along the row of each channel of ``(N, C, *, 2)``: ``(C, *, 2)``."""
    pairs = torch.view_as_complex(coefficients.to(parts.dtype))
    shape = parts.shape[1:-1]
    return torch.view_as_real(pairs.view(-1, *[1] * (len(shape) - 1)).expand(shape).contiguous())


def map_parts(z: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """scale x + shift of each part x of ``(N, C, *)``, for coefficients ``(C, 2)``."""
    parts = torch.view_as_real(z)
    return torch.view_as_complex(torch.addcmul(_row(shift, parts), parts, _row(scale, parts)))


class _Normalise(torch.autograd.Function):
    """z -> y, d, s and the moments. Backward is a formula in outputs, d and s: so it differentiates again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> tuple[Tensor, ...]:
        dims = (0, *range(2, z.ndim))
        d, mean = centre(z, dims)
        parts = torch.view_as_real(d)
        var = _sums(parts * parts, dims) / max(count(z, dims), 1)
        s = (var + eps).rsqrt()
        shift = torch.zeros_like(s) if bias is None else torch.view_as_real(bias)
        return map_parts(d, s * weight, shift), d, s, mean.flatten(), var

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, ...]) -> None:
        weight, bias = inputs[1:3]
        _, d, s, *moments = output
        ctx.mark_non_differentiable(*moments)
        ctx.set_materialize_grads(False)
        ctx.bias_dtype = None if bias is None else bias.dtype
        ctx.save_for_backward(weight, d, s)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, d, s = ctx.saved_tensors
        grad, grad_d, grad_s, *_ = grads
        dims = (0, *range(2, d.ndim))
        n = max(count(d, dims), 1)
        grad = torch.zeros_like(d) if grad is None else grad.resolve_conj()
        g, x = torch.view_as_real(grad.contiguous()), torch.view_as_real(d)
        total, product = _sums(g, dims), _sums(g * x, dims)
        on_s = weight * product if grad_s is None else weight * product + grad_s
        shift = weight * s * total
        if grad_d is not None:
            shift = shift + _sums(torch.view_as_real(grad_d.resolve_conj()), dims)
        rest = torch.addcmul(_row(-shift / n, x), x, _row(-(s**3) * on_s / n, x))
        grad_z = torch.view_as_complex(torch.addcmul(rest, g, _row(weight * s, g)))
        if grad_d is not None:
            grad_z = grad_z + grad_d
        grad_bias = None if ctx.bias_dtype is None else torch.view_as_complex(total).to(ctx.bias_dtype)
        return grad_z, (s * product).to(weight.dtype), grad_bias, None


def normalise_parts(z: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """The normalised ``(N, C, *)``, its mean, complex ``(C)``, and the variance of each part, ``(C, 2)``."""
    y, _, _, mean, var = _Normalise.apply(z, weight, bias, eps)
    return y, mean, var

"""Division by the root mean square: y = r z with r = 1 / sqrt(E|z|^2 + eps).

Backwards, with g the gradient at y and n values to a mean, the gradient at z is r g - r^3 Re(sum g conj(z)) z / n.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from complexnn.functional.norm.moments import count, mean_square


class _Scale(torch.autograd.Function):
    """z -> y, times a weight ``(n)`` where z is ``(M, n)`` and ``dims`` (1,), r and the mean square.

    Backward is a formula in z, an input, and r, an output, and takes a gradient at r: so it differentiates again.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, weight: Tensor | None, dims: tuple[int, ...], eps: float) -> tuple[Tensor, ...]:
        power = mean_square(z, dims)
        r = (power + eps).rsqrt()
        parts = torch.view_as_real(z)
        y = torch.view_as_complex(parts * r.to(parts.dtype).unsqueeze(-1))
        return y if weight is None else y.mul_(weight), r, power

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, ...]) -> None:
        z, weight, ctx.dims, _ = inputs
        _, r, power = output
        ctx.mark_non_differentiable(power)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(z, weight, r)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        z, weight, r = ctx.saved_tensors
        grad, grad_r, _ = grads
        grad = torch.zeros_like(z) if grad is None else grad.resolve_conj()
        product = torch.view_as_real(grad) * torch.view_as_real(z)
        grad_weight = None
        if weight is None:
            k = product.sum((*ctx.dims, -1), keepdim=True).squeeze(-1).double()
        else:  # the weighted sums of its rows and of its columns are what the two gradients need
            product = product.flatten(1)
            k = (product @ weight.repeat_interleave(2)).unsqueeze(1).double()
            if ctx.needs_input_grad[1]:
                grad_weight = (r.to(product.dtype).T @ product).view(-1, 2).sum(1)
            grad = grad * weight
        if grad_r is not None:
            k = k + grad_r
        e = -k * r**3 / max(count(z, ctx.dims), 1)
        out = torch.view_as_real(grad) * r.to(product.dtype).unsqueeze(-1)
        out.addcmul_(torch.view_as_real(z), e.to(product.dtype).unsqueeze(-1))
        return torch.view_as_complex(out), grad_weight, None, None


def scale(z: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
    """z over its root mean square over ``dims`` (ascending), and the mean square."""
    y, _, power = _Scale.apply(z, None, dims, eps)
    return y, power


def scale_rows(z: Tensor, weight: Tensor | None, size: int, eps: float) -> Tensor:
    """Each run of ``size`` numbers over its root mean square, times ``weight`` of that size."""
    rows = z.reshape(-1, size)
    y: Tensor = _Scale.apply(rows, None if weight is None else weight.flatten(), (1,), eps)[0]
    return y.view(z.shape)

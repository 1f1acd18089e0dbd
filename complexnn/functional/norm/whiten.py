"""Whitening: the widely linear map that makes a signal's mean 0, its power 1 and its pseudo-variance 0.

With v = E|z - m|^2 and r = E(z - m)^2 the covariance of the two parts is V = [[v + Re r, Im r], [Im r, v - Re r]] / 2.
Its principal axes lie along the square root of r / |r|, with the variances (v + |r|) / 2 and (v - |r|) / 2. So the
whitened signal w = (2 V + 2 eps I)^(-1/2) (z - m), Trabelsi's (2018, section 3.5) over sqrt(2), is

    w = p (z - m) + q conj(z - m),   p = (a + b) / 2,   q = (a - b) / 2 r / |r|,
    a = 1 / sqrt(v + 2 eps + |r|),   b = 1 / sqrt(v + 2 eps - |r|).

Backwards, with g the gradient at w, n values to a mean, k = sum g conj(w) and s = sum g w,

    gradient at z = p u + q conj(u),   u = g - mean(g) + (-Re(k) w + (j Im(k) q / p - s) conj(w)) / n:

the derivative of a symmetric square root (a Sylvester equation, diagonal in the principal axes) in terms of w.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from complexnn.functional.norm.affine import compose, weight_grad, weight_map, widely_affine
from complexnn.functional.norm.moments import all_reduce, centre, count, gather, products, second_moments


def whitening(var: Tensor, pseudo: Tensor, eps: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """p and q, complex and in double precision, for a signal of ``dtype``. Not for differentiating.

    Sums in ``dtype`` know a covariance to a few roundings of its trace. Where they say that the smaller axis has less
    than that, or less than nothing (|r| > v), |r| is cut: so both axes stay positive, and p and q, rounded, keep the
    larger one right: on constant phases and at any scale.
    """
    modulus = torch.linalg.vector_norm(torch.view_as_real(pseudo), dim=-1)
    r = torch.minimum(modulus, (1 - 4 * torch.finfo(dtype).eps) * var)
    h = var + 2 * eps
    major, minor = (h + r).rsqrt(), (h - r).rsqrt()
    p = (0.5 * (major + minor)).to(pseudo.dtype)
    return p, pseudo * (0.5 * (major - minor) / modulus.clamp_min(torch.finfo(h.dtype).tiny))


def _statistics(z: Tensor, dims: tuple[int, ...], group: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    """z - m, and mean, variance and pseudo-variance, with a ``group`` of all its processes and with their number."""
    d, mean = centre(z, dims)
    var, pseudo = second_moments(d, dims)
    if group is None:
        return d, (mean, var, pseudo)
    joint = gather(mean, var, pseudo, count(z, dims), group)
    return d.sub_((joint[0] - mean).to(d.dtype)), joint


def _through(
    m: Tensor, k: Tensor, s: Tensor, p: Tensor, q: Tensor, extra: tuple[Tensor | None, ...], n: int | Tensor, group: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """e, f and c such that e w + f conj(w) + c is what the statistics add to the gradient at z.

    m, k and s are the sums of g, g conj(w) and g w; ``extra`` are the gradients, if any, at p, at q and summed at d.
    """
    grad_p, grad_q, grad_d = extra
    if grad_p is not None:
        k, s = k + grad_p * p, s + grad_p * q
    if grad_q is not None:
        k, s = k + grad_q * q.conj(), s + grad_q * p
    if grad_d is None:
        grad_d = torch.zeros_like(m)
    if group is not None:
        m, k, s, grad_d = all_reduce(torch.stack((m, k, s, grad_d)), group)
    e, f = compose(p, q, -k.real, (k - k.real) * (q / p) - s)
    c = -p * m - q * m.conj() - grad_d
    return e / n, f / n, c / n


def _pull(g: Tensor, x: Tensor, a: Tensor, b: Tensor, e: Tensor, f: Tensor, c: Tensor) -> Tensor:
    """a g + b conj(g) + e x + f conj(x) + c in one buffer."""
    a, b, c, e, f = (t.to(g.dtype) for t in (a, b.conj(), c, e, f.conj()))
    out = g * b
    out.addcmul_(x, f)
    out.conj_physical_()
    out.addcmul_(g, a)
    return out.addcmul_(x, e).add_(c)


class _Whiten(torch.autograd.Function):
    """z -> w, p, q and the moments.

    Backward is a formula in outputs, w, p and q, and takes gradients at each: so it differentiates again.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, dims: tuple[int, ...], eps: float, group: Any) -> tuple[Tensor, ...]:
        d, moments = _statistics(z, dims, group)
        p, q = whitening(moments[1], moments[2], eps, z.dtype)
        second = d * q.conj().to(d.dtype)
        return d.mul_(p.to(d.dtype)).add_(second.conj_physical_()), p, q, *moments

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, ...]) -> None:
        z, ctx.dims, _, ctx.group = inputs
        w, p, q, *moments = output
        ctx.mark_non_differentiable(*moments)
        ctx.set_materialize_grads(False)
        ctx.count = max(count(z, ctx.dims), 1) if ctx.group is None else moments[3].clamp_min(1)
        ctx.save_for_backward(w, p, q)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        w, p, q = ctx.saved_tensors
        grad, grad_p, grad_q, *_ = grads
        grad = torch.zeros_like(w) if grad is None else grad.resolve_conj()
        sums = products(grad, w, ctx.dims)
        e, f, c = _through(*sums, p, q, (grad_p, grad_q, None), ctx.count, ctx.group)
        return _pull(grad, w, p, q, e, f, c), None, None, None


class _WhitenAffine(torch.autograd.Function):
    """z -> y = a w + b conj(w) + bias, d = z - m, p, q and the moments, for a weight the same wherever they are.

    The gradient of such a weight takes the very sums that the whitening's does: one pass for both, and w never made.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(
        z: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        shape: tuple[int, ...],
        dims: tuple[int, ...],
        eps: float,
        group: Any,
    ) -> tuple[Tensor, ...]:
        d, moments = _statistics(z, dims, group)
        p, q = whitening(moments[1], moments[2], eps, z.dtype)
        a, b = compose(*weight_map(weight.double(), shape), p, q)
        c = None if bias is None else bias.reshape(shape)
        return widely_affine(d, a.to(d.dtype), b.to(d.dtype), c), d, p, q, *moments

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: tuple[Tensor, ...]) -> None:
        z, weight, _, ctx.shape, ctx.dims, _, ctx.group = inputs
        _, d, p, q, *moments = output
        ctx.mark_non_differentiable(*moments)
        ctx.set_materialize_grads(False)
        ctx.count = max(count(z, ctx.dims), 1) if ctx.group is None else moments[3].clamp_min(1)
        ctx.save_for_backward(weight, d, p, q)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, d, p, q = ctx.saved_tensors
        grad, grad_d, grad_p, grad_q, *_ = grads
        grad = torch.zeros_like(d) if grad is None else grad.resolve_conj()
        m, k, s = products(grad, d, ctx.dims)
        k, s = compose(k, s, p, q)  # with w in the place of d

        wa, wb = weight_map(weight.double(), ctx.shape)
        grad_weight = grad_bias = None
        if ctx.needs_input_grad[1]:
            grad_weight = weight_grad(k.real.sum_to_size(wa.shape), s.sum_to_size(wa.shape), weight)
        if ctx.needs_input_grad[2]:
            grad_bias = m.sum_to_size(wa.shape).reshape(weight.shape[:-1]).to(d.dtype)

        m, k, s = torch.addcmul(wa * torch.stack((m, k, s)), wb, torch.stack((m, s, k)).conj_physical()).unbind()
        on_d = None if grad_d is None else grad_d.sum(ctx.dims, keepdim=True).to(torch.complex128)
        e, f, c = _through(m, k, s, p, q, (grad_p, grad_q, on_d), ctx.count, ctx.group)
        grad_z = None
        if ctx.needs_input_grad[0]:
            grad_z = _pull(grad, d, *compose(p, q, wa, wb), *compose(e, f, p, q), c)
            grad_z = grad_z if grad_d is None else grad_z + grad_d
        return grad_z, grad_weight, grad_bias, None, None, None, None


def whiten(
    z: Tensor,
    dims: tuple[int, ...],
    eps: float,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    shape: tuple[int, ...] = (),
    group: Any = None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The whitened signal, with the learned map, and its mean, variance and pseudo-variance over ``dims`` (ascending).

    ``weight`` ``(C, 3)`` and ``bias`` ``(C)`` are viewed as ``shape`` and do not vary over ``dims``. With ``group`` the
    statistics are those of all its processes, and a fourth one is how many values they are of.
    """
    if weight is None:
        w, _, _, *moments = _Whiten.apply(z, dims, eps, group)
        return (w if bias is None else w + bias.reshape(shape)), moments
    y, _, _, _, *moments = _WhitenAffine.apply(z, weight, bias, shape, dims, eps, group)
    return y, moments

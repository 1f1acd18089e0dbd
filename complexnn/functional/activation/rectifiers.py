"""Rectifiers of the plane: by quadrant, by modulus, by phase."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from complexnn.functional.activation._planes import (
    copied_planes,
    keep,
    keep_above,
    largest,
    polar_planes,
    smallest,
)
from complexnn.functional.checks import require_complex


def _in_first_quadrant(z: Tensor) -> Tensor:
    """Not negative where 0 <= arg z <= pi/2."""
    return torch.minimum(*copied_planes(z.detach()))


def _as_tensor(parameter: Tensor | float, z: Tensor, name: str) -> Tensor:
    """A real parameter as a tensor, of z's precision where it is a number."""
    if not isinstance(parameter, Tensor):
        return z.real.new_tensor(parameter)
    if parameter.is_complex():
        raise TypeError(f"{name} expects a real parameter, got {parameter.dtype}")
    return parameter


def _plus(a: Tensor, b: Tensor, scale: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """a * scale + c and b * scale + d, the last step of a backward: in place unless it is differentiated itself."""
    if torch.is_grad_enabled():
        return a * scale + c, b * scale + d
    return a.mul_(scale).add_(c), b.mul_(scale).add_(d)


def zrelu(z: Tensor) -> Tensor:
    """z in the closed first quadrant, 0 <= arg z <= pi/2, and 0 elsewhere (Guberman 2016, section 4.2.1).

    Example:
        >>> zrelu(torch.tensor([1 + 2j, 1 - 2j, 3 + 0j]))
        tensor([1.+2.j, 0.+0.j, 3.+0.j])
    """
    require_complex(z, "zrelu")
    return keep(z, _in_first_quadrant(z))


def zleaky_relu(z: Tensor, negative_slope: float = 0.01) -> Tensor:
    """z in the closed first quadrant and ``negative_slope`` z elsewhere: the leaky form of :func:`zrelu`.

    Example:
        >>> zleaky_relu(torch.tensor([1 + 2j, 1 - 2j]), negative_slope=0.5)
        tensor([1.0000+2.j, 0.5000-1.j])
    """
    require_complex(z, "zleaky_relu")
    parts = torch.view_as_real(z.resolve_conj())
    kept = (_in_first_quadrant(z) >= 0).unsqueeze(-1)
    return torch.view_as_complex(torch.where(kept, parts, negative_slope * parts))


class _ZAbsReLU(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, threshold: Tensor, bandwidth: float) -> tuple[Tensor, Tensor]:
        key = z.abs() - threshold
        return keep(z, key), key

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: tuple[Tensor, Tensor]) -> None:
        ctx.set_materialize_grads(False)  # of the modulus there is none
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs[:2], output[1])
        ctx.bandwidth = inputs[2]

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, _: None) -> tuple[Tensor | None, Tensor | None, None]:
        if g is None:
            return None, None, None
        z, threshold, key = ctx.saved_tensors
        near = key.abs() <= ctx.bandwidth / 2
        lost = torch.where(near, (g.conj() * z).real / ctx.bandwidth, 0)
        return keep(g, key), -lost.sum_to_size(threshold.shape), None


def zabs_relu(z: Tensor, threshold: Tensor | float = 0.5, bandwidth: float = 0.2) -> Tensor:
    """z where |z| >= threshold, and 0 inside that disk.

    The derivative with respect to the real ``threshold``, which broadcasts against ``z``, is zero for almost every z
    although the expected loss depends on it. The gradient is therefore that of the expectation, with the density at
    the threshold estimated from the moduli within ``bandwidth`` / 2 of it: the sum of -Re(conj(g) z) / bandwidth over
    these (Rajamanoharan 2024, JumpReLU, for real numbers).

    Example:
        >>> zabs_relu(torch.tensor([3 + 4j, 0.1j]), threshold=1.0)
        tensor([3.+4.j, 0.+0.j])
    """
    require_complex(z, "zabs_relu")
    if not bandwidth > 0:
        raise ValueError(f"bandwidth must be positive, got {bandwidth}")
    kept: Tensor = _ZAbsReLU.apply(z, _as_tensor(threshold, z, "zabs_relu"), bandwidth)[0]
    return kept


class _ModReLU(torch.autograd.Function):
    """f = relu(r + b) z/r: an alive unit passes the radial part of a gradient as it is, and scales the other as f."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        x, y = copied_planes(z)
        r = torch.hypot(x, y).clamp(smallest(z.dtype), largest(z.dtype))
        scale = (r + bias).clamp_min_(0).div_(r)
        return torch.complex(x * scale, y * scale), r

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.set_materialize_grads(False)  # of the modulus there is none
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, output[1])

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, _: None) -> tuple[Tensor | None, Tensor | None]:
        if g is None:
            return None, None
        z, bias, r = ctx.saved_tensors
        r, c, s = polar_planes(z, r)
        a, b = copied_planes(g)
        shifted = r + bias
        radial = keep_above((c * a).add_(s * b), shifted, 0)
        bias_gradient = radial.sum_to_size(bias.shape) if ctx.needs_input_grad[1] else None
        # 0 at z = 0 even if the bias is positive
        scale = keep_above(shifted.clamp_min(0).div_(r), r, smallest(z.dtype))
        excess = radial * (1 - scale)
        return torch.complex(*_plus(a, b, scale, c * excess, s * excess)), bias_gradient


def modrelu(z: Tensor, bias: Tensor | float = -0.5) -> Tensor:
    """ReLU of the shifted modulus, with the phase kept: relu(|z| + b) z / |z| (Arjovsky 2016, eq. 8).

    ``bias`` is real and broadcasts against ``z``. The value and the gradient at z = 0 are zero.

    Example:
        >>> modrelu(torch.tensor([3j, 0.5 + 0j]), bias=-1.0)
        tensor([0.+2.j, 0.+0.j])
    """
    require_complex(z, "modrelu")
    rectified: Tensor = _ModReLU.apply(z, _as_tensor(bias, z, "modrelu"))[0]
    return rectified


class _Cardioid(torch.autograd.Function):
    """f = (1 + cos t)/2 z, whose other derivative is -(sin t)/2 z, along the angle t alone."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor) -> tuple[Tensor, Tensor]:
        x, y = copied_planes(z, largest(z.dtype))
        r = torch.hypot(x, y).clamp_min_(smallest(z.dtype))
        scale = (x / r).add_(1).mul_(0.5)
        return torch.complex(x.mul_(scale), y.mul_(scale)), r

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:
        ctx.set_materialize_grads(False)  # of the modulus there is none
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, output[1])

    @staticmethod
    def backward(ctx: Any, g: Tensor | None, modulus: None) -> Tensor | None:
        if g is None:
            return None
        _, c, s = polar_planes(*ctx.saved_tensors)
        a, b = copied_planes(g)
        turn = (c * a).add_(s * b).mul_(s * 0.5)
        scale = (c * 0.5).add_(0.5)
        return torch.complex(*_plus(a, b, scale, s * turn, -c * turn))


def cardioid(z: Tensor) -> Tensor:
    """z scaled by its phase: (1 + cos arg z)/2 z = (1 + x / |z|)/2 z (Virtue 2017, eq. 3).

    On real numbers it is ReLU. At z = 0, where it has no derivative, a gradient is halved: the mean over directions.

    Example:
        >>> cardioid(torch.tensor([2 + 0j, 2j, -1 + 1j]))
        tensor([ 2.0000+0.0000j,  0.0000+1.0000j, -0.1464+0.1464j])
    """
    require_complex(z, "cardioid")
    scaled: Tensor = _Cardioid.apply(z)[0]
    return scaled

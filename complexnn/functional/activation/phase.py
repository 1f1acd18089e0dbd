"""Activations that see or change the phase; modulus and phase themselves."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from complexnn.functional.activation._planes import absolute, planes, polar_planes, smallest
from complexnn.functional.checks import require_complex


def modulus(z: Tensor) -> Tensor:
    """The real modulus |z|, with the gradient 0 at z = 0.

    Example:
        >>> modulus(torch.tensor([3 + 4j]))
        tensor([5.])
    """
    require_complex(z, "modulus")
    return absolute(z)


class _Angle(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return torch.angle(z)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        r, c, s = polar_planes(*ctx.saved_tensors)
        g = g / r
        return torch.complex(-s * g, c * g)


def angle(z: Tensor) -> Tensor:
    """The real phase arg z in [-pi, pi], of zero 0, with the gradient j z / |z|^2, at z = 0 taken as 0.

    Example:
        >>> angle(torch.tensor([1j, -2 + 0j]))
        tensor([1.5708, 3.1416])
    """
    require_complex(z, "angle")
    phase: Tensor = _Angle.apply(z)
    return phase


class _Signum(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor) -> Tensor:
        return torch.complex(*polar_planes(z)[1:])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        r, c, s = polar_planes(*ctx.saved_tensors)
        a, b = planes(g)
        along = (c * b - s * a) / r
        return torch.complex(-s * along, c * along)


def signum(z: Tensor) -> Tensor:
    """The unit phasor z / |z|, of zero 0. The gradient, which grows as 1 / |z|, is 0 at z = 0.

    An infinite part counts as half the largest number, so that the phasor has length 1 there too.

    Example:
        >>> signum(torch.tensor([3 + 4j, 0j]))
        tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """
    require_complex(z, "signum")
    phasor: Tensor = _Signum.apply(z)
    return phasor


class _Sectors(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, k: int) -> Tensor:
        # A root of unity is the first phase of its own sector, and must stay there when it is rounded. Zero of any
        # sign has the phase 0.
        sectors = torch.angle(z + 0) * (k / (2 * math.pi)) + 4 * k * torch.finfo(z.dtype).eps
        phases = torch.floor(sectors).double() * (2 * math.pi / k)
        return torch.polar(torch.ones_like(phases), phases).to(z.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        return torch.zeros_like(g), None


def mvn(z: Tensor, k: int | None = None) -> Tensor:
    """The multi-valued neuron's activation: the k-th root of unity at which the sector of z starts.

    e^{2 pi j q / k} where 2 pi q / k <= arg z < 2 pi (q + 1) / k (Aizenberg 1992; Jankowski 1996, the complex signum
    of a multistate network), with k = None the continuous z / |z|, which is :func:`signum`. The gradient of the
    discrete one is zero: such neurons learn by error correction. A phase short of a sector by a few units of rounding
    is in it.

    Example:
        >>> mvn(torch.tensor([1 + 1j, -3 - 1j]), k=3)
        tensor([ 1.0000+0.0000j, -0.5000+0.8660j])
    """
    require_complex(z, "mvn")
    if k is None:
        return signum(z)
    if k < 2:
        raise ValueError(f"k must be at least 2, or None, got {k}")
    root: Tensor = _Sectors.apply(z, k)
    return root


def trelu(z: Tensor) -> Tensor:
    """ReLU in the tangent space of scalings and rotations: max(|z|, 1) e^{j max(arg z, 0)} (Chakraborty 2019,
    eqs. 21 and 22).

    The lower half-plane goes to the positive half-line, the unit disk to its boundary, and zero to one; a negative
    number has the phase pi. The gradient of the phase grows as 1 / |z|, and is 0 at z = 0.

    Example:
        >>> trelu(torch.tensor([3j, -3j, 0.6 + 0.8j, 0j]))
        tensor([0.0000+3.0000j, 3.0000+0.0000j, 0.6000+0.8000j, 1.0000+0.0000j])
    """
    require_complex(z, "trelu")
    c, s = planes(signum(z))
    upper = (s >= 0) & (modulus(z.detach()) > smallest(z.dtype))
    r = modulus(z).clamp_min(1)
    return torch.complex(r * torch.where(upper, c, 1), r * torch.where(upper, s, 0))


def _rectified_phase(z: Tensor, scale: Tensor) -> Tensor:
    """|z| e^{j scale max(arg z, 0)}; a negative real z counts as having the phase pi."""
    phases = scale * torch.where(planes(z.detach())[1] >= 0, angle(z).abs(), 0)
    r = modulus(z)
    return torch.complex(r * torch.cos(phases), r * torch.sin(phases))


def gtrelu(z: Tensor, weight: Tensor, phase_scale: Tensor | None = None) -> Tensor:
    """Generalised tangent ReLU: |w z| e^{j s max(arg(w z), 0)} (Singhal 2022, GTReLU).

    The complex ``weight`` turns the half-plane that passes; the other one goes to the real half-line. Without
    ``phase_scale`` s is 1, else it is held within [1/2, 2]. Both broadcast against ``z``.

    Example:
        >>> gtrelu(torch.tensor([2j, -2j]), torch.tensor(1 + 0j))
        tensor([0.+2.j, 2.+0.j])
    """
    require_complex(z, "gtrelu")
    turned = weight * z
    if phase_scale is not None:
        return _rectified_phase(turned, phase_scale.clamp(0.5, 2))
    r = modulus(turned)
    x, y = planes(turned)
    return torch.complex(torch.where(y >= 0, x, r), y.clamp_min(0))


def equivariant_phase_relu(z: Tensor, phase_scale: Tensor) -> Tensor:
    """Phase-only tangent ReLU relative to the mean of the channels: |z| e^{j relu(s) max(t, 0)} m
    (Singhal 2022, the equivariant nonlinearity).

    m is the unit phasor of the mean over dimension 1 and t = arg(z conj(m)). Turning all channels by one phase turns
    m and so the output by it. Where the mean is zero so is the output. ``phase_scale`` is real and broadcasts.

    Example:
        >>> equivariant_phase_relu(torch.tensor([[4 + 1j, 4 - 1j]]), torch.tensor(1.0))
        tensor([[4.0000+1.j, 4.1231+0.j]])
    """
    require_complex(z, "equivariant_phase_relu")
    if z.ndim < 2:
        raise ValueError(f"equivariant_phase_relu expects channels in dimension 1, got shape {tuple(z.shape)}")
    direction = signum(z.mean(1, keepdim=True))
    return direction * _rectified_phase(z * direction.conj(), phase_scale.clamp_min(0))

"""Real functions of the modulus that keep the phase."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from complexnn.functional.activation._planes import polar_planes, smallest
from complexnn.functional.checks import require_complex


def polar(z: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """A real function of the modulus, with the phase kept: f(|z|) z / |z|.

    The function treats every number alike. Where f(0) = 0 the derivative at z = 0 is f'(0); for another f(0) the limit
    depends on the direction, and both the value and the gradient at z = 0 are taken as zero. Infinite parts count as
    half the largest number.

    Example:
        >>> polar(torch.tensor([3 + 4j, 0j]), torch.sqrt)
        tensor([1.3416+1.7889j, 0.0000+0.0000j])
    """
    require_complex(z, "polar")
    r, x, y = polar_planes(z)
    value = function(r)
    floor = smallest(z.dtype)
    # Up to the floor f(r) z/r stands for f'(0) z, which needs f(floor) to be of the floor's order.
    jump = (r <= floor) & (value.abs() > math.sqrt(floor))
    value = torch.where(jump, 0, value)
    return torch.complex(value * x, value * y)


def polar_tanh(z: Tensor, m: float = 1.0) -> Tensor:
    """Saturating amplitude: tanh(|z|/m) z / |z| (Hirose and Yoshida 2012, eq. 8), with the derivative 1/m at z = 0.

    Example:
        >>> polar_tanh(torch.tensor([3j]), m=2.0)
        tensor([0.+0.9051j])
    """
    if not m > 0:
        raise ValueError(f"m must be positive, got {m}")
    return polar(z, lambda r: torch.tanh(r / m))


def polar_squash(z: Tensor) -> Tensor:
    """|z|^2 / (1 + |z|^2) z / |z| (Hayakawa 2018, section III-C), with the derivative 0 at z = 0.

    Example:
        >>> polar_squash(torch.tensor([2j]))
        tensor([0.+0.8000j])
    """

    def squash(r: Tensor) -> Tensor:  # 1 + r^2 overflows, its root does not
        return (r / torch.hypot(r, torch.ones_like(r))).square()

    return polar(z, squash)


def polar_log(z: Tensor) -> Tensor:
    """Compressed amplitude: ln(1 + |z|) z / |z| (Hayakawa 2018, section III-C).

    Example:
        >>> polar_log(torch.tensor([2j]))
        tensor([0.+1.0986j])
    """
    return polar(z, torch.log1p)


def siglog(z: Tensor, c: float = 1.0, r: float = 1.0) -> Tensor:
    """z / (c + |z|/r): into the disk of radius r, with the derivative 1/c at z = 0 (Georgiou 1992, eq. 20).

    Example:
        >>> siglog(torch.tensor([3 + 4j]), r=2.0)
        tensor([0.8571+1.1429j])
    """
    if not (c > 0 and r > 0):
        raise ValueError(f"c and r must be positive, got c={c} and r={r}")
    return polar(z, lambda modulus: r * (modulus / (r * c + modulus)))

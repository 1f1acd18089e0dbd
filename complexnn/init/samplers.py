"""Distributions of a given second moment."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from complexnn.functional.checks import require_complex


def normal_(tensor: Tensor, std: float, generator: torch.Generator | None = None) -> Tensor:
    """Fill with circular complex normal numbers of E|w|^2 = std^2; a real tensor with normal ones of E w^2 = std^2.

    Example:
        >>> w = normal_(torch.empty(300, 200, dtype=torch.complex64), std=2.0)
        >>> round(float(w.abs().square().mean()))
        4
    """
    with torch.no_grad():
        return tensor.normal_(0, std, generator=generator)


def uniform_(tensor: Tensor, std: float, generator: torch.Generator | None = None) -> Tensor:
    """Fill with independent uniform parts so that E|w|^2 = std^2: both lie within std sqrt(3/2).

    A real tensor is filled uniformly with E w^2 = std^2.

    Example:
        >>> w = uniform_(torch.empty(300, 200, dtype=torch.complex64), std=2.0)
        >>> round(float(w.abs().square().mean()))
        4
    """
    bound = std * math.sqrt(1.5 if tensor.is_complex() else 3.0)
    with torch.no_grad():
        return tensor.uniform_(-bound, bound, generator=generator)


def _fraction(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    """Uniform numbers in [0, 1) of the real twin dtype of ``tensor``."""
    return torch.empty(tensor.shape, dtype=tensor.dtype.to_real(), device=tensor.device).uniform_(generator=generator)


def _isotropic_(tensor: Tensor, power: Tensor, std: float, generator: torch.Generator | None) -> Tensor:
    """Fill with numbers of squared modulus std^2 ``power`` and of uniform phase."""
    phase = _fraction(tensor, generator).mul_(2 * math.pi)
    return tensor.copy_(torch.polar(power.sqrt_().mul_(std), phase))


def uniform_disk_(tensor: Tensor, std: float, generator: torch.Generator | None = None) -> Tensor:
    """Fill uniformly from the disk of radius std sqrt(2), so that E|w|^2 = std^2 and every phase is as likely.

    Raises:
        TypeError: the tensor is not complex.

    Example:
        >>> w = uniform_disk_(torch.empty(300, 200, dtype=torch.complex64), std=2.0)
        >>> round(float(w.abs().square().mean())), float(w.abs().max()) < 2.83
        (4, True)
    """
    require_complex(tensor, "uniform_disk_")
    with torch.no_grad():
        return _isotropic_(tensor, _fraction(tensor, generator).mul_(2), std, generator)


def truncated_rayleigh_(
    tensor: Tensor, std: float, cutoff: float = 2.0, generator: torch.Generator | None = None
) -> Tensor:
    """Fill with circular complex normal numbers without those of large modulus, so that E|w|^2 = std^2.

    Before it is scaled to ``std`` the modulus has the Rayleigh law of E|w|^2 = 1, given that it is below ``cutoff``:
    a complex normal law truncated to a disk, as in JAX's ``variance_scaling``. ``math.inf`` truncates nothing.

    Raises:
        TypeError: the tensor is not complex.
        ValueError: ``cutoff`` is not positive.

    Example:
        >>> w = truncated_rayleigh_(torch.empty(300, 200, dtype=torch.complex64), std=2.0)
        >>> round(float(w.abs().square().mean())), float(w.abs().max()) < 4.16
        (4, True)
    """
    require_complex(tensor, "truncated_rayleigh_")
    if not cutoff > 0:
        raise ValueError(f"cutoff must be positive, got {cutoff}")
    # |w|^2 has the law of Exp(1) below c^2, of mass 1 - exp(-c^2) and mean 1 - c^2 / (exp(c^2) - 1).
    # What lies beyond 26 is below any float; below 1e-4 the law is uniform on the disk, whatever the cutoff.
    limit = min(max(cutoff, 1e-4), 26.0) ** 2
    mass = -math.expm1(-limit)
    mean = 1 - limit * math.exp(-limit) / mass
    with torch.no_grad():
        power = _fraction(tensor, generator).mul_(-mass).log1p_().neg_()
        return _isotropic_(tensor, power, std / math.sqrt(mean), generator)

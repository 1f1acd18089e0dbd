"""Random zeros and random phases while training."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from complexnn.functional.checks import require_complex


def _drop(z: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    """Multiply both parts by one mask of 0 and 1 / (1 - p)."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 0 or not training:
        return z
    kept = z.detach().real.new_empty(shape).bernoulli_(1 - p).div_(1 - p if p < 1 else 1)
    mask = torch.view_as_real(torch.complex(kept, kept))  # on a CPU faster than a mask that is broadcast over parts
    if inplace:
        # A conjugate view has no real view; its mask is the same.
        torch.view_as_real(z.conj() if z.is_conj() else z).mul_(mask)
        return z
    return torch.view_as_complex(torch.view_as_real(z.resolve_conj()) * mask)


def dropout(z: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability ``p``, divide the others by 1 - p. See :class:`complexnn.Dropout`."""
    require_complex(z, "dropout")
    return _drop(z, p, training, inplace, tuple(z.shape))


def _drop_channels(z: Tensor, dims: int, p: float, training: bool, inplace: bool) -> Tensor:
    name = f"dropout{dims}d"
    require_complex(z, name)
    if z.ndim not in (dims + 1, dims + 2):
        raise ValueError(f"{name} expects {dims + 1} or {dims + 2} dimensions, got shape {tuple(z.shape)}")
    return _drop(z, p, training, inplace, (*z.shape[:-dims], *[1] * dims))


def dropout1d(z: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of ``(N, C, L)`` or ``(C, L)``. See :class:`complexnn.Dropout1d`."""
    return _drop_channels(z, 1, p, training, inplace)


def dropout2d(z: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of ``(N, C, H, W)`` or ``(C, H, W)``. See :class:`complexnn.Dropout2d`."""
    return _drop_channels(z, 2, p, training, inplace)


def dropout3d(z: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)``. See :class:`complexnn.Dropout3d`."""
    return _drop_channels(z, 3, p, training, inplace)


def phase_noise(z: Tensor, std: float, training: bool = True) -> Tensor:
    """z e^{jt} with t normal of standard deviation ``std``. See :class:`complexnn.PhaseNoise`."""
    require_complex(z, "phase_noise")
    if not 0 <= std < math.inf:
        raise ValueError(f"phase_noise expects a finite standard deviation of at least 0, got {std}")
    if std == 0 or not training:
        return z
    angle = z.detach().real.new_empty(z.shape).normal_(0, std)
    return z * torch.complex(angle.cos(), angle.sin())

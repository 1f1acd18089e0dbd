"""Interpolation of complex planes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.activation.phase import modulus
from complexnn.functional.cast import by_part
from complexnn.functional.checks import require_complex


def interpolate(
    z: Tensor,
    size: int | tuple[int, ...] | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
    form: str = "split",
) -> Tensor:
    """Resample ``(N, C, *)`` to another size: :func:`torch.nn.functional.interpolate` for complex planes.

    ``form="split"`` interpolates both parts, I(x) + j I(y) = I(z); ``form="polar"`` keeps that phase and interpolates
    the modulus: I(\\|z\\|) I(z) / \\|I(z)\\|. See :class:`complexnn.Upsample`.
    """
    require_complex(z, "interpolate")

    def resample(x: Tensor) -> Tensor:
        return F.interpolate(x, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)

    mean = by_part(resample, z)
    if form == "split":
        return mean
    if form != "polar":
        raise ValueError(f"form must be 'split' or 'polar', got {form!r}")
    # A cubic may undershoot zero; a modulus may not.
    length = modulus(mean)
    length = length.masked_fill(length < torch.finfo(length.dtype).tiny, torch.inf)
    scale = resample(modulus(z)).clamp(min=0) / length
    return torch.view_as_complex(torch.view_as_real(mean) * scale.unsqueeze(-1))

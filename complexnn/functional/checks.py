"""What a wrong input is told: what was expected, what came."""

from __future__ import annotations

import torch
from torch import Tensor


def require_complex(z: Tensor, name: str) -> None:
    """Raise TypeError unless ``z`` is a complex tensor."""
    if not z.is_complex():
        raise TypeError(
            f"{name} expects a complex tensor, got {z.dtype}: convert it with z.to(torch.complex64) or torch.complex"
        )


def complex_dtype(dtype: torch.dtype | None) -> torch.dtype:
    """The dtype of a layer's complex parameters: ``dtype``, or the complex twin of torch's default dtype."""
    if dtype is None:
        return torch.get_default_dtype().to_complex()
    if not dtype.is_complex:
        raise TypeError(f"a complex layer expects a complex dtype, such as torch.complex64, got {dtype}")
    return dtype


def real_dtype(dtype: torch.dtype | None) -> torch.dtype:
    """The dtype of a layer's real parameters: ``dtype`` or its real twin; by default torch's default dtype."""
    if dtype is None:
        return torch.get_default_dtype()
    if not (dtype.is_complex or dtype.is_floating_point):
        raise TypeError(f"expected a complex or a floating dtype, got {dtype}")
    return dtype.to_real()

"""What a wrong input is told: what was expected, what came."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def kind(value: Any) -> str:
    """What a wrong input is: a tensor's dtype, or the name of another type."""
    return str(value.dtype) if isinstance(value, Tensor) else type(value).__name__


def require_complex(z: Tensor, name: str) -> None:
    """Raise TypeError unless ``z`` is a complex tensor."""
    if not (isinstance(z, Tensor) and z.is_complex()):
        raise TypeError(
            f"{name} expects a complex tensor, got {kind(z)}: convert it with z.to(torch.complex64) or torch.complex"
        )


def complex_dtype(dtype: torch.dtype | None) -> torch.dtype:
    """The dtype of a layer's complex parameters: ``dtype``, or the complex twin of torch's default dtype."""
    if dtype is None:
        return torch.get_default_dtype().to_complex()
    if not (isinstance(dtype, torch.dtype) and dtype.is_complex):
        raise TypeError(f"a complex layer expects a complex dtype, such as torch.complex64, got {dtype!r}")
    return dtype


def real_dtype(dtype: torch.dtype | None) -> torch.dtype:
    """The dtype of a layer's real parameters: ``dtype`` or its real twin; by default torch's default dtype."""
    if dtype is None:
        return torch.get_default_dtype()
    if not (isinstance(dtype, torch.dtype) and (dtype.is_complex or dtype.is_floating_point)):
        raise TypeError(f"expected a complex or a floating dtype, got {dtype!r}")
    return dtype.to_real()

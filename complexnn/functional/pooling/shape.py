"""Sizes of windows and planes."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from complexnn.functional.checks import require_complex

Size = int | tuple[int, ...]
SizeOrSame = int | tuple[int | None, ...] | None  # None keeps the input's size

_AXES = {1: "L", 2: "H, W", 3: "D, H, W"}


def expand(value: int | Iterable[int], dims: int, name: str) -> tuple[int, ...]:
    """One number for every spatial dimension, or one for each."""
    sizes = (value,) if isinstance(value, int) else tuple(value)
    if len(sizes) == 1:
        sizes *= dims
    if len(sizes) != dims:
        raise ValueError(f"{name} expects one number or {dims}, got {value}")
    return sizes


def require_planes(z: Tensor, dims: int, name: str) -> None:
    """Raise unless ``z`` is complex, with ``dims`` spatial dimensions after its channels."""
    require_complex(z, name)
    if z.ndim not in (dims + 1, dims + 2):
        raise ValueError(
            f"{name} expects shape (N, C, {_AXES[dims]}) or (C, {_AXES[dims]}), got shape {tuple(z.shape)}"
        )

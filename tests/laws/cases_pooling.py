"""Pooling and resampling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import complexnn
from tests.laws.case import Case

SHAPES = {1: (2, 3, 8), 2: (2, 3, 4, 6), 3: (2, 2, 2, 4, 4)}


def plain(kind: Callable[..., nn.Module], *arguments: Any, **options: Any) -> Callable[..., nn.Module]:
    """A module without parameters is the same on every device and in every dtype."""
    return lambda device=None, dtype=None: kind(*arguments, **options)


def equivariant(name: str, dims: int, kind: Callable[..., nn.Module], *arguments: Any, **options: Any) -> Case:
    """All of these commute with phase and conjugation."""
    return Case(name, plain(kind, *arguments, **options), SHAPES[dims], phase=True, conjugation=True)


def unpooled(dims: int) -> Case:
    """Distinct indices: one element to a window of two."""
    shape = (2, 3, *(2, 3, 2)[:dims])

    def inputs(dtype: torch.dtype) -> tuple[Tensor, ...]:
        doubled = [2 * n for n in shape[2:]]
        axes = [2 * torch.arange(n) for n in shape[2:]]
        flat = torch.zeros(shape[2:], dtype=torch.long)
        for index, size in zip(torch.meshgrid(*axes, indexing="ij"), doubled, strict=True):
            flat = flat * size + index
        return torch.randn(shape, dtype=dtype), flat.expand(shape).contiguous()

    kind = (complexnn.MaxUnpool1d, complexnn.MaxUnpool2d, complexnn.MaxUnpool3d)[dims - 1]
    return Case(f"MaxUnpool{dims}d", plain(kind, 2), shape, phase=True, conjugation=True, inputs=inputs)


CASES: list[Case] = [
    equivariant("AvgPool1d", 1, complexnn.AvgPool1d, 2),
    equivariant("AvgPool1d-padded", 1, complexnn.AvgPool1d, 3, 2, 1, ceil_mode=True, count_include_pad=False),
    equivariant("AvgPool2d", 2, complexnn.AvgPool2d, 2),
    equivariant("AvgPool2d-override", 2, complexnn.AvgPool2d, (2, 3), 1, divisor_override=5),
    equivariant("AvgPool3d", 3, complexnn.AvgPool3d, 2),
    equivariant("AdaptiveAvgPool1d", 1, complexnn.AdaptiveAvgPool1d, 3),
    equivariant("AdaptiveAvgPool2d", 2, complexnn.AdaptiveAvgPool2d, (3, 2)),
    equivariant("AdaptiveAvgPool3d", 3, complexnn.AdaptiveAvgPool3d, (1, 3, 2)),
    equivariant("MaxPool1d", 1, complexnn.MaxPool1d, 2),
    equivariant("MaxPool1d-indices", 1, complexnn.MaxPool1d, 3, 2, 1, return_indices=True, ceil_mode=True),
    equivariant("MaxPool2d", 2, complexnn.MaxPool2d, 2),
    equivariant("MaxPool2d-dilated", 2, complexnn.MaxPool2d, 2, 1, 1, 2),
    equivariant("MaxPool3d", 3, complexnn.MaxPool3d, 2),
    equivariant("AdaptiveMaxPool1d", 1, complexnn.AdaptiveMaxPool1d, 3),
    equivariant("AdaptiveMaxPool2d", 2, complexnn.AdaptiveMaxPool2d, (3, 2), return_indices=True),
    equivariant("AdaptiveMaxPool3d", 3, complexnn.AdaptiveMaxPool3d, (1, 3, 2)),
    *(unpooled(dims) for dims in (1, 2, 3)),
    equivariant("LPPool1d", 1, complexnn.LPPool1d, 2, 2),
    equivariant("LPPool1d-sum", 1, complexnn.LPPool1d, 1, 3, 1),
    equivariant("LPPool1d-max", 1, complexnn.LPPool1d, math.inf, 3, ceil_mode=True),
    equivariant("LPPool2d", 2, complexnn.LPPool2d, 1.5, 2),
    equivariant("LPPool3d", 3, complexnn.LPPool3d, 3, 2),
    equivariant("SpectralPool1d", 1, complexnn.SpectralPool1d, 4),
    equivariant("SpectralPool2d", 2, complexnn.SpectralPool2d, (3, 2), norm="forward"),
    equivariant("SpectralPool3d", 3, complexnn.SpectralPool3d, output_ratio=0.5),
    equivariant("Upsample", 1, complexnn.Upsample, scale_factor=2),
    equivariant("Upsample-linear", 1, complexnn.Upsample, 11, mode="linear", align_corners=True),
    equivariant("Upsample-bicubic", 2, complexnn.Upsample, scale_factor=2, mode="bicubic"),
    equivariant("Upsample-polar", 2, complexnn.Upsample, scale_factor=(2.0, 1.5), mode="bilinear", form="polar"),
    equivariant("Upsample-volume", 3, complexnn.Upsample, (3, 5, 4), mode="trilinear", form="polar"),
]

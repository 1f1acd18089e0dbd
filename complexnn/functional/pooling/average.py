"""Average pooling: the mean of each window, a real pooling of the real and of the imaginary part."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.cast import by_part
from complexnn.functional.pooling.shape import Size, SizeOrSame, require_planes


def avg_pool1d(
    z: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Mean of each window of ``(N, C, L)`` or ``(C, L)``. See :class:`complexnn.AvgPool1d`."""
    require_planes(z, 1, "avg_pool1d")
    step = kernel_size if stride is None else stride
    return by_part(lambda x: F.avg_pool1d(x, kernel_size, step, padding, ceil_mode, count_include_pad), z)


def avg_pool2d(
    z: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of each window of ``(N, C, H, W)`` or ``(C, H, W)``. See :class:`complexnn.AvgPool2d`."""
    require_planes(z, 2, "avg_pool2d")
    return by_part(
        lambda x: F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override), z
    )


def avg_pool3d(
    z: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of each window of ``(N, C, D, H, W)`` or ``(C, D, H, W)``. See :class:`complexnn.AvgPool3d`."""
    require_planes(z, 3, "avg_pool3d")
    return by_part(
        lambda x: F.avg_pool3d(x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override), z
    )


def adaptive_avg_pool1d(z: Tensor, output_size: Size) -> Tensor:
    """Mean of each of ``output_size`` windows. See :class:`complexnn.AdaptiveAvgPool1d`."""
    require_planes(z, 1, "adaptive_avg_pool1d")
    return by_part(lambda x: F.adaptive_avg_pool1d(x, output_size), z)


def adaptive_avg_pool2d(z: Tensor, output_size: SizeOrSame) -> Tensor:
    """Mean of each of ``output_size`` windows. See :class:`complexnn.AdaptiveAvgPool2d`."""
    require_planes(z, 2, "adaptive_avg_pool2d")
    return by_part(lambda x: F.adaptive_avg_pool2d(x, output_size), z)  # type: ignore[arg-type]


def adaptive_avg_pool3d(z: Tensor, output_size: SizeOrSame) -> Tensor:
    """Mean of each of ``output_size`` windows. See :class:`complexnn.AdaptiveAvgPool3d`."""
    require_planes(z, 3, "adaptive_avg_pool3d")
    return by_part(lambda x: F.adaptive_avg_pool3d(x, output_size), z)  # type: ignore[arg-type]

"""Average pooling: the mean of each window, a real pooling of the real and of the imaginary part."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.cast import by_part
from complexnn.functional.pooling.shape import Size, SizeOrSame, expand, require_planes

_FEW = 64  # numbers in a window that are added up faster one by one


def _pool(
    z: Tensor,
    n: int,
    kernel_size: Size,
    stride: Size,
    padding: Size,
    ceil_mode: bool,
    divisor: int | None,
    average: Callable[[Tensor], Tensor],
) -> Tensor:
    """``average`` of each part; but windows that lie side by side, and are not large, are added up as complex ones.

    The sum of n strided views is vectorised on a CPU, and torch's real pooling is not.
    """
    kernel = expand(kernel_size, n, "kernel_size")
    side_by_side = (
        kernel == expand(stride, n, "stride")
        and min(kernel) > 0
        and not any(expand(padding, n, "padding"))
        and not ceil_mode
    )
    fits = all(k <= size for k, size in zip(kernel, z.shape[-n:], strict=True))
    if not (z.is_cpu and side_by_side and fits and math.prod(kernel) <= _FEW) or divisor == 0:
        return by_part(average, z)
    for dim, k in enumerate(kernel, z.ndim - n):
        windows = z.narrow(dim, 0, z.shape[dim] // k * k).unflatten(dim, (-1, k)).unbind(dim + 1)
        z = functools.reduce(torch.add, windows)
    return z / (divisor or math.prod(kernel))


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
    return _pool(
        z, 1, kernel_size, step, padding, ceil_mode, None,
        lambda x: F.avg_pool1d(x, kernel_size, step, padding, ceil_mode, count_include_pad),
    )  # fmt: skip


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
    step = kernel_size if stride is None else stride
    return _pool(
        z, 2, kernel_size, step, padding, ceil_mode, divisor_override,
        lambda x: F.avg_pool2d(x, kernel_size, step, padding, ceil_mode, count_include_pad, divisor_override),
    )  # fmt: skip


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
    step = kernel_size if stride is None else stride
    return _pool(
        z, 3, kernel_size, step, padding, ceil_mode, divisor_override,
        lambda x: F.avg_pool3d(x, kernel_size, step, padding, ceil_mode, count_include_pad, divisor_override),
    )  # fmt: skip


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

"""Power-average pooling."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.activation.phase import modulus, signum
from complexnn.functional.pooling.max import max_pool1d, max_pool2d, max_pool3d
from complexnn.functional.pooling.shape import Size, expand, require_planes


def _windows(z: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], ceil_mode: bool, name: str) -> Tensor:
    """Every window, flat, as a first dimension; one that the edge cuts (ceil_mode) is filled up with zeros."""
    dims = len(kernel)
    base = z.ndim - dims
    missing: list[int] = []
    for length, k, s in zip(z.shape[base:], kernel, stride, strict=True):
        last = -((k - length) // s) if ceil_mode else (length - k) // s
        if last < 0:
            raise ValueError(f"{name} expects a kernel no longer than the input, got {k} over a length of {length}")
        last -= last * s >= length  # as in torch, no window starts behind the edge
        missing = [0, max(0, last * s + k - length), *missing]  # F.pad counts from the last dimension
    if any(missing):
        z = F.pad(z, missing)
    for i, (k, s) in enumerate(zip(kernel, stride, strict=True)):
        z = z.unfold(base + i, k, s)
    return z.movedim(tuple(range(-dims, 0)), tuple(range(dims))).flatten(0, dims - 1)


def _power_sum(windows: Tensor, p: float) -> Tensor:
    """phi^-1(sum phi(z)) over the first dimension, phi(z) = |z|^(p-1) z."""
    # In units of the window's largest modulus, so that no power over- or underflows. The result is homogeneous in z:
    # the unit cancels from its derivatives too.
    unit = windows.detach().abs().amax(0)
    unit = unit.masked_fill(unit == 0, 1)
    real, imag = (part / unit for part in torch.view_as_real(windows.resolve_conj()).unbind(-1))
    if p > 1:
        size = modulus(torch.complex(real, imag))
        zero = size == 0
        weight = size.masked_fill(zero, 1).pow(p - 1).masked_fill(zero, 0)
        real, imag = real * weight, imag * weight
    total = torch.complex(real.sum(0), imag.sum(0))
    size = modulus(total)
    # Where the sum cancels, the root has no derivative; as in torch it is taken as zero.
    zero = size < torch.finfo(size.dtype).tiny
    root = size.masked_fill(zero, 1).pow(1 / p) * unit
    return signum(total) * root


def _lp_pool(
    z: Tensor,
    dims: int,
    norm_type: float,
    kernel_size: Size,
    stride: Size | None,
    ceil_mode: bool,
) -> Tensor:
    name = f"lp_pool{dims}d"
    require_planes(z, dims, name)
    if not norm_type >= 1:
        raise ValueError(f"{name} expects a norm_type of at least 1, got {norm_type}")
    if norm_type == math.inf:
        pool = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}[dims]
        return cast(Tensor, pool(z, kernel_size, stride, 0, 1, ceil_mode))
    kernel = expand(kernel_size, dims, "kernel_size")
    step = kernel if stride is None else expand(stride, dims, "stride")
    if min(*kernel, *step) < 1:
        raise ValueError(f"{name} expects kernel_size and stride of at least 1, got {kernel} and {step}")
    return _power_sum(_windows(z, kernel, step, ceil_mode, name), norm_type)


def lp_pool1d(
    z: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """Power-average of each window of ``(N, C, L)`` or ``(C, L)``. See :class:`complexnn.LPPool1d`."""
    return _lp_pool(z, 1, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    z: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """Power-average of each window of ``(N, C, H, W)`` or ``(C, H, W)``. See :class:`complexnn.LPPool2d`."""
    return _lp_pool(z, 2, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    z: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """Power-average of each window of ``(N, C, D, H, W)`` or ``(C, D, H, W)``. See :class:`complexnn.LPPool3d`."""
    return _lp_pool(z, 3, norm_type, kernel_size, stride, ceil_mode)

"""Max pooling by modulus: each window keeps its element of largest |z|, phase and all."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.pooling.shape import Size, SizeOrSame, expand, require_planes

Pooled = Tensor | tuple[Tensor, Tensor]


def _take(z: Tensor, indices: Tensor, dims: int, return_indices: bool) -> Pooled:
    """The elements of ``z`` at the flat ``indices`` of each plane."""
    values = z.flatten(-dims).gather(-1, indices.flatten(-dims)).view(indices.shape)
    return (values, indices) if return_indices else values


def _max_pool(
    z: Tensor,
    dims: int,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
    return_indices: bool,
) -> Pooled:
    require_planes(z, dims, f"max_pool{dims}d")
    kernel = expand(kernel_size, dims, "kernel_size")
    steps = kernel if stride is None else expand(stride, dims, "stride")
    pads, gaps = expand(padding, dims, "padding"), expand(dilation, dims, "dilation")
    pool = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[dims]
    # The gradient belongs to the elements kept, not to the moduli that chose them.
    _, indices = pool(z.detach().abs(), kernel, steps, pads, gaps, ceil_mode, return_indices=True)
    for axis in range(dims):
        _require_elements(
            z.shape[axis - dims], indices.shape[axis - dims], kernel[axis], steps[axis], pads[axis], gaps[axis]
        )
    return _take(z, indices, dims, return_indices)


def _require_elements(length: int, count: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    """Raise where a window holds padding alone: torch's real pooling gives -inf there, and an index of nothing."""
    if padding and dilation > length:  # otherwise no window can step over the whole input
        starts = range(-padding, count * stride - padding, stride)
        if not all(any(0 <= start + i * dilation < length for i in range(kernel)) for start in starts):
            raise ValueError(
                f"max pooling expects an element in every window, got one of padding alone: length {length}, "
                f"kernel_size {kernel}, padding {padding}, dilation {dilation}"
            )


def max_pool1d(
    z: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Element of largest \\|z\\| in each window of ``(N, C, L)`` or ``(C, L)``. See :class:`complexnn.MaxPool1d`."""
    return _max_pool(z, 1, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    z: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Element of largest \\|z\\| in each window of ``(N, C, H, W)`` or ``(C, H, W)``. See
    :class:`complexnn.MaxPool2d`."""
    return _max_pool(z, 2, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    z: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Element of largest \\|z\\| in each window of ``(N, C, D, H, W)`` or ``(C, D, H, W)``. See
    :class:`complexnn.MaxPool3d`."""
    return _max_pool(z, 3, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def adaptive_max_pool1d(z: Tensor, output_size: Size, return_indices: bool = False) -> Pooled:
    """Element of largest \\|z\\| in each of ``output_size`` windows. See :class:`complexnn.AdaptiveMaxPool1d`."""
    require_planes(z, 1, "adaptive_max_pool1d")
    _, indices = F.adaptive_max_pool1d(z.detach().abs(), output_size, return_indices=True)
    return _take(z, indices, 1, return_indices)


def adaptive_max_pool2d(z: Tensor, output_size: SizeOrSame, return_indices: bool = False) -> Pooled:
    """Element of largest \\|z\\| in each of ``output_size`` windows. See :class:`complexnn.AdaptiveMaxPool2d`."""
    require_planes(z, 2, "adaptive_max_pool2d")
    _, indices = F.adaptive_max_pool2d(z.detach().abs(), output_size, return_indices=True)  # type: ignore[call-overload]
    return _take(z, indices, 2, return_indices)


def adaptive_max_pool3d(z: Tensor, output_size: SizeOrSame, return_indices: bool = False) -> Pooled:
    """Element of largest \\|z\\| in each of ``output_size`` windows. See :class:`complexnn.AdaptiveMaxPool3d`."""
    require_planes(z, 3, "adaptive_max_pool3d")
    _, indices = F.adaptive_max_pool3d(z.detach().abs(), output_size, return_indices=True)  # type: ignore[call-overload]
    return _take(z, indices, 3, return_indices)


def _max_unpool(
    z: Tensor,
    dims: int,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: list[int] | None,
) -> Tensor:
    name = f"max_unpool{dims}d"
    require_planes(z, dims, name)
    if indices.shape != z.shape:
        raise ValueError(f"{name} expects indices of the input's shape {tuple(z.shape)}, got {tuple(indices.shape)}")
    kernel = expand(kernel_size, dims, "kernel_size")
    steps = expand(kernel if stride is None else stride, dims, "stride")
    pads = expand(padding, dims, "padding")
    plain = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(z.shape[-dims:], steps, kernel, pads, strict=True)]
    size = plain if output_size is None else list(output_size)
    if len(size) == z.ndim:
        size = size[-dims:]
    if len(size) != dims or any(not p - s < n < p + s for n, p, s in zip(size, plain, steps, strict=True)):
        raise ValueError(
            f"{name} expects an output_size that pools to the input's: within less than the stride {steps} of "
            f"{tuple(plain)}, got {output_size}"
        )
    flat = z.new_zeros((*z.shape[:-dims], math.prod(size)))
    return flat.scatter(-1, indices.flatten(-dims), z.flatten(-dims)).unflatten(-1, size)


def max_unpool1d(
    z: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: list[int] | None = None,
) -> Tensor:
    """Put each element back where :func:`max_pool1d` took it from, among zeros. See :class:`complexnn.MaxUnpool1d`."""
    return _max_unpool(z, 1, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    z: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: list[int] | None = None,
) -> Tensor:
    """Put each element back where :func:`max_pool2d` took it from, among zeros. See :class:`complexnn.MaxUnpool2d`."""
    return _max_unpool(z, 2, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    z: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: list[int] | None = None,
) -> Tensor:
    """Put each element back where :func:`max_pool3d` took it from, among zeros. See :class:`complexnn.MaxUnpool3d`."""
    return _max_unpool(z, 3, indices, kernel_size, stride, padding, output_size)

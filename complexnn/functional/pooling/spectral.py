"""Spectral pooling: keep the low frequencies of the discrete Fourier transform."""

from __future__ import annotations

from operator import index

import torch
from torch import Tensor

from complexnn.functional.pooling.shape import require_planes

Size = int | tuple[int | None, ...]


def _low(spectrum: Tensor, dim: int, size: int) -> Tensor:
    """The ``size`` lowest frequencies along ``dim``, in the order of the transform of that size."""
    length = spectrum.shape[dim]
    if size == length:
        return spectrum
    half = size // 2
    positive = spectrum.narrow(dim, 0, (size + 1) // 2)
    negative = spectrum.narrow(dim, length - (size - 1) // 2, (size - 1) // 2)
    if size % 2:
        return torch.cat((positive, negative), dim)
    # An even output has one frequency for +size/2 and -size/2. Their mean keeps a real plane real, which is what the
    # corner cases of Rippel's algorithm 1 are for, and lets the pooling commute with conjugation.
    edge = (spectrum.narrow(dim, half, 1) + spectrum.narrow(dim, length - half, 1)) / 2
    return torch.cat((positive, edge, negative), dim)


def _sizes(
    z: Tensor, dims: int, output_size: Size | None, output_ratio: float | tuple[float, ...] | None, name: str
) -> tuple[int, ...]:
    """What is left of each dimension."""
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{name} expects either output_size or output_ratio, got {output_size} and {output_ratio}")
    given = output_size if output_ratio is None else output_ratio
    each = given if isinstance(given, tuple | list) else (given,) * dims
    if len(each) != dims:
        raise ValueError(f"{name} expects one number or {dims}, got {given}")
    lengths = z.shape[-dims:]
    if output_ratio is not None:
        sizes = tuple(int(length * ratio) for length, ratio in zip(lengths, each, strict=True))  # type: ignore[operator]
    else:
        sizes = tuple(length if size is None else index(size) for length, size in zip(lengths, each, strict=True))  # type: ignore[arg-type]
    if not all(1 <= size <= length for size, length in zip(sizes, lengths, strict=True)):
        raise ValueError(f"{name} expects output sizes from 1 to the input's {tuple(lengths)}, got {sizes}")
    return sizes


def _spectral_pool(
    z: Tensor, dims: int, output_size: Size | None, output_ratio: float | tuple[float, ...] | None, norm: str
) -> Tensor:
    name = f"spectral_pool{dims}d"
    require_planes(z, dims, name)
    sizes = _sizes(z, dims, output_size, output_ratio, name)
    axes = tuple(range(-dims, 0))
    spectrum = torch.fft.fftn(z, dim=axes, norm=norm) if z.numel() else z  # of nothing there is no FFT
    for axis, size in zip(axes, sizes, strict=True):
        spectrum = _low(spectrum, axis, size)
    return torch.fft.ifftn(spectrum, dim=axes, norm=norm) if z.numel() else spectrum


def spectral_pool1d(
    z: Tensor,
    output_size: int | tuple[int | None] | None = None,
    output_ratio: float | tuple[float] | None = None,
    norm: str = "ortho",
) -> Tensor:
    """Low frequencies of ``(N, C, L)`` or ``(C, L)``. See :class:`complexnn.SpectralPool1d`."""
    return _spectral_pool(z, 1, output_size, output_ratio, norm)


def spectral_pool2d(
    z: Tensor,
    output_size: int | tuple[int | None, int | None] | None = None,
    output_ratio: float | tuple[float, float] | None = None,
    norm: str = "ortho",
) -> Tensor:
    """Low frequencies of ``(N, C, H, W)`` or ``(C, H, W)``. See :class:`complexnn.SpectralPool2d`."""
    return _spectral_pool(z, 2, output_size, output_ratio, norm)


def spectral_pool3d(
    z: Tensor,
    output_size: int | tuple[int | None, int | None, int | None] | None = None,
    output_ratio: float | tuple[float, float, float] | None = None,
    norm: str = "ortho",
) -> Tensor:
    """Low frequencies of ``(N, C, D, H, W)`` or ``(C, D, H, W)``. See :class:`complexnn.SpectralPool3d`."""
    return _spectral_pool(z, 3, output_size, output_ratio, norm)

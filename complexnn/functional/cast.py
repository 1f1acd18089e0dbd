"""Complex tensors as real ones, and back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from complexnn.functional.activation.phase import angle, modulus
from complexnn.functional.checks import kind, require_complex


def _require_real(x: Tensor, name: str) -> None:
    if not (isinstance(x, Tensor) and x.is_floating_point()):
        raise TypeError(f"{name} expects a real floating tensor, got {kind(x)}")


def _axis(x: Tensor, dim: int, name: str) -> int:
    """``dim``, counted from the front."""
    if not -x.ndim <= dim < x.ndim:
        raise IndexError(f"{name} expects one of {x.ndim} dimensions, got dim={dim} for shape {tuple(x.shape)}")
    return dim % x.ndim


def as_real(z: Tensor) -> Tensor:
    """Both parts in a last dimension of two: a view, of which an empty one, strided, would not go back."""
    return torch.view_as_real(z.resolve_conj()) if z.numel() else torch.stack((z.real, z.imag), -1)


def by_part(function: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """f(x) + j f(y) for a real linear map of batches, called once on both parts as one batch of twice the size."""
    planes = as_real(z).movedim(-1, 0)
    real, imag = function(planes.flatten(0, 1)).unflatten(0, planes.shape[:2]).unbind(0)
    return torch.complex(real, imag)


def interleaved_to_complex(x: Tensor, dim: int = -1) -> Tensor:
    """z_i = x_{2i} + j x_{2i+1} along ``dim``. See :class:`complexnn.InterleavedToComplex`."""
    _require_real(x, "interleaved_to_complex")
    after = _axis(x, dim, "interleaved_to_complex") + 1
    if x.shape[dim] % 2:
        raise ValueError(f"interleaved_to_complex expects an even size, got {x.shape[dim]} in dimension {dim}")
    real, imag = x.unflatten(dim, (-1, 2)).unbind(after)
    return torch.complex(real, imag)


def complex_to_interleaved(z: Tensor, dim: int = -1) -> Tensor:
    """x_{2i} = Re z_i, x_{2i+1} = Im z_i along ``dim``. See :class:`complexnn.ComplexToInterleaved`."""
    require_complex(z, "complex_to_interleaved")
    dim = _axis(z, dim, "complex_to_interleaved")
    return torch.stack((z.real, z.imag), dim + 1).flatten(dim, dim + 1)


def concatenated_to_complex(x: Tensor, dim: int = -1) -> Tensor:
    """z = x_first half + j x_second half along ``dim``. See :class:`complexnn.ConcatenatedToComplex`."""
    _require_real(x, "concatenated_to_complex")
    _axis(x, dim, "concatenated_to_complex")
    if x.shape[dim] % 2:
        raise ValueError(f"concatenated_to_complex expects an even size, got {x.shape[dim]} in dimension {dim}")
    return torch.complex(*x.chunk(2, dim))


def complex_to_concatenated(z: Tensor, dim: int = -1) -> Tensor:
    """Re z, and after it Im z, along ``dim``. See :class:`complexnn.ComplexToConcatenated`."""
    require_complex(z, "complex_to_concatenated")
    _axis(z, dim, "complex_to_concatenated")
    return torch.cat((z.real, z.imag), dim)


def polar_to_complex(modulus: Tensor, phase: Tensor) -> Tensor:
    """modulus (cos phase + j sin phase). See :class:`complexnn.PolarToComplex`."""
    _require_real(modulus, "polar_to_complex")
    _require_real(phase, "polar_to_complex")
    # Not torch.polar: its derivative by a modulus of zero is zero.
    return torch.complex(modulus * phase.cos(), modulus * phase.sin())


def complex_to_polar(z: Tensor) -> tuple[Tensor, Tensor]:
    """\\|z\\| and arg z. See :class:`complexnn.ComplexToPolar`."""
    require_complex(z, "complex_to_polar")
    return modulus(z), angle(z)


def real_to_analytic(x: Tensor, dim: int = -1) -> Tensor:
    """x + j H x, H the Hilbert transform along ``dim``. See :class:`complexnn.RealToAnalytic`."""
    _require_real(x, "real_to_analytic")
    length = x.shape[_axis(x, dim, "real_to_analytic")]
    if not x.numel():  # which no Fourier transform takes
        return x.to(x.dtype.to_complex())
    positive = torch.fft.rfft(x, dim=dim).movedim(dim, -1)
    # Each pair of frequencies goes to its positive one; zero, and the highest of an even length, have no partner.
    paired = positive.new_full((length // 2 + 1,), 2, dtype=x.dtype)
    paired[0] = 1
    if length % 2 == 0:
        paired[-1] = 1
    return torch.fft.ifft(positive * paired, n=length).movedim(-1, dim)


def analytic_to_real(z: Tensor) -> Tensor:
    """Re z. See :class:`complexnn.AnalyticToReal`."""
    require_complex(z, "analytic_to_real")
    return z.real.clone(memory_format=torch.contiguous_format)

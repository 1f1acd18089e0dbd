"""Complex signals as real ones and back, and modules from one precision to another."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

from complexnn import functional as F

Module = TypeVar("Module", bound=nn.Module)


def to_complex_dtype(module: Module, dtype: torch.dtype) -> Module:
    """Convert a module, in place, to the precision of a complex dtype: real tensors stay real.

    Complex parameters and buffers become ``dtype``, floating ones its real twin, and integer and boolean ones stay as
    they are; gradients follow. torch's ``module.to(torch.complex128)`` makes real parameters complex, its ``.double()``
    leaves complex ones as they are. As there, parameters remain the same objects, tied ones stay tied, and an
    optimiser that holds them goes on.

    Args:
        module: any module, with its submodules.
        dtype: torch.complex64 or torch.complex128.

    Returns:
        The module itself.

    Raises:
        TypeError: ``dtype`` is not complex.

    Example:
        >>> import complexnn
        >>> module = nn.Sequential(complexnn.Linear(3, 2), complexnn.ModReLU())
        >>> [parameter.dtype for parameter in to_complex_dtype(module, torch.complex128).parameters()]
        [torch.complex128, torch.complex128, torch.float64]
    """
    if not (isinstance(dtype, torch.dtype) and dtype.is_complex):
        raise TypeError(f"to_complex_dtype expects a complex dtype, such as torch.complex128, got {dtype!r}")

    def convert(tensor: Tensor) -> Tensor:
        if tensor.is_complex():
            return tensor.to(dtype)
        return tensor.to(dtype.to_real()) if tensor.is_floating_point() else tensor

    return module._apply(convert)


class _AlongDim(nn.Module):
    """What a cast along one dimension holds."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class InterleavedToComplex(_AlongDim):
    """Real and imaginary parts that take turns, to complex numbers: z_i = x_{2i} + j x_{2i+1}.

    Input of real dtype and any shape, even along ``dim``; output of half that size, a copy, in the complex twin of
    the input's dtype. This is the layout of I/Q samples and, over the last dimension, of
    :func:`torch.view_as_complex`.

    Args:
        dim: where the parts take turns.

    Raises:
        TypeError: the input is not real and floating.
        IndexError: it has no dimension ``dim``.
        ValueError: its size along ``dim`` is odd.

    Example:
        >>> InterleavedToComplex()(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor([1.+2.j, 3.+4.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.interleaved_to_complex(input, self.dim)


class ComplexToInterleaved(_AlongDim):
    """Complex numbers to real and imaginary parts that take turns: x_{2i} = Re z_i, x_{2i+1} = Im z_i.

    Input complex64 or complex128 of any shape but a scalar; output of twice the size along ``dim``, a copy, in the
    real twin of the input's dtype. The inverse of :class:`InterleavedToComplex`.

    Args:
        dim: where the parts take turns.

    Raises:
        TypeError: the input is not complex.
        IndexError: it has no dimension ``dim``.

    Example:
        >>> ComplexToInterleaved()(torch.tensor([1 + 2j, 3 + 4j]))
        tensor([1., 2., 3., 4.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_to_interleaved(input, self.dim)


class ConcatenatedToComplex(_AlongDim):
    """All real parts followed by all imaginary parts, to complex numbers: z_i = x_i + j x_{n+i}.

    Input of real dtype and any shape, of size 2n along ``dim``; output of size n, a copy, in the complex twin of the
    input's dtype. With ``dim=1`` the first half of the channels are the real parts.

    Args:
        dim: where the parts follow each other.

    Raises:
        TypeError: the input is not real and floating.
        IndexError: it has no dimension ``dim``.
        ValueError: its size along ``dim`` is odd.

    Example:
        >>> ConcatenatedToComplex()(torch.tensor([1.0, 3.0, 2.0, 4.0]))
        tensor([1.+2.j, 3.+4.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.concatenated_to_complex(input, self.dim)


class ComplexToConcatenated(_AlongDim):
    """Complex numbers to all real parts followed by all imaginary parts: x_i = Re z_i, x_{n+i} = Im z_i.

    Input complex64 or complex128 of any shape but a scalar; output of twice the size along ``dim``, in the real twin
    of the input's dtype. The inverse of :class:`ConcatenatedToComplex`.

    Args:
        dim: where the parts follow each other.

    Raises:
        TypeError: the input is not complex.
        IndexError: it has no dimension ``dim``.

    Example:
        >>> ComplexToConcatenated()(torch.tensor([1 + 2j, 3 + 4j]))
        tensor([1., 3., 2., 4.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_to_concatenated(input, self.dim)


class PolarToComplex(nn.Module):
    """Modulus and phase to a complex number: z = r (cos t + j sin t).

    Called with two real tensors, the modulus and the phase in radians, that broadcast; output in the complex twin of
    their dtype. A negative modulus turns the phase by pi.

    Raises:
        TypeError: an input is not real and floating.

    Example:
        >>> PolarToComplex()(torch.tensor([2.0]), torch.tensor([0.0]))
        tensor([2.+0.j])
    """

    def forward(self, modulus: Tensor, phase: Tensor) -> Tensor:
        return F.polar_to_complex(modulus, phase)


class ComplexToPolar(nn.Module):
    """A complex number to its modulus and phase: r = |z|, t = arg z in [-pi, pi].

    Input complex64 or complex128 of any shape; output two tensors of that shape, in the real twin of its dtype. The
    inverse of :class:`PolarToComplex`. The phase jumps at the negative real axis, and its gradient, j z / |z|^2, grows
    towards zero; at z = 0 it is zero.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> ComplexToPolar()(torch.tensor([3 + 0j, -2 + 0j]))
        (tensor([3., 2.]), tensor([0.0000, 3.1416]))
    """

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:
        return F.complex_to_polar(input)


class RealToAnalytic(_AlongDim):
    """A real signal to its analytic signal: z = x + j H x, H the discrete Hilbert transform.

    The spectrum of z is twice that of x at positive frequencies, zero at negative ones (Marple 1999, the values of
    :func:`scipy.signal.hilbert`). Input of real dtype and any shape; output of that shape in the complex twin of its
    dtype. The signal is taken as periodic.

    Args:
        dim: along which the signal runs.

    Raises:
        TypeError: the input is not real and floating.
        IndexError: it has no dimension ``dim``.

    Example:
        >>> turns = 2 * torch.pi * torch.arange(4) / 4
        >>> (RealToAnalytic()(turns.cos()) - torch.polar(torch.ones(4), turns)).abs().max() < 1e-6
        tensor(True)
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.real_to_analytic(input, self.dim)


class AnalyticToReal(nn.Module):
    """An analytic signal to the real signal it came from: x = Re z.

    Input complex64 or complex128 of any shape; output, a copy, in the real twin of its dtype. The inverse of
    :class:`RealToAnalytic`.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> AnalyticToReal()(torch.tensor([1 + 2j, 3 + 4j]))
        tensor([1., 3.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.analytic_to_real(input)

"""Softmax of both parts, of the real part, of the modulus, and of the modulus with the phase kept.

Any shape, complex64 or complex128; a real input raises TypeError. ``dim`` is the dimension that adds up to one.
"""

from __future__ import annotations

from torch import Tensor, nn

from complexnn import functional as F


class _Softmax(nn.Module):
    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class CSoftmax(_Softmax):
    """Softmax of the real and of the imaginary part: softmax(x) + j softmax(y).

    Neither phase-equivariant nor equivariant under conjugation.

    Example:
        >>> import torch
        >>> CSoftmax(dim=0)(torch.tensor([1 + 2j, 1 - 2j]))
        tensor([0.5000+0.9820j, 0.5000+0.0180j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.csoftmax(input, self.dim)


class RealSoftmax(_Softmax):
    """Probabilities from the real part: softmax(x), real. Invariant under conjugation.

    Example:
        >>> import torch
        >>> RealSoftmax(dim=0)(torch.tensor([1 + 2j, 1 - 2j]))
        tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.real_softmax(input, self.dim)


class MagnitudeSoftmax(_Softmax):
    """Probabilities from the modulus: softmax(|z|), real. Invariant under phase and conjugation.

    Example:
        >>> import torch
        >>> MagnitudeSoftmax(dim=0)(torch.tensor([3 + 4j, 5j]))
        tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.magnitude_softmax(input, self.dim)


class PhaseSoftmax(_Softmax):
    """Softmax of the modulus, with the phase kept: softmax(|z|) z / |z|. Equivariant under phase and conjugation.

    The gradient grows as 1 / |z|; the value and the gradient at z = 0 are zero, so that only the moduli of numbers
    other than zero add up to one.

    Example:
        >>> import torch
        >>> PhaseSoftmax(dim=0)(torch.tensor([3 + 4j, 5j]))
        tensor([0.3000+0.4000j, 0.0000+0.5000j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.phase_softmax(input, self.dim)

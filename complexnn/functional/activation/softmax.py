"""Softmax of both parts, of the real part, of the modulus, and of the modulus with the phase kept."""

from __future__ import annotations

import torch
from torch import Tensor

from complexnn.functional.activation.phase import modulus, signum
from complexnn.functional.activation.split import split
from complexnn.functional.checks import require_complex


def csoftmax(z: Tensor, dim: int = -1) -> Tensor:
    """Softmax of the real and of the imaginary part: softmax(x) + j softmax(y).

    Example:
        >>> csoftmax(torch.tensor([1 + 2j, 1 - 2j]))
        tensor([0.5000+0.9820j, 0.5000+0.0180j])
    """
    require_complex(z, "csoftmax")
    return split(z, lambda part: torch.softmax(part, dim))


def real_softmax(z: Tensor, dim: int = -1) -> Tensor:
    """Probabilities from the real part: softmax(x), real.

    Example:
        >>> real_softmax(torch.tensor([1 + 2j, 1 - 2j]))
        tensor([0.5000, 0.5000])
    """
    require_complex(z, "real_softmax")
    return torch.softmax(z.real, dim)


def magnitude_softmax(z: Tensor, dim: int = -1) -> Tensor:
    """Probabilities from the modulus: softmax(|z|), real.

    Example:
        >>> magnitude_softmax(torch.tensor([3 + 4j, 5j]))
        tensor([0.5000, 0.5000])
    """
    require_complex(z, "magnitude_softmax")
    return torch.softmax(modulus(z), dim)


def phase_softmax(z: Tensor, dim: int = -1) -> Tensor:
    """Softmax of the modulus, with the phase kept: softmax(|z|) z / |z|.

    The gradient grows as 1 / |z|; the value and the gradient at z = 0 are zero, so that only the moduli of numbers
    other than zero add up to one.

    Example:
        >>> phase_softmax(torch.tensor([3 + 4j, 5j]))
        tensor([0.3000+0.4000j, 0.0000+0.5000j])
    """
    require_complex(z, "phase_softmax")
    return torch.softmax(modulus(z), dim) * signum(z)

"""Activation functions of complex tensors."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.checks import require_complex


def crelu(z: Tensor) -> Tensor:
    """ReLU of the real and of the imaginary part: relu(x) + j relu(y) (Trabelsi 2018, section 3.4)."""
    require_complex(z, "crelu")
    return torch.view_as_complex(F.relu(torch.view_as_real(z.resolve_conj())))


def modrelu(z: Tensor, bias: Tensor) -> Tensor:
    """ReLU of the shifted modulus, with the phase kept: relu(\\|z\\| + b) z / \\|z\\| (Arjovsky 2016, eq. 8).

    ``bias`` is real and broadcasts against ``z``. The value and the gradient at z = 0 are zero.
    """
    require_complex(z, "modrelu")
    modulus = z.abs()
    zero = modulus == 0
    scale = F.relu(modulus + bias) / modulus.masked_fill(zero, 1)
    return z * scale.masked_fill(zero, 0)

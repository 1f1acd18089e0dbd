"""What is particular to one activation or another."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import complexnn
from complexnn import functional as F


def normal(*shape: int, dtype: torch.dtype = torch.complex128, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


# E|f|^2 and the mean square of a derivative, z ~ CN(0, 1): where a closed form exists, it.
tanh2 = 0.5458, 0.5920
MOMENTS: dict[str, tuple[nn.Module, float, float]] = {
    "CReLU": (complexnn.CReLU(), 1 / 2, 1 / 2),
    "ZReLU": (complexnn.ZReLU(), 1 / 4, 1 / 4),
    "Cardioid": (complexnn.Cardioid(), 3 / 8, 3 / 8),
    # int over r > 1/2 of (r - 1/2)^2 and of (1 + (1 - 1/(2r))^2)/2
    "ModReLU": (complexnn.ModReLU(init=-0.5), 0.3522, 0.4841),
    "ZAbsReLU": (complexnn.ZAbsReLU(init=0.5), 1.25 * math.exp(-0.25), math.exp(-0.25)),
    "PolarTanh": (complexnn.PolarTanh(), 0.463, 0.507),
    "SigLog": (complexnn.SigLog(), 0.210, 0.236),
    "CTanh": (complexnn.CTanh(), 0.546, 0.592),
    "CGELU": (complexnn.CGELU(), 0.378, 0.407),
    "Signum": (complexnn.Signum(), 1.0, math.nan),  # E 1/(2 r^2) diverges
}

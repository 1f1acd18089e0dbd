"""Casts. A real number does not turn with the phase, so none of these commutes with it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import complexnn
from tests.laws.case import Case
from tests.laws.cases_pooling import plain


def real(*shape: int, count: int = 1) -> Callable[[torch.dtype], tuple[Tensor, ...]]:
    return lambda dtype: tuple(torch.randn(shape, dtype=dtype.to_real()) for _ in range(count))


CASES: list[Case] = [
    Case("InterleavedToComplex", plain(complexnn.InterleavedToComplex), (3, 4, 6), inputs=real(3, 4, 6)),
    Case("ComplexToInterleaved", plain(complexnn.ComplexToInterleaved, 1), (3, 4, 6)),
    Case("ConcatenatedToComplex", plain(complexnn.ConcatenatedToComplex, 1), (3, 4, 6), inputs=real(3, 4, 6)),
    Case("ComplexToConcatenated", plain(complexnn.ComplexToConcatenated), (3, 4, 6)),
    Case(
        "PolarToComplex",
        plain(complexnn.PolarToComplex),
        (3, 4),
        inputs=real(3, 4, count=2),
        skip=frozenset({"precision"}),  # it compares the gradients of |z|^2, and that by the phase is zero
    ),
    Case("ComplexToPolar", plain(complexnn.ComplexToPolar), (3, 4)),
    Case("RealToAnalytic", plain(complexnn.RealToAnalytic), (3, 2, 8), inputs=real(3, 2, 8)),
    Case("AnalyticToReal", plain(complexnn.AnalyticToReal), (3, 2, 8), conjugation=True),
]

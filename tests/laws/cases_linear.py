"""Linear, widely linear and bilinear layers and the embedding under the common laws."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

import complexnn
from tests.laws.case import Case


def pair(dtype: torch.dtype) -> tuple[Tensor, ...]:
    return torch.randn(3, 2, 4, dtype=dtype), torch.randn(3, 2, 5, dtype=dtype)


def indices(dtype: torch.dtype) -> tuple[Tensor, ...]:
    return (torch.tensor([[1, 4, 1], [0, 6, 2]]),)


PADDED = frozenset({"gradcheck", "backward"})  # the row of the padding has no gradient by definition

CASES: list[Case] = [
    Case("Linear", functools.partial(complexnn.Linear, 4, 5), (3, 4)),
    Case("Linear-tokens", functools.partial(complexnn.Linear, 4, 5), (3, 2, 4)),
    Case("Linear-unbiased", functools.partial(complexnn.Linear, 4, 5, bias=False), (3, 4), phase=True),
    Case("LazyLinear", functools.partial(complexnn.LazyLinear, 5), (3, 4)),
    Case("WidelyLinear", functools.partial(complexnn.WidelyLinear, 4, 5), (3, 2, 4)),
    Case("WidelyLinear-unbiased", functools.partial(complexnn.WidelyLinear, 4, 5, bias=False), (3, 4)),
    Case("Bilinear", functools.partial(complexnn.Bilinear, 4, 5, 3), (), inputs=pair),
    Case("Bilinear-conjugate", functools.partial(complexnn.Bilinear, 4, 5, 3, conjugate=True), (), inputs=pair),
    Case("Embedding", functools.partial(complexnn.Embedding, 7, 3), (), inputs=indices),
    Case(
        "Embedding-padding",
        functools.partial(complexnn.Embedding, 7, 3, padding_idx=1),
        (),
        inputs=indices,
        skip=PADDED,
    ),
]

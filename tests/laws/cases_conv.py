"""Convolutions and transposed convolutions under the common laws."""

from __future__ import annotations

import functools
from typing import Any

from torch import nn

import complexnn
from tests.laws.case import Case

SIDES = {1: (8,), 2: (5, 4), 3: (4, 3, 5)}


def case(layer: type[nn.Module], n: int, name: str = "", phase: bool = False, **options: Any) -> Case:
    make = functools.partial(layer, 2, 4, **{"kernel_size": 3, **options})
    return Case(f"{layer.__name__}{name}", make, (2, 2, *SIDES[n]), phase=phase)


CASES: list[Case] = [
    case(complexnn.Conv1d, 1, padding=1),
    case(complexnn.Conv1d, 1, "-same", kernel_size=4, padding="same", dilation=2),
    case(complexnn.Conv2d, 2, padding=1),
    case(complexnn.Conv2d, 2, "-unbiased", phase=True, padding=1, bias=False),
    case(complexnn.Conv2d, 2, "-strided-groups", stride=(2, 1), padding=(0, 1), groups=2),
    case(complexnn.Conv2d, 2, "-reflect", padding=1, padding_mode="reflect"),
    case(complexnn.Conv3d, 3, kernel_size=2),
    case(complexnn.ConvTranspose1d, 1, stride=2, output_padding=1),
    case(complexnn.ConvTranspose2d, 2, stride=2, padding=1, groups=2),
    case(complexnn.ConvTranspose2d, 2, "-unbiased", phase=True, bias=False),
    case(complexnn.ConvTranspose3d, 3, kernel_size=2, stride=2),
]

"""Real functions applied to the real and to the imaginary part."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.activation._planes import planes
from complexnn.functional.checks import require_complex

RealFunction = Callable[[Tensor], Tensor]


def split(z: Tensor, function: RealFunction, imaginary: RealFunction | None = None) -> Tensor:
    """A real function of the real and of the imaginary part: f(x) + j g(y), with g = f by default.

    Each function is given one part as a contiguous tensor of z's shape, and may act along its dimensions.

    Example:
        >>> split(torch.tensor([1 - 2j, -1 + 2j]), torch.relu)
        tensor([1.+0.j, 0.+2.j])
    """
    require_complex(z, "split")
    x, y = (part.clone(memory_format=torch.contiguous_format) for part in planes(z))
    return torch.complex(function(x), (imaginary or function)(y))


def split_elementwise(z: Tensor, function: RealFunction) -> Tensor:
    """:func:`split` in one pass, for a function that treats every number alike: it is given both parts at once."""
    require_complex(z, "a split activation")
    return torch.view_as_complex(function(torch.view_as_real(z.resolve_conj())))


def crelu(z: Tensor) -> Tensor:
    """ReLU of the real and of the imaginary part: relu(x) + j relu(y) (Trabelsi 2018, section 3.4).

    Example:
        >>> crelu(torch.tensor([1 - 2j, -1 + 2j]))
        tensor([1.+0.j, 0.+2.j])
    """
    require_complex(z, "crelu")
    return split_elementwise(z, F.relu)

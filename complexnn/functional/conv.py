"""Convolutions of complex tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.checks import require_complex
from complexnn.functional.gauss import Convolution, multiply


def _each(value: int | Sequence[int], n: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * n if len(values) == 1 else values


def conv(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlation y = w * z + b in one, two or three dimensions (Trabelsi 2018, section 3.2).

    The weight ``(C_out, C_in / groups, *kernel)`` says in how many; it is neither flipped nor conjugated. The input is
    ``(N, C_in, *)`` or ``(C_in, *)``. On a CPU by three real convolutions.
    """
    require_complex(input, "conv")
    n = weight.ndim - 2
    if n not in (1, 2, 3):
        raise ValueError(
            f"a convolution expects a weight (C_out, C_in / groups, *kernel) of 3 to 5 dimensions, got shape "
            f"{tuple(weight.shape)}"
        )
    if input.ndim not in (n + 1, n + 2):
        raise ValueError(
            f"a convolution with a weight of shape {tuple(weight.shape)} expects an input of {n + 1} (unbatched) or "
            f"{n + 2} dimensions, got shape {tuple(input.shape)}"
        )
    stride, dilation = _each(stride, n), _each(dilation, n)
    if padding == "same":
        if any(step != 1 for step in stride):
            raise ValueError(f"padding='same' needs stride 1, got {stride}")
        total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        padding = [t // 2 for t in total]
        if any(t % 2 for t in total):  # as torch: the odd one at the end
            input = F.pad(input, [end for t in reversed(total) for end in (0, t % 2)])
    elif padding == "valid":
        padding = 0
    elif isinstance(padding, str):
        raise ValueError(f"padding must be numbers, 'same' or 'valid', got {padding!r}")
    batch = input if input.ndim == n + 2 else input[None]
    output = multiply(batch, weight, bias, Convolution(stride, _each(padding, n), dilation, groups))
    return output if input.ndim == n + 2 else output[0]

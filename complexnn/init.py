"""Initialisers of complex weights.

The variance of a complex weight is E|w|^2, the sum of the variances of its two parts. A layer that keeps the second
moment of its signal needs E|w|^2 = gain^2 / fan. torch's own ``uniform_`` initialisers draw both parts in the bounds
meant for one real number, which doubles the variance; the ones here do not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.init import calculate_gain as _real_gain


def _fan(tensor: Tensor, mode: str) -> int:
    if tensor.ndim < 2:
        raise ValueError(f"a fan needs a tensor of two or more dimensions, got shape {tuple(tensor.shape)}")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    receptive = math.prod(tensor.shape[2:])
    return receptive * tensor.shape[1 if mode == "fan_in" else 0]


def uniform_(tensor: Tensor, std: float, generator: torch.Generator | None = None) -> Tensor:
    """Fill with independent uniform parts so that E|w|^2 = std^2: both lie within std sqrt(3/2).

    A real tensor is filled uniformly with E w^2 = std^2.

    Example:
        >>> w = uniform_(torch.empty(300, 200, dtype=torch.complex64), std=2.0)
        >>> round(float(w.abs().square().mean()))
        4
    """
    bound = std * math.sqrt(1.5 if tensor.is_complex() else 3.0)
    with torch.no_grad():
        return tensor.uniform_(-bound, bound, generator=generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """He's initialisation with independent uniform parts: E|w|^2 = gain^2 / fan (He 2015, eq. 10).

    The arguments are those of :func:`torch.nn.init.kaiming_uniform_`; the gain of a split (leaky) ReLU on complex
    numbers is that on real ones.

    Example:
        >>> w = kaiming_uniform_(torch.empty(300, 200, dtype=torch.complex64), nonlinearity="relu")
        >>> round(float(w.abs().square().mean() * 200), 1)
        2.0
    """
    gain = _real_gain(nonlinearity, a)  # type: ignore[arg-type]
    return uniform_(tensor, gain / math.sqrt(_fan(tensor, mode)), generator)


def default_(weight: Tensor, bias: Tensor | None) -> None:
    """What Linear and ConvNd start from: E|w|^2 = E|b|^2 = 1 / (3 fan_in), the variance of torch's real layers."""
    fan_in = _fan(weight, "fan_in")
    if fan_in == 0:
        return
    std = 1 / math.sqrt(3 * fan_in)
    uniform_(weight, std)
    if bias is not None:
        uniform_(bias, std)

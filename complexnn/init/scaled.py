"""Initialisers that keep the second moment of a signal: the variance of a weight from its fans."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from complexnn.functional.checks import require_complex
from complexnn.init.gain import Nonlinearity, calculate_gain
from complexnn.init.samplers import normal_, truncated_rayleigh_, uniform_, uniform_disk_

_SAMPLERS: dict[str, Callable[..., Tensor]] = {
    "normal": normal_,
    "uniform": uniform_,
    "uniform_disk": uniform_disk_,
    "truncated_rayleigh": truncated_rayleigh_,
}


def _fan(tensor: Tensor, mode: str) -> float:
    if tensor.ndim < 2:
        raise ValueError(f"a fan needs a tensor of two or more dimensions, got shape {tuple(tensor.shape)}")
    receptive = math.prod(tensor.shape[2:])
    fan_in, fan_out = receptive * tensor.shape[1], receptive * tensor.shape[0]
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in fans:
        raise ValueError(f"mode must be one of {', '.join(map(repr, fans))}, got {mode!r}")
    return fans[mode] or 1  # a tensor without numbers has no fan, and needs none


def variance_scaling_(
    tensor: Tensor,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "truncated_rayleigh",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Fill so that E|w|^2 = scale / fan, with a law of choice, as JAX's ``variance_scaling``.

    Args:
        tensor: of two or more dimensions: outputs, inputs, kernel.
        scale: the squared gain.
        mode: ``"fan_in"``, ``"fan_out"`` or their mean ``"fan_avg"``.
        distribution: ``"normal"``, ``"uniform"``, ``"uniform_disk"`` or ``"truncated_rayleigh"``.
        generator: torch generator to draw from.

    Raises:
        ValueError: the tensor has no fans; ``mode`` or ``distribution`` is unknown; ``scale`` is negative.

    Example:
        >>> w = variance_scaling_(torch.empty(300, 200, dtype=torch.complex64), 2.0, "fan_avg", "uniform_disk")
        >>> round(float(w.abs().square().mean() * 250), 1)
        2.0
    """
    if distribution not in _SAMPLERS:
        raise ValueError(f"distribution must be one of {', '.join(map(repr, _SAMPLERS))}, got {distribution!r}")
    if scale < 0:
        raise ValueError(f"scale must not be negative, got {scale}")
    return _SAMPLERS[distribution](tensor, math.sqrt(scale / _fan(tensor, mode)), generator=generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: Nonlinearity) -> float:
    if mode == "fan_avg":
        raise ValueError("mode must be 'fan_in' or 'fan_out', got 'fan_avg'")
    # As in torch, a is the slope of leaky_relu and means nothing to the others.
    gain = calculate_gain(nonlinearity, a if nonlinearity == "leaky_relu" else None)
    return gain / math.sqrt(_fan(tensor, mode))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """He's initialisation with independent uniform parts: E|w|^2 = gain^2 / fan (He 2015, eq. 10).

    The arguments are those of :func:`torch.nn.init.kaiming_uniform_`, but that ``nonlinearity`` may be whatever
    :func:`calculate_gain` takes.

    Raises:
        ValueError: the tensor has no fans, or ``mode`` or ``nonlinearity`` is unknown.

    Example:
        >>> w = kaiming_uniform_(torch.empty(300, 200, dtype=torch.complex64), nonlinearity="relu")
        >>> round(float(w.abs().square().mean() * 200), 1)
        2.0
    """
    return uniform_(tensor, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: Nonlinearity = "leaky_relu",
    generator: torch.Generator | None = None,
) -> Tensor:
    """He's initialisation with circular normal numbers: E|w|^2 = gain^2 / fan (He 2015, eq. 10).

    Arguments and errors are those of :func:`kaiming_uniform_`.

    Example:
        >>> w = kaiming_normal_(torch.empty(300, 200, dtype=torch.complex64), nonlinearity="cardioid")
        >>> round(float(w.abs().square().mean() * 200), 1)
        2.7
    """
    return normal_(tensor, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Glorot's initialisation with independent uniform parts: E|w|^2 = 2 gain^2 / (fan_in + fan_out).

    Source: Glorot & Bengio 2010, eq. 12, for the variance of a complex number.

    Raises:
        ValueError: the tensor has no fans.

    Example:
        >>> w = xavier_uniform_(torch.empty(300, 200, dtype=torch.complex64))
        >>> round(float(w.abs().square().mean() * 250), 1)
        1.0
    """
    return uniform_(tensor, gain / math.sqrt(_fan(tensor, "fan_avg")), generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Glorot's initialisation with circular normal numbers: E|w|^2 = 2 gain^2 / (fan_in + fan_out).

    Source: Glorot & Bengio 2010, eq. 12, for the variance of a complex number.

    Raises:
        ValueError: the tensor has no fans.

    Example:
        >>> w = xavier_normal_(torch.empty(300, 200, dtype=torch.complex64))
        >>> round(float(w.abs().square().mean() * 250), 1)
        1.0
    """
    return normal_(tensor, gain / math.sqrt(_fan(tensor, "fan_avg")), generator)


def trabelsi_variance(tensor: Tensor, criterion: str) -> float:
    """Trabelsi's E|w|^2 = 2 sigma^2 for a criterion."""
    if criterion not in ("xavier", "kaiming"):
        raise ValueError(f"criterion must be 'xavier' or 'kaiming', got {criterion!r}")
    return 1 / _fan(tensor, "fan_avg") if criterion == "xavier" else 2 / _fan(tensor, "fan_in")


def rayleigh_(tensor: Tensor, criterion: str = "xavier", generator: torch.Generator | None = None) -> Tensor:
    """Trabelsi's initialisation: a Rayleigh modulus of scale sigma and a uniform phase, E|w|^2 = 2 sigma^2.

    With ``"xavier"`` sigma = 1 / sqrt(fan_in + fan_out), with ``"kaiming"`` sigma = 1 / sqrt(fan_in). This is the law
    of :func:`xavier_normal_`, and of :func:`kaiming_normal_` for ``"relu"``, drawn in polar form.

    Source: Trabelsi 2018, section 3.6.

    Raises:
        TypeError: the tensor is not complex.
        ValueError: the tensor has no fans, or ``criterion`` is unknown.

    Example:
        >>> w = rayleigh_(torch.empty(300, 200, dtype=torch.complex64), "kaiming")
        >>> round(float(w.abs().square().mean() * 200), 1)
        2.0
    """
    require_complex(tensor, "rayleigh_")
    return truncated_rayleigh_(tensor, math.sqrt(trabelsi_variance(tensor, criterion)), math.inf, generator)


def default_(weight: Tensor, bias: Tensor | None, fan_in: int | None = None) -> None:
    """What Linear and ConvNd start from: E|w|^2 = E|b|^2 = 1 / (3 fan_in), the variance of torch's real layers.

    Beside a weight without numbers, such as one of no inputs, the bias starts at zero.

    Args:
        weight: of two or more dimensions.
        bias: or None.
        fan_in: by default that of the weight.

    Example:
        >>> w = torch.empty(300, 200, dtype=torch.complex64)
        >>> default_(w, None)
        >>> round(float(w.abs().square().mean() * 600), 1)
        1.0
    """
    fan = _fan(weight, "fan_in") if fan_in is None else fan_in
    std = 1 / math.sqrt(3 * fan) if weight.numel() else 0.0
    uniform_(weight, std)
    if bias is not None:
        uniform_(bias, std)

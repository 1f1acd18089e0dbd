"""The gain of an activation: what a weight's standard deviation must make up for."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as real
from torch import Tensor, nn

from complexnn.functional import activation, split

Nonlinearity = str | Callable[..., Tensor] | nn.Module

_LINEAR = {"linear", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3))}


@functools.cache
def _circular_normal(resolution: int) -> tuple[Tensor, Tensor]:
    """Nodes z and weights w such that the sum of w f(z) is the mean of f over E|z|^2 = 1.

    Panels of 1 / resolution with Gauss's three nodes for the modulus up to 8, beyond which lies a mass of exp(-64), and
    equidistant phases between the axes, where rectifiers have their kinks.
    """
    double: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}  # and not the default device, which may be meta
    count = 8 * resolution  # of panels and of phases
    steps = torch.arange(count, **double)
    nodes = (1 + math.sqrt(0.6) * torch.tensor([-1.0, 0.0, 1.0], **double)) / 2
    radius = (steps[:, None] + nodes).flatten() / resolution
    panel = torch.tensor([5.0, 8.0, 5.0], **double) / (18 * resolution)
    density = panel.repeat(count) * 2 * radius * torch.exp(-radius.square())
    phase = (steps + 0.5) * (2 * math.pi / count)
    z = torch.polar(*torch.broadcast_tensors(radius[:, None], phase))
    return z.flatten(), density.repeat_interleave(count) / count


@torch.inference_mode(False)
def _moment(function: Callable[[Tensor], Tensor], mode: str, resolution: int) -> float:
    """E|f(z)|^2, or what f's backward pass makes of a gradient's second moment 1."""
    z, weight = _circular_normal(resolution)
    if isinstance(function, nn.Module):
        for parameter in function.parameters():
            z = z.to(parameter.device, parameter.dtype.to_complex())
        channels = getattr(function, "num_parameters", 1)  # a module with one number a channel sees that many
        z = z[:, None].expand(-1, channels)
    z = z.clone()  # f may work in place
    if mode == "forward":
        with torch.no_grad():
            power = function(z).abs().square()
    else:
        with torch.enable_grad():
            output = function(z.requires_grad_())
            parts = [output.real, output.imag] if output.is_complex() else [output]
            rows = [torch.autograd.grad(part.sum(), z, retain_graph=True)[0] for part in parts]
        power = torch.stack([row.abs().square() for row in rows]).mean(0)
    return float(weight @ power.reshape(len(weight), -1).mean(1).to(weight))


def _named(name: str, param: float | None) -> Callable[[Tensor], Tensor]:
    given = () if param is None else (param,)
    whole: Any = getattr(activation, name, None)
    if callable(whole):
        return lambda z: whole(z, *given)
    part: Any = getattr(real, name, None) or getattr(torch, name, None)
    if not callable(part):
        raise ValueError(
            f"nonlinearity {name!r} is a function neither of complexnn.functional nor of torch.nn.functional"
        )
    return lambda z: split(z, lambda x: part(x, *given))


def _gain(function: Callable[[Tensor], Tensor], mode: str) -> float:
    rough, moment = _moment(function, mode, 12), _moment(function, mode, 16)
    if not (0 < moment < math.inf and abs(rough - moment) < 0.02 * moment):
        raise ValueError(
            f"no gain: the second moment for z ~ CN(0, 1) must be positive and finite, the integral went from "
            f"{rough:.3g} to {moment:.3g} on a finer grid"
        )
    return 1 / math.sqrt(moment)


@functools.cache
def _named_gain(name: str, param: float | None, mode: str) -> float:
    return 1.0 if name in _LINEAR else _gain(_named(name, param), mode)


def calculate_gain(nonlinearity: Nonlinearity, param: float | None = None, mode: str = "forward") -> float:
    """The gain 1 / sqrt(E|f(z)|^2), z ~ CN(0, 1): with E|w|^2 = gain^2 / fan a layer keeps the second moment of z.

    It is computed by quadrature, not looked up, to 1e-3, or 5e-3 where f jumps or has a pole that is just integrable.
    ``mode="backward"`` is the gain that keeps the second moment of the
    gradient instead: 1 / sqrt(E|df/dz|^2 + E|df/dconj(z)|^2). For torch's rectifiers on both parts the values are
    torch's, sqrt(2) for ``"relu"``; its 5/3 for ``"tanh"`` is an empirical figure, this one is 1.353.

    Args:
        nonlinearity: an elementwise function of complex tensors or a module of one; or its name in
            ``complexnn.functional`` (``"modrelu"``); or one of torch's real activations (``"gelu"``), which means the
            split form f(x) + j f(y). Linear layers (``"linear"``, ``"conv2d"``) have gain 1.
        param: the second argument of a named function, such as the slope of ``"leaky_relu"`` or the bias of
            ``"modrelu"``; by default the function's own.
        mode: ``"forward"`` or ``"backward"``.

    Raises:
        TypeError: ``nonlinearity`` is neither a name nor a function.
        ValueError: the name or the mode is unknown, or the second moment is zero or not finite, as that of functions
            with poles.

    Example:
        >>> round(calculate_gain("cardioid") ** 2, 6)  # 8 / 3
        2.666667
        >>> round(calculate_gain("leaky_relu", 0.2), 4), round(calculate_gain(torch.nn.Identity()), 4)
        (1.3868, 1.0)
    """
    if mode not in ("forward", "backward"):
        raise ValueError(f"mode must be 'forward' or 'backward', got {mode!r}")
    if isinstance(nonlinearity, str):
        return _named_gain(nonlinearity, param, mode)
    if not callable(nonlinearity):
        raise TypeError(f"nonlinearity must be a name, a function or a module, got {nonlinearity!r}")
    if param is not None:
        raise ValueError(f"param is the second argument of a named function, got {param} beside {nonlinearity}")
    return _gain(nonlinearity, mode)

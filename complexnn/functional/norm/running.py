"""Running statistics, and what every norm with channels asks of its input."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from complexnn.functional.checks import require_complex
from complexnn.functional.norm.affine import compose, weight_map, widely_affine
from complexnn.functional.norm.whiten import whitening


def require_precision(input: Tensor, name: str, *others: Tensor | None) -> None:
    """Raise unless ``input`` is complex and the others are of its dtype, or real ones of its parts' dtype."""
    require_complex(input, name)
    for tensor in others:
        if tensor is not None and tensor.dtype not in (input.dtype, input.real.dtype):
            raise TypeError(
                f"{name} expects an input of the precision of its parameters, {tensor.dtype}, got {input.dtype}"
            )


Few = Sequence[Tensor | None]


def require_shapes(name: str, means: Few, spreads: Few, shape: tuple[int, ...], form: tuple[int, ...]) -> None:
    """Raise unless means and biases are complex, of ``shape``, variances and weights real, of ``shape + form``."""
    expected = (means, "mean and bias", "complex", shape), (spreads, "variance and weight", "real", shape + form)
    for tensors, what, kind, full in expected:
        for tensor in tensors:
            if tensor is not None and (tensor.is_complex() != (kind == "complex") or tuple(tensor.shape) != full):
                raise ValueError(
                    f"{name} expects {what} to be {kind}, of shape {full}, "
                    f"got {tensor.dtype} of shape {tuple(tensor.shape)}"
                )


def require_channels(input: Tensor, name: str, means: Few, spreads: Few, form: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Raise unless ``input`` is complex ``(N, C, *)``, means and biases complex ``(C)``, and variances and weights
    real ``(C, *form)``; the shape ``(1, C, 1, ...)``."""
    require_precision(input, name, *means, *spreads)
    if input.ndim < 2:
        raise ValueError(f"{name} expects an input of shape (N, C, *), got {tuple(input.shape)}")
    channels = input.shape[1]
    for tensor in (*means, *spreads):
        if tensor is not None and tensor.ndim and tensor.shape[0] != channels:
            raise ValueError(f"{name} expects {tensor.shape[0]} channels in dimension 1, got {tuple(input.shape)}")
    require_shapes(name, means, spreads, (channels,), form)
    return 1, channels, *[1] * (input.ndim - 2)


def require_eps(eps: float, name: str, training: bool = False) -> None:
    """Raise where eps is negative or, in training by a batch, zero: as torch does there."""
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"{name} expects a positive eps, got {eps}")


def require_several(shape: Sequence[int]) -> None:
    """Raise, as torch does, where a channel ``(N, C, *)`` has but one value, which has no variance."""
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {tuple(shape)}")


def update(running: Tensor, new: Tensor, momentum: float | Tensor) -> None:
    """Move a running statistic towards ``new`` by ``momentum``, in place."""
    running.mul_(1 - momentum).add_(new * momentum)


def covariance(var: Tensor, pseudo: Tensor) -> Tensor:
    """V_rr, V_ri and V_ii in a last dimension of three, from E|z - m|^2 and E(z - m)^2."""
    return torch.stack((var + pseudo.real, pseudo.imag, var - pseudo.real), -1) / 2


def whiten_running(
    z: Tensor,
    mean: Tensor,
    cov: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    shape: tuple[int, ...],
    eps: float,
) -> Tensor:
    """Whitening with given statistics, mean ``(C)`` and covariance ``(C, 3)``, and the learned map, as one."""
    rr, ri, ii = cov.detach().double().unbind(-1)
    a, b = whitening(rr + ii, torch.complex(rr - ii, 2 * ri), eps, z.dtype)
    a, b = a.reshape(shape), b.reshape(shape)
    if weight is not None:
        a, b = compose(*weight_map(weight.double(), shape), a, b)
    c = None if bias is None else bias.reshape(shape)
    return widely_affine(z - mean.reshape(shape), a.to(z.dtype), b.to(z.dtype), c)

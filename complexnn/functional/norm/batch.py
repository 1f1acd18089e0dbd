"""Batch normalisation: the statistics of a channel over all samples."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from complexnn.functional.norm.running import (
    covariance,
    require_channels,
    require_eps,
    require_several,
    update,
    whiten_running,
)
from complexnn.functional.norm.scale import scale
from complexnn.functional.norm.split import map_parts, normalise_parts
from complexnn.functional.norm.whiten import whiten


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_cov: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
    process_group: Any = None,
) -> Tensor:
    """Whitening batch normalisation y = gamma V^(-1/2) (z - E z) + beta (Trabelsi 2018, section 3.5).

    Input ``(N, C, *)``; ``running_mean`` complex ``(C)``; ``running_cov`` ``(C, 3)``, in the order V_rr, V_ri, V_ii;
    ``weight`` ``(C, 3)`` likewise, the symmetric gamma, by default I / sqrt(2), which makes E|y|^2 one; ``bias``
    complex ``(C)``. In training the statistics are those of the batch, of all processes' batches where there is a
    ``process_group``, and the running ones are moved towards them in place. See :class:`complexnn.BatchNorm2d`.
    """
    shape = require_channels(input, "batch_norm", (running_mean, bias), (running_cov, weight), (3,))
    require_eps(eps, "batch_norm", training)
    z = input.resolve_conj()
    if not training:
        if running_mean is None or running_cov is None:
            raise ValueError("batch_norm expects running_mean and running_cov unless training, got None")
        return whiten_running(z, running_mean, running_cov, weight, bias, shape, eps)
    if process_group is None:
        require_several(input.shape)
    dims = (0, *range(2, z.ndim))
    y, (mean, var, pseudo, *number) = whiten(z, dims, eps, weight, bias, shape, process_group)
    if running_mean is not None and running_cov is not None and (number or input.numel()):
        n = number[0].view(-1, 1).clamp_min(2) if number else input.numel() // input.shape[1]
        update(running_mean, mean.flatten(), momentum)
        update(running_cov, covariance(var.flatten(), pseudo.flatten()) * (n / (n - 1)), momentum)
    return y


def split_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation of the real and of the imaginary part, each by itself.

    Input ``(N, C, *)``; ``running_mean`` and ``bias`` complex ``(C)``; ``running_var`` and ``weight`` ``(C, 2)``, for
    the real and the imaginary part; ``weight`` is 1 / sqrt(2) by default, which makes E|y|^2 one.
    See :class:`complexnn.SplitBatchNorm2d`.
    """
    require_channels(input, "split_batch_norm", (running_mean, bias), (running_var, weight), (2,))
    require_eps(eps, "split_batch_norm", training)
    z = input.resolve_conj().contiguous()
    if weight is None:
        weight = torch.full((z.shape[1], 2), math.sqrt(0.5), dtype=z.real.dtype, device=z.device)
    if training:
        require_several(z.shape)
        y, mean, var = normalise_parts(z, weight, bias, eps)
        if running_mean is not None and running_var is not None and z.numel():
            n = z.numel() // z.shape[1]
            update(running_mean, mean, momentum)
            update(running_var, (var * (n / (n - 1))).to(running_var.dtype), momentum)
        return y
    if running_mean is None or running_var is None:
        raise ValueError("split_batch_norm expects running_mean and running_var unless training, got None")
    scale_by = weight * (running_var + eps).rsqrt()
    shift = -scale_by * torch.view_as_real(running_mean)
    return map_parts(z, scale_by, shift if bias is None else shift + torch.view_as_real(bias))


def magnitude_batch_norm(
    input: Tensor,
    running_power: Tensor | None,
    weight: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Batch normalisation that leaves every phase as it is: y = |gamma| z / sqrt(E|z|^2 + eps).

    Input ``(N, C, *)``; ``running_power``, of E|z|^2, and ``weight`` real ``(C)``.
    See :class:`complexnn.MagnitudeBatchNorm2d`.
    """
    shape = require_channels(input, "magnitude_batch_norm", (), (running_power, weight))
    require_eps(eps, "magnitude_batch_norm", training)
    z = input.resolve_conj()
    if training:
        require_several(input.shape)
        y, power = scale(z, (0, *range(2, z.ndim)), eps)
        if running_power is not None and input.numel():
            update(running_power, power.flatten(), momentum)
    elif running_power is None:
        raise ValueError("magnitude_batch_norm expects running_power unless training, got None")
    else:
        y = z * (running_power + eps).rsqrt().reshape(shape)
    return y if weight is None else y * weight.abs().reshape(shape)

"""Normalisation of each sample by its own statistics: layer, group, instance and root mean square."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.norm.affine import affine
from complexnn.functional.norm.moments import centre, centred, mean_square
from complexnn.functional.norm.running import (
    covariance,
    require_channels,
    require_eps,
    require_precision,
    require_several,
    require_shapes,
    update,
    whiten_running,
)
from complexnn.functional.norm.scale import scale_rows
from complexnn.functional.norm.whiten import whiten as whiten_over


def _trailing(
    input: Tensor,
    shape: tuple[int, ...],
    name: str,
    weight: Tensor | None,
    bias: Tensor | None = None,
    form: tuple[int, ...] = (),
) -> tuple[int, ...]:
    """Raise unless ``input`` is complex and ends in ``shape``, which weight, with ``form``, and bias have; its
    dimensions."""
    require_precision(input, name, weight, bias)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ValueError(
            f"{name} expects an input of shape (*, {', '.join(map(str, shape))}), got {tuple(input.shape)}"
        )
    require_shapes(name, (bias,), (weight,), shape, form)
    return tuple(range(input.ndim - len(shape), input.ndim))


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    whiten: bool = False,
) -> Tensor:
    """y = gamma (z - E z) / sqrt(Var z + eps) + beta over the last dimensions, or gamma V^(-1/2) (z - E z) + beta.

    ``weight`` real and ``bias`` complex have ``normalized_shape``; with ``whiten`` the weight has a last dimension of
    three more, gamma_rr, gamma_ri, gamma_ii, by default I / sqrt(2). See :class:`complexnn.LayerNorm`.
    """
    shape = tuple(normalized_shape)
    dims = _trailing(input, shape, "layer_norm", weight, bias, (3,) * whiten)
    require_eps(eps, "layer_norm")
    z = input.resolve_conj()
    if whiten:
        w, _ = whiten_over(z, dims, eps)
        if weight is None:
            return w if bias is None else w + bias
        return affine(w, weight, bias, shape)
    # The two parts of what is centred, together, are a real signal of mean zero and of half the power.
    parts = torch.view_as_real(centred(z, dims))
    gain = parts.new_full((*shape, 2), math.sqrt(0.5))
    if weight is not None:
        gain = gain * weight.unsqueeze(-1)
    shift = None if bias is None else torch.view_as_real(bias)
    return torch.view_as_complex(F.layer_norm(parts, (*shape, 2), gain, shift, eps / 2))


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    whiten: bool = False,
) -> Tensor:
    """:func:`layer_norm` of each group of channels of ``(N, C, *)``, with one weight and one bias a channel.

    ``weight`` real and ``bias`` complex ``(C)``; with ``whiten`` the weight is ``(C, 3)``.
    See :class:`complexnn.GroupNorm`.
    """
    shape = require_channels(input, "group_norm", (bias,), (weight,), (3,) * whiten)
    require_eps(eps, "group_norm")
    channels = input.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"group_norm expects num_groups that divide the {channels} channels, got {num_groups}")
    require_several((input.shape[0] * channels // num_groups, num_groups, *input.shape[2:]))
    z = input.resolve_conj()
    groups = z.reshape(len(z), num_groups, math.prod(z.shape[1:]) // num_groups)
    if whiten:
        w = whiten_over(groups, (2,), eps)[0].reshape(z.shape)
        if weight is not None:
            return affine(w, weight, bias, shape)
        return w if bias is None else w + bias.reshape(shape)
    parts = torch.view_as_real(centred(groups, (2,))).reshape(len(z), channels, 2 * math.prod(z.shape[2:]))
    gain = parts.new_full((channels,), math.sqrt(0.5))
    y = F.group_norm(parts, num_groups, gain if weight is None else gain * weight, None, eps / 2)
    y = torch.view_as_complex(y.view(*z.shape, 2))
    return y if bias is None else y + bias.reshape(shape)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
    whiten: bool = False,
) -> Tensor:
    """:func:`group_norm` of each channel by itself, or by running statistics.

    Input ``(N, C, *)``; ``running_mean`` and ``bias`` complex ``(C)``; ``running_var`` and ``weight`` real ``(C)``,
    both ``(C, 3)`` with ``whiten``, as in :func:`batch_norm`. See :class:`complexnn.InstanceNorm2d`.
    """
    shape = require_channels(input, "instance_norm", (running_mean, bias), (running_var, weight), (3,) * whiten)
    require_eps(eps, "instance_norm", use_input_stats)
    z = input.resolve_conj()
    dims = tuple(range(2, z.ndim))
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError("instance_norm expects running_mean and running_var unless use_input_stats, got None")
        if whiten:
            return whiten_running(z, running_mean, running_var, weight, bias, shape, eps)
        y = (z - running_mean.reshape(shape)) * (running_var + eps).rsqrt().reshape(shape)
        y = y if weight is None else y * weight.reshape(shape)
        return y if bias is None else y + bias.reshape(shape)
    count = math.prod(z.shape[2:])
    if count == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {tuple(z.shape)}")
    if whiten:
        y, (mean, var, pseudo) = whiten_over(z, dims, eps, weight, bias, shape)
    else:
        y = group_norm(z, z.shape[1], weight, bias, eps)
    if running_mean is not None and running_var is not None and z.numel():
        if whiten:
            spread = covariance(var, pseudo)
        else:
            d, mean = centre(z.detach(), dims)
            spread = mean_square(d, dims)
        update(running_mean, mean.mean(0).flatten(), momentum)
        update(running_var, spread.mean(0).view_as(running_var) * (count / (count - 1)), momentum)
    return y


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """y = gamma z / sqrt(mean |z|^2 + eps) over the last dimensions (Zhang and Sennrich 2019, eq. 4).

    ``weight`` is real, of ``normalized_shape``; ``eps`` is the precision's machine epsilon where it is None, as in
    torch. See :class:`complexnn.RMSNorm`.
    """
    shape = tuple(normalized_shape)
    _trailing(input, shape, "rms_norm", weight)
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    require_eps(eps, "rms_norm")
    return scale_rows(input.resolve_conj(), weight, math.prod(shape), eps)

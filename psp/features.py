"""What the weight of a linear map is multiplied with."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd


def features(layer: nn.Module, x: Tensor) -> Tensor:
    """What the rows of a layer's weight are multiplied with, as (n, positions, groups, inputs of one output).

    For a Linear layer the input itself, for a Conv1d/2d/3d its patches, of every stride, padding, dilation and number
    of groups; contexts are not applied. An unbatched input of a convolution is a batch of one.

    Example:
        >>> import torch
        >>> features(nn.Conv2d(4, 6, kernel_size=3, groups=2), torch.zeros(5, 4, 8, 8)).shape
        torch.Size([5, 36, 2, 18])
    """
    if not isinstance(layer, _ConvNd):
        return x.reshape(len(x), math.prod(x.shape[1:-1]), 1, x.shape[-1])
    dims = len(layer.kernel_size)
    x = x if x.ndim == dims + 2 else x.unsqueeze(0)
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    x = F.pad(x, layer._reversed_padding_repeated_twice, mode=mode)
    for i, (size, step, gap) in enumerate(zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)):
        x = x.unfold(2 + i, (size - 1) * gap + 1, step)[..., ::gap]
    x = x.flatten(2 + dims).flatten(2, 1 + dims)  # (n, channels, positions, kernel)
    return x.unflatten(1, (layer.groups, -1)).permute(0, 3, 1, 2, 4).flatten(3)

"""Batch normalisation of the modulus."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.norm.base import MAGNITUDE, Device, RunningNorm


class _MagnitudeBatchNorm(RunningNorm, nn.modules.batchnorm._BatchNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(MAGNITUDE, num_features, eps, momentum, affine, track_running_stats, device, dtype, False)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        (power,) = self.statistics()
        batch = self.training or power is None
        output = F.magnitude_batch_norm(input, power, self.weight, batch, self.share(), self.eps)
        self.count()
        return output


class MagnitudeBatchNorm1d(_MagnitudeBatchNorm, nn.BatchNorm1d):
    """Batch normalisation of the modulus of sequences: y = |gamma| z / sqrt(E|z|^2 + eps).

    Input ``(N, C)`` or ``(N, C, L)``, complex64 or complex128. All else is as in :class:`MagnitudeBatchNorm2d`.

    Example:
        >>> MagnitudeBatchNorm1d(2)(torch.randn(10, 2, dtype=torch.complex64)).shape
        torch.Size([10, 2])
    """


class MagnitudeBatchNorm2d(_MagnitudeBatchNorm, nn.BatchNorm2d):
    """Batch normalisation of the modulus of images: y = |gamma| z / sqrt(E|z|^2 + eps).

    Input ``(N, C, H, W)``, complex64 or complex128. Each number keeps its phase, whatever gamma is learned: nothing is
    subtracted, and the factor is not negative. So it commutes with a phase of each number's own, and with conjugation.

    Args:
        num_features: the number of channels C.
        eps: added to E|z|^2.
        momentum: the share of the newest batch in the running power; None for the average of all batches.
        affine: whether gamma is learned, from 1. There is no bias.
        track_running_stats: whether to keep the running power. Without, evaluation uses that of the batch.
        device: where parameters and buffers live.
        dtype: the complex dtype of the signal; by default the complex twin of torch's default dtype.

    Attributes:
        weight: gamma, real, ``(C)``.
        running_power: of E|z|^2, real, ``(C)``, from 1.
        num_batches_tracked: how many batches have moved it.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: the input has another number of dimensions or of channels, or, in training, one value a channel.

    Example:
        >>> z = torch.randn(8, 3, 5, 7, dtype=torch.complex64) + 2
        >>> y = MagnitudeBatchNorm2d(3)(z)
        >>> torch.allclose(y.sgn(), z.sgn(), atol=1e-5)
        True
    """


class MagnitudeBatchNorm3d(_MagnitudeBatchNorm, nn.BatchNorm3d):
    """Batch normalisation of the modulus of volumes: y = |gamma| z / sqrt(E|z|^2 + eps).

    Input ``(N, C, D, H, W)``, complex64 or complex128. All else is as in :class:`MagnitudeBatchNorm2d`.

    Example:
        >>> MagnitudeBatchNorm3d(2)(torch.randn(4, 2, 3, 5, 7, dtype=torch.complex64)).shape
        torch.Size([4, 2, 3, 5, 7])
    """

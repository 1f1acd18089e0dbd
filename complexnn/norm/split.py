"""Batch normalisation of the two parts, each by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.norm.base import SPLIT, Device, RunningNorm


class _SplitBatchNorm(RunningNorm, nn.modules.batchnorm._BatchNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(SPLIT, num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        mean, var = self.statistics()
        batch = self.training or mean is None
        output = F.split_batch_norm(input, mean, var, self.weight, self.bias, batch, self.share(), self.eps)
        self.count()
        return output


class SplitBatchNorm1d(_SplitBatchNorm, nn.BatchNorm1d):
    """Batch normalisation of sequences, the real and the imaginary part each by itself.

    Input ``(N, C)`` or ``(N, C, L)``, complex64 or complex128. All else is as in :class:`SplitBatchNorm2d`.

    Example:
        >>> SplitBatchNorm1d(2)(torch.randn(10, 2, dtype=torch.complex64)).shape
        torch.Size([10, 2])
    """


class SplitBatchNorm2d(_SplitBatchNorm, nn.BatchNorm2d):
    """Batch normalisation of images, the real and the imaginary part each by itself, as torch does a real signal.

    y = BN(Re z) + j BN(Im z): the parts stay correlated. Input ``(N, C, H, W)``, complex64 or complex128. Not
    phase-equivariant.

    Args:
        num_features: the number of channels C.
        eps: added to the variance of each part.
        momentum: the share of the newest batch in the running statistics; None for the average of all batches.
        affine: whether weight and bias are learned. Without, the weight is 1 / sqrt(2), which it starts from:
            E|y|^2 = 1.
        track_running_stats: whether to keep running statistics. Without, evaluation uses those of the batch.
        device: where parameters and buffers live.
        dtype: the complex dtype of the signal; by default the complex twin of torch's default dtype.
        bias: whether a bias is learned.

    Attributes:
        weight: real, ``(C, 2)``: of the real and of the imaginary part.
        bias: complex, ``(C)``.
        running_mean: complex, ``(C)``, from 0.
        running_var: real, ``(C, 2)``: of the real and of the imaginary part, from 1 / 2.
        num_batches_tracked: how many batches have moved them.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: the input has another number of dimensions or of channels, or, in training, one value a channel.

    Example:
        >>> y = SplitBatchNorm2d(3)(torch.randn(8, 3, 5, 7, dtype=torch.complex64) + 1)
        >>> y.abs().square().mean((0, 2, 3)).detach().round(decimals=2)
        tensor([1., 1., 1.])
    """


class SplitBatchNorm3d(_SplitBatchNorm, nn.BatchNorm3d):
    """Batch normalisation of volumes, the real and the imaginary part each by itself.

    Input ``(N, C, D, H, W)``, complex64 or complex128. All else is as in :class:`SplitBatchNorm2d`.

    Example:
        >>> SplitBatchNorm3d(2)(torch.randn(4, 2, 3, 5, 7, dtype=torch.complex64)).shape
        torch.Size([4, 2, 3, 5, 7])
    """

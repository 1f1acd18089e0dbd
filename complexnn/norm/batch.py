"""Whitening batch normalisation."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.norm.base import WHITENING, Device, RunningNorm


class _BatchNorm(RunningNorm, nn.modules.batchnorm._BatchNorm):
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
        super().__init__(WHITENING, num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        mean, cov = self.statistics()
        batch = self.training or mean is None
        group = self._group()
        output = F.batch_norm(input, mean, cov, self.weight, self.bias, batch, self.share(), self.eps, group)
        self.count()
        return output

    def _group(self) -> Any:
        return None


class BatchNorm1d(_BatchNorm, nn.BatchNorm1d):
    """Whitening batch normalisation of sequences: y = gamma V^(-1/2) (z - E z) + beta (Trabelsi 2018, section 3.5).

    Input ``(N, C)`` or ``(N, C, L)``, complex64 or complex128. All else is as in :class:`BatchNorm2d`.

    Example:
        >>> y = BatchNorm1d(2)(torch.randn(100, 2, dtype=torch.complex64) + 5)
        >>> y.abs().square().mean(0).detach().round(decimals=2)
        tensor([1., 1.])
    """


class BatchNorm2d(_BatchNorm, nn.BatchNorm2d):
    """Whitening batch normalisation of images: y = gamma V^(-1/2) (z - E z) + beta (Trabelsi 2018, section 3.5).

    Input ``(N, C, H, W)``, complex64 or complex128. For each channel V is the covariance of the real and the imaginary
    part, plus eps I, and gamma a symmetric real matrix. Whitening commutes with a global phase and with conjugation;
    gamma and beta, once learned, need not. In training E and V are those of the batch, V the biased estimate. In
    evaluation they are the running ones, V the unbiased one without eps.

    Sums over a batch know V to a few roundings of its trace: where one axis has less than that, as on data of constant
    phase, it counts as having that much. No input of finite square makes a NaN. Every sum is over values less their
    mean, and what is done once to a channel is done in double precision.

    Args:
        num_features: the number of channels C.
        eps: added to both variances of V.
        momentum: the share of the newest batch in the running statistics; None for the average of all batches.
        affine: whether gamma and beta are learned. Without, gamma is I / sqrt(2), which it starts from: E|y|^2 = 1.
        track_running_stats: whether to keep running statistics. Without, evaluation uses those of the batch.
        device: where parameters and buffers live.
        dtype: the complex dtype of the signal; by default the complex twin of torch's default dtype.
        bias: whether beta is learned.

    Attributes:
        weight: gamma, real, ``(C, 3)``: gamma_rr, gamma_ri, gamma_ii.
        bias: beta, complex, ``(C)``.
        running_mean: complex, ``(C)``, from 0.
        running_cov: real, ``(C, 3)``: V_rr, V_ri, V_ii, from I / 2, the covariance of circular data of unit power.
        num_batches_tracked: how many batches have moved them.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: the input has another number of dimensions or of channels, or, in training, one value a channel.

    Example:
        >>> y = BatchNorm2d(3)(torch.randn(8, 3, 5, 7, dtype=torch.complex64) * (1 + 2j))
        >>> y.abs().square().mean((0, 2, 3)).detach().round(decimals=2)
        tensor([1., 1., 1.])
    """


class BatchNorm3d(_BatchNorm, nn.BatchNorm3d):
    """Whitening batch normalisation of volumes: y = gamma V^(-1/2) (z - E z) + beta (Trabelsi 2018, section 3.5).

    Input ``(N, C, D, H, W)``, complex64 or complex128. All else is as in :class:`BatchNorm2d`.

    Example:
        >>> y = BatchNorm3d(2)(torch.randn(4, 2, 3, 5, 7, dtype=torch.complex64))
        >>> y.abs().square().mean((0, 2, 3, 4)).detach().round(decimals=2)
        tensor([1., 1.])
    """


class SyncBatchNorm(_BatchNorm):
    """Whitening batch normalisation by the statistics of all processes' batches together.

    Input ``(N, C, *)``, complex64 or complex128; a process may have none (N = 0). Where torch.distributed is not
    initialised, and in evaluation, it is :class:`BatchNorm2d` in any number of dimensions. One collective call forward
    and one backward; the gradients of weight and bias are those of the process, for DistributedDataParallel to
    average. Any backend and device that can all-gather and all-reduce: unlike torch's it runs on CPUs too, and is
    therefore no subclass of torch's, which DistributedDataParallel refuses there.

    Args:
        process_group: whose statistics; by default those of all processes. The other arguments, the attributes and
            the errors are those of :class:`BatchNorm2d`.

    Example:
        >>> SyncBatchNorm(2)(torch.randn(8, 2, 5, dtype=torch.complex64)).shape
        torch.Size([8, 2, 5])
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    def _group(self) -> Any:
        if not (self.training and dist.is_available() and dist.is_initialized()):
            return None
        group = self.process_group or dist.group.WORLD
        return group if dist.get_world_size(group) > 1 else None

    @classmethod
    def convert_sync_batchnorm(cls, module: nn.Module, process_group: Any = None) -> nn.Module:
        """Put a SyncBatchNorm for each complexnn BatchNorm1d, 2d and 3d in ``module``, with its parameters and buffers.

        Returns ``module``, or its replacement where it is one itself. torch's real layers stay. Theirs is
        :meth:`torch.nn.SyncBatchNorm.convert_sync_batchnorm`, on parts without complex ones, which it takes for real.

        Example:
            >>> net = torch.nn.Sequential(torch.nn.Identity(), BatchNorm1d(2))
            >>> SyncBatchNorm.convert_sync_batchnorm(net)[1]
            SyncBatchNorm(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
        """
        output = module
        if isinstance(module, _BatchNorm):
            state = (module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats)
            # Built on meta: its own parameters and buffers are the old module's, as they are.
            output = cls(*state, process_group, "meta", bias=module.bias is not None)
            output.weight, output.bias = module.weight, module.bias
            for name in ("running_mean", "running_cov", "num_batches_tracked"):
                setattr(output, name, getattr(module, name))
            output.train(module.training)
        for name, child in module.named_children():
            output.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return output

"""Instance normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.functional.checks import require_complex
from complexnn.norm.base import SCALING, WHITENING, Device, RunningNorm


class _InstanceNorm(RunningNorm, nn.modules.instancenorm._InstanceNorm):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
        whiten: bool = False,
    ) -> None:
        form = WHITENING if whiten else SCALING
        super().__init__(form, num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)
        self.whiten = whiten

    def forward(self, input: Tensor) -> Tensor:
        require_complex(input, type(self).__name__)
        return super().forward(input)

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        mean, var = self.statistics()
        own = self.training or mean is None
        output = F.instance_norm(input, mean, var, self.weight, self.bias, own, self.share(), self.eps, self.whiten)
        self.count()
        return output

    def extra_repr(self) -> str:
        return super().extra_repr() + ", whiten=True" * self.whiten


class InstanceNorm1d(_InstanceNorm, nn.InstanceNorm1d):
    """Normalisation of each channel of each sequence by itself: y = gamma (z - E z) / sqrt(Var z + eps) + beta.

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128. All else is as in :class:`InstanceNorm2d`.

    Example:
        >>> y = InstanceNorm1d(2)(torch.randn(3, 2, 50, dtype=torch.complex64))
        >>> y.abs().square().mean(2)[0].round(decimals=2)
        tensor([1., 1.])
    """


class InstanceNorm2d(_InstanceNorm, nn.InstanceNorm2d):
    """Normalisation of each channel of each image by itself: y = gamma (z - E z) / sqrt(Var z + eps) + beta.

    Input ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128; Var z = E|z - E z|^2, biased. With ``whiten`` it
    is y = gamma V^(-1/2) (z - E z) + beta, as :class:`BatchNorm2d` does a batch. Either commutes with a global phase
    and with conjugation while it has no bias and a weight that is real, or a multiple of I. ``InstanceNorm2d(C)`` is
    ``GroupNorm(C, C, affine=False)``.

    Args:
        num_features: the number of channels C.
        eps: added to the variance, with ``whiten`` to that of each part.
        momentum: the share of the newest batch in the running statistics; None for the average of all batches.
        affine: whether gamma and beta are learned. Without, gamma is what it starts from.
        track_running_stats: whether to keep running statistics, for evaluation. Without, each image has its own.
        device: where parameters and buffers live.
        dtype: the complex dtype of the signal; by default the complex twin of torch's default dtype.
        bias: whether beta is learned.
        whiten: whether to remove the pseudo-variance E(z - E z)^2 too.

    Attributes:
        weight: gamma, real, ``(C)`` from 1; with ``whiten`` ``(C, 3)``: gamma_rr, gamma_ri, gamma_ii, from I / sqrt(2).
        bias: beta, complex, ``(C)``.
        running_mean: complex, ``(C)``, the mean over samples of their means.
        running_var: real, ``(C)``, likewise of their unbiased variances, from 1; with ``whiten`` it is
            running_cov, ``(C, 3)``: V_rr, V_ri, V_ii, from I / 2.
        num_batches_tracked: how many batches have moved them.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: the input has another number of dimensions or of channels, or one value a channel.

    Example:
        >>> y = InstanceNorm2d(2, whiten=True)(torch.randn(3, 2, 5, 7, dtype=torch.complex64) * 3)
        >>> (y * y).mean((2, 3)).abs().max() < 1e-4
        tensor(True)
    """


class InstanceNorm3d(_InstanceNorm, nn.InstanceNorm3d):
    """Normalisation of each channel of each volume by itself: y = gamma (z - E z) / sqrt(Var z + eps) + beta.

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128. All else is as in :class:`InstanceNorm2d`.

    Example:
        >>> InstanceNorm3d(2)(torch.randn(3, 2, 3, 5, 7, dtype=torch.complex64)).shape
        torch.Size([3, 2, 3, 5, 7])
    """

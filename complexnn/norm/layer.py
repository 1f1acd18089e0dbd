"""Layer, group and root-mean-square normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.functional.checks import complex_dtype, real_dtype
from complexnn.norm.base import SCALING, WHITENING, Device, register_affine, reset_affine


class LayerNorm(nn.LayerNorm):
    """Normalisation over the last dimensions: y = gamma (z - E z) / sqrt(Var z + eps) + beta (Ba 2016, section 3).

    Input ``(*, *normalized_shape)``, complex64 or complex128; Var z = E|z - E z|^2, biased. With ``whiten`` it is
    y = gamma V^(-1/2) (z - E z) + beta (Eilers and Jiang 2023), V the covariance of the two parts plus
    eps I: this needs several times more features than the two that it takes away. Either commutes with a global phase
    and with conjugation while it has no bias and a weight that is real, or a multiple of I.

    Args:
        normalized_shape: the last dimensions of the input.
        eps: added to the variance, with ``whiten`` to that of each part.
        elementwise_affine: whether gamma and beta are learned. Without, gamma is what it starts from: E|y|^2 = 1.
        bias: whether beta is learned.
        device: where the parameters live.
        dtype: the complex dtype of the signal; by default the complex twin of torch's default dtype.
        whiten: whether to remove the pseudo-variance E(z - E z)^2 too.

    Attributes:
        weight: gamma, real, ``normalized_shape``, from 1; with ``whiten`` ``(*normalized_shape, 3)``: gamma_rr,
            gamma_ri, gamma_ii, from I / sqrt(2).
        bias: beta, complex, ``normalized_shape``.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: the input does not end in ``normalized_shape``.

    Example:
        >>> y = LayerNorm(64)(torch.randn(2, 5, 64, dtype=torch.complex64) + 3)
        >>> y.abs().square().mean(-1)[0].detach().round(decimals=2)
        tensor([1., 1., 1., 1., 1.])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        whiten: bool = False,
    ) -> None:
        dtype = complex_dtype(dtype)
        super().__init__(normalized_shape, eps, elementwise_affine=False)
        self.elementwise_affine = elementwise_affine
        self.whiten = whiten
        self.form = WHITENING if whiten else SCALING
        register_affine(self, self.normalized_shape, self.form, elementwise_affine, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.elementwise_affine:
            reset_affine(self.weight, self.bias, self.form)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps, self.whiten)

    def extra_repr(self) -> str:
        return super().extra_repr() + ", whiten=True" * self.whiten


class GroupNorm(nn.GroupNorm):
    """Normalisation of groups of channels: y = gamma (z - E z) / sqrt(Var z + eps) + beta (Wu and He 2018).

    Input ``(N, C, *)``, complex64 or complex128; Var z = E|z - E z|^2, biased. With ``whiten`` it is
    y = gamma V^(-1/2) (z - E z) + beta, V the covariance of the two parts plus eps I. Either commutes with a global
    phase and with conjugation while it has no bias and a weight that is real, or a multiple of I.

    Args:
        num_groups: how many groups of neighbouring channels.
        num_channels: C, a multiple of it.
        eps: added to the variance, with ``whiten`` to that of each part.
        affine: whether gamma and beta, one a channel, are learned. Without, gamma is what it starts from: E|y|^2 = 1.
        device: where the parameters live.
        dtype: the complex dtype of the signal; by default the complex twin of torch's default dtype.
        bias: whether beta is learned.
        whiten: whether to remove the pseudo-variance E(z - E z)^2 too.

    Attributes:
        weight: gamma, real, ``(C)``, from 1; with ``whiten`` ``(C, 3)``: gamma_rr, gamma_ri, gamma_ii, from
            I / sqrt(2).
        bias: beta, complex, ``(C)``.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: ``num_groups`` is below 1, or ``num_channels`` no multiple of it; the input has another number of
            channels, or one number in all.

    Example:
        >>> y = GroupNorm(2, 6)(torch.randn(4, 6, 5, 7, dtype=torch.complex64) + 3)
        >>> y.reshape(4, 2, -1).abs().square().mean(-1)[0].detach().round(decimals=2)
        tensor([1., 1.])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        bias: bool = True,
        whiten: bool = False,
    ) -> None:
        dtype = complex_dtype(dtype)
        if num_groups < 1:
            raise ValueError(f"num_groups must be at least 1, got {num_groups}")
        super().__init__(num_groups, num_channels, eps, affine=False)
        self.affine = affine
        self.whiten = whiten
        self.form = WHITENING if whiten else SCALING
        register_affine(self, (num_channels,), self.form, affine, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.affine:
            reset_affine(self.weight, self.bias, self.form)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps, self.whiten)

    def extra_repr(self) -> str:
        return super().extra_repr() + ", whiten=True" * self.whiten


class RMSNorm(nn.RMSNorm):
    """Division by the root mean square over the last dimensions: y = gamma z / sqrt(mean |z|^2 + eps).

    Zhang and Sennrich 2019, eq. 4. Input ``(*, *normalized_shape)``, complex64 or complex128. E|y|^2 = 1 at the start,
    and y commutes with a global phase and with conjugation.

    Args:
        normalized_shape: the last dimensions of the input.
        eps: added to the mean square; None for the machine epsilon of the precision, as in torch.
        elementwise_affine: whether gamma is learned, from 1.
        device: where gamma lives.
        dtype: its dtype; a complex one stands for its real twin. By default torch's default dtype.

    Attributes:
        weight: gamma, real, ``normalized_shape``.

    Raises:
        TypeError: the input is not complex, or ``dtype`` is neither complex nor floating.
        ValueError: the input does not end in ``normalized_shape``.

    Example:
        >>> y = RMSNorm(64)(torch.randn(3, 64, dtype=torch.complex64) * 7)
        >>> y.abs().square().mean(-1).detach().round(decimals=2)
        tensor([1., 1., 1.])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(normalized_shape, eps, elementwise_affine, device, real_dtype(dtype))

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

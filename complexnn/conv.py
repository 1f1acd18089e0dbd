"""Convolutions."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn import init
from complexnn.functional.checks import complex_dtype


class _Complex:
    """What every complex convolution shares: its start and its product."""

    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, ...]
    padding: str | tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"]
    _reversed_padding_repeated_twice: list[int]

    def reset_parameters(self) -> None:
        init.default_(self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding: str | int | tuple[int, ...] = self.padding
        if self.padding_mode != "zeros":
            input = nn.functional.pad(input, self._reversed_padding_repeated_twice, self.padding_mode)
            padding = 0
        return F.conv(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Complex, nn.Conv1d):
    """Complex cross-correlation over sequences: y = w * z + b (Trabelsi 2018, section 3.2).

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128. As in torch the kernel is neither flipped nor
    conjugated. Signature, shapes and ``state_dict`` are those of :class:`torch.nn.Conv1d`; the weight starts with
    E|w|^2 = 1 / (3 fan_in).

    Raises:
        TypeError: ``dtype`` or the input is not complex.

    Example:
        >>> layer = Conv1d(2, 4, kernel_size=3, padding="same")
        >>> layer(torch.randn(1, 2, 8, dtype=torch.complex64)).shape
        torch.Size([1, 4, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: str | int | tuple[int] = 0,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,  # type: ignore[arg-type]
            device,
            complex_dtype(dtype),
        )


class Conv2d(_Complex, nn.Conv2d):
    """Complex cross-correlation over images: y = w * z + b (Trabelsi 2018, section 3.2).

    Input ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128. As in torch the kernel is neither flipped nor
    conjugated. Signature, shapes and ``state_dict`` are those of :class:`torch.nn.Conv2d`; the weight starts with
    E|w|^2 = 1 / (3 fan_in).

    Raises:
        TypeError: ``dtype`` or the input is not complex.

    Example:
        >>> layer = Conv2d(2, 4, kernel_size=3, padding="same")
        >>> layer(torch.randn(1, 2, 8, 8, dtype=torch.complex64)).shape
        torch.Size([1, 4, 8, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,  # type: ignore[arg-type]
            device,
            complex_dtype(dtype),
        )


class Conv3d(_Complex, nn.Conv3d):
    """Complex cross-correlation over volumes: y = w * z + b (Trabelsi 2018, section 3.2).

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128. As in torch the kernel is neither flipped
    nor conjugated. Signature, shapes and ``state_dict`` are those of :class:`torch.nn.Conv3d`; the weight starts with
    E|w|^2 = 1 / (3 fan_in).

    Raises:
        TypeError: ``dtype`` or the input is not complex.

    Example:
        >>> layer = Conv3d(2, 4, kernel_size=3, padding="same")
        >>> layer(torch.randn(1, 2, 8, 8, 8, dtype=torch.complex64)).shape
        torch.Size([1, 4, 8, 8, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int],
        stride: int | tuple[int, int, int] = 1,
        padding: str | int | tuple[int, int, int] = 0,
        dilation: int | tuple[int, int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,  # type: ignore[arg-type]
            device,
            complex_dtype(dtype),
        )

"""Transposed convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import init
from complexnn.functional.checks import complex_dtype, require_complex


class _Complex:
    """What every complex transposed convolution shares: its start and its check."""

    weight: Tensor
    bias: Tensor | None

    def reset_parameters(self) -> None:
        init.default_(self.weight, self.bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        require_complex(input, type(self).__name__)
        return super().forward(input, output_size)  # type: ignore[misc]


class ConvTranspose1d(_Complex, nn.ConvTranspose1d):
    """Complex transposed convolution over sequences: the matrix of :class:`complexnn.Conv1d`, transposed, and a bias.

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128. Nothing is conjugated: a gradient of
    Conv1d with respect to its input is this map with conj(w). Signature, shapes, ``output_size`` and ``state_dict``
    are those of :class:`torch.nn.ConvTranspose1d`; the weight ``(C_in, C_out / groups, *kernel)`` starts with
    E|w|^2 = 1 / (3 fan), where torch counts fan = C_out / groups * prod(kernel).

    Raises:
        TypeError: ``dtype`` or the input is not complex.
        ValueError: ``padding_mode`` is not ``"zeros"``, or no ``output_padding`` gives ``output_size``.

    Example:
        >>> layer = ConvTranspose1d(2, 4, kernel_size=3, stride=2)
        >>> layer(torch.randn(1, 2, 4, dtype=torch.complex64), output_size=[10]).shape
        torch.Size([1, 4, 10])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: int | tuple[int] = 0,
        output_padding: int | tuple[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int] = 1,
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
            output_padding,
            groups,
            bias,
            dilation,
            padding_mode,  # type: ignore[arg-type]
            device,
            complex_dtype(dtype),
        )


class ConvTranspose2d(_Complex, nn.ConvTranspose2d):
    """Complex transposed convolution over images: the matrix of :class:`complexnn.Conv2d`, transposed, and a bias.

    Input ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128. Nothing is conjugated: a gradient of
    Conv2d with respect to its input is this map with conj(w). Signature, shapes, ``output_size`` and ``state_dict``
    are those of :class:`torch.nn.ConvTranspose2d`; the weight ``(C_in, C_out / groups, *kernel)`` starts with
    E|w|^2 = 1 / (3 fan), where torch counts fan = C_out / groups * prod(kernel).

    Raises:
        TypeError: ``dtype`` or the input is not complex.
        ValueError: ``padding_mode`` is not ``"zeros"``, or no ``output_padding`` gives ``output_size``.

    Example:
        >>> layer = ConvTranspose2d(2, 4, kernel_size=3, stride=2)
        >>> layer(torch.randn(1, 2, 4, 4, dtype=torch.complex64), output_size=[10, 10]).shape
        torch.Size([1, 4, 10, 10])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        output_padding: int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int] = 1,
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
            output_padding,
            groups,
            bias,
            dilation,
            padding_mode,  # type: ignore[arg-type]
            device,
            complex_dtype(dtype),
        )


class ConvTranspose3d(_Complex, nn.ConvTranspose3d):
    """Complex transposed convolution over volumes: the matrix of :class:`complexnn.Conv3d`, transposed, and a bias.

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128. Nothing is conjugated: a gradient of
    Conv3d with respect to its input is this map with conj(w). Signature, shapes, ``output_size`` and ``state_dict``
    are those of :class:`torch.nn.ConvTranspose3d`; the weight ``(C_in, C_out / groups, *kernel)`` starts with
    E|w|^2 = 1 / (3 fan), where torch counts fan = C_out / groups * prod(kernel).

    Raises:
        TypeError: ``dtype`` or the input is not complex.
        ValueError: ``padding_mode`` is not ``"zeros"``, or no ``output_padding`` gives ``output_size``.

    Example:
        >>> layer = ConvTranspose3d(2, 4, kernel_size=3, stride=2)
        >>> layer(torch.randn(1, 2, 4, 4, 4, dtype=torch.complex64), output_size=[10, 10, 10]).shape
        torch.Size([1, 4, 10, 10, 10])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int],
        stride: int | tuple[int, int, int] = 1,
        padding: int | tuple[int, int, int] = 0,
        output_padding: int | tuple[int, int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int, int] = 1,
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
            output_padding,
            groups,
            bias,
            dilation,
            padding_mode,  # type: ignore[arg-type]
            device,
            complex_dtype(dtype),
        )

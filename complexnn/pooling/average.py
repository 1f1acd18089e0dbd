"""Average pooling."""

from __future__ import annotations

import torch
from torch import nn

from complexnn import functional as F


class _Average:
    """What the three share: a repr of all they were given."""

    ceil_mode: bool
    count_include_pad: bool
    divisor_override: int | None = None

    def extra_repr(self) -> str:
        text = str(super().extra_repr())  # type: ignore[misc]
        if self.ceil_mode:
            text += ", ceil_mode=True"
        if not self.count_include_pad:
            text += ", count_include_pad=False"
        if self.divisor_override is not None:
            text += f", divisor_override={self.divisor_override}"
        return text


class AvgPool1d(_Average, nn.AvgPool1d):
    """Mean of each window of a sequence: y_l = (1/k) sum_m z_{l s + m}.

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128. Signature and shapes are those of
    :class:`torch.nn.AvgPool1d`. Phase-equivariant: phases that disagree average out; where that is not wanted, see
    :class:`MaxPool1d`.

    Args:
        kernel_size: length of a window.
        stride: from one window to the next; by default ``kernel_size``.
        padding: zeros on either side, at most half of ``kernel_size``.
        ceil_mode: whether a window may reach over the end.
        count_include_pad: whether the padding counts in the mean.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither two nor three dimensions.

    Example:
        >>> AvgPool1d(2)(torch.tensor([[1 + 1j, 3 - 1j, 2j, -2j]]))
        tensor([[2.+0.j, 0.+0.j]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_Average, nn.AvgPool2d):
    """Mean of each window of an image, over its k_h k_w elements.

    Input ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128. Signature and shapes are those of
    :class:`torch.nn.AvgPool2d`. Phase-equivariant.

    Args:
        kernel_size: size of a window.
        stride: from one window to the next; by default ``kernel_size``.
        padding: zeros on either side, at most half of ``kernel_size``.
        ceil_mode: whether a window may reach over the edge.
        count_include_pad: whether the padding counts in the mean.
        divisor_override: what to divide the sum by, instead of the number of elements.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither three nor four dimensions.

    Example:
        >>> AvgPool2d(2)(torch.tensor([[[1 + 1j, 3 - 1j], [2j, -2j]]]))
        tensor([[[1.+0.j]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(_Average, nn.AvgPool3d):
    """Mean of each window of a volume, over its k_d k_h k_w elements.

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128. Signature and shapes are those of
    :class:`torch.nn.AvgPool3d`. Phase-equivariant.

    Args:
        kernel_size: size of a window.
        stride: from one window to the next; by default ``kernel_size``.
        padding: zeros on either side, at most half of ``kernel_size``.
        ceil_mode: whether a window may reach over the edge.
        count_include_pad: whether the padding counts in the mean.
        divisor_override: what to divide the sum by, instead of the number of elements.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither four nor five dimensions.

    Example:
        >>> AvgPool3d(2)(torch.full((1, 2, 2, 2), 3j))
        tensor([[[[0.+3.j]]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.avg_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AdaptiveAvgPool1d(nn.AdaptiveAvgPool1d):
    """Mean of each of ``output_size`` windows that cover a sequence.

    Input ``(N, C, L)`` or ``(C, L)``, output with L = ``output_size``, complex64 or complex128; window i spans
    floor(i L / output_size) to ceil((i + 1) L / output_size), as in :class:`torch.nn.AdaptiveAvgPool1d`.
    Phase-equivariant.

    Args:
        output_size: number of windows.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither two nor three dimensions.

    Example:
        >>> AdaptiveAvgPool1d(1)(torch.tensor([[1 + 1j, 3 - 1j, 2 + 3j]]))
        tensor([[2.+1.j]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(nn.AdaptiveAvgPool2d):
    """Mean of each of ``output_size`` windows that cover an image.

    Input ``(N, C, H, W)`` or ``(C, H, W)``, output with (H, W) = ``output_size``, complex64 or complex128; windows as
    in :class:`torch.nn.AdaptiveAvgPool2d`. Phase-equivariant.

    Args:
        output_size: number of windows along both dimensions, or along each; None keeps the input's.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither three nor four dimensions.

    Example:
        >>> AdaptiveAvgPool2d((1, None))(torch.tensor([[[1 + 1j, 3 - 1j], [2j, -2j]]]))
        tensor([[[0.5000+1.5000j, 1.5000-1.5000j]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(nn.AdaptiveAvgPool3d):
    """Mean of each of ``output_size`` windows that cover a volume.

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, output with (D, H, W) = ``output_size``, complex64 or complex128;
    windows as in :class:`torch.nn.AdaptiveAvgPool3d`. Phase-equivariant.

    Args:
        output_size: number of windows along all three dimensions, or along each; None keeps the input's.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither four nor five dimensions.

    Example:
        >>> AdaptiveAvgPool3d(1)(torch.full((1, 2, 2, 2), 3j))
        tensor([[[[0.+3.j]]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)

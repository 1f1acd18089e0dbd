"""Power-average pooling."""

from __future__ import annotations

import torch
from torch import nn

from complexnn import functional as F


class LPPool1d(nn.LPPool1d):
    """Power-average of each window of a sequence: y = phi^-1(sum phi(z)), phi(z) = |z|^(p-1) z.

    Written out, y = w |w|^(1/p - 1) with w = sum |z|^(p-1) z. It is the sum of the window at p = 1, the element of
    largest modulus at p = infinity, and (sum x^p)^(1/p), :class:`torch.nn.LPPool1d`'s, where all z = x are real and
    not negative. Phase-equivariant: the phase is that of the weighted sum.

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128. Where the weighted sum is zero, the value and the
    gradient are zero; near there, for p > 1, the gradient grows as |w|^(1/p - 1). A window that the end cuts
    (``ceil_mode``) sums what it holds, where torch's takes the mean times ``kernel_size``.

    Args:
        norm_type: p, from 1 to infinity.
        kernel_size: length of a window.
        stride: from one window to the next; by default ``kernel_size``.
        ceil_mode: whether a window may reach over the end.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``norm_type`` is below 1, the window is longer than the input, or the input has neither two nor
            three dimensions.

    Example:
        >>> LPPool1d(2, kernel_size=2)(torch.tensor([[3j, 4j, 1 + 0j, -1 + 0j]]))
        tensor([[0.+5.j, 0.+0.j]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(nn.LPPool2d):
    """Power-average of each window of an image: y = phi^-1(sum phi(z)), phi(z) = |z|^(p-1) z.

    The sum at p = 1, the element of largest modulus at p = infinity; see :class:`LPPool1d`. Phase-equivariant. Input
    ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128.

    Args:
        norm_type: p, from 1 to infinity.
        kernel_size: size of a window.
        stride: from one window to the next; by default ``kernel_size``.
        ceil_mode: whether a window may reach over the edge.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``norm_type`` is below 1, the window is larger than the input, or the input has neither three nor
            four dimensions.

    Example:
        >>> LPPool2d(2, kernel_size=2)(torch.tensor([[[1j, 1j], [1j, 1j]]]))
        tensor([[[0.+2.j]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool3d(nn.LPPool3d):
    """Power-average of each window of a volume: y = phi^-1(sum phi(z)), phi(z) = |z|^(p-1) z.

    The sum at p = 1, the element of largest modulus at p = infinity; see :class:`LPPool1d`. Phase-equivariant. Input
    ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128.

    Args:
        norm_type: p, from 1 to infinity.
        kernel_size: size of a window.
        stride: from one window to the next; by default ``kernel_size``.
        ceil_mode: whether a window may reach over the edge.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``norm_type`` is below 1, the window is larger than the input, or the input has neither four nor
            five dimensions.

    Example:
        >>> LPPool3d(3, kernel_size=2)(torch.full((1, 2, 2, 2), 1j))
        tensor([[[[0.+2.j]]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

"""Max pooling by modulus, and its partial inverse."""

from __future__ import annotations

import torch
from torch import nn

from complexnn import functional as F
from complexnn.functional.pooling.max import Pooled


class _Returns:
    """What the max poolings share: a repr that tells whether they return indices."""

    return_indices: bool

    def extra_repr(self) -> str:
        text = super().extra_repr()  # type: ignore[misc]
        return f"{text}, return_indices=True" if self.return_indices else text


class MaxPool1d(_Returns, nn.MaxPool1d):
    """Element of largest modulus in each window of a sequence: y = z_m with m = argmax |z_m|.

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128. Every sample and channel chooses for itself. Signature,
    shapes, padding (never chosen, not even over zeros), the first of equal moduli and the preference for NaN are those
    of :class:`torch.nn.MaxPool1d`. Phase-equivariant.

    Args:
        kernel_size: length of a window.
        stride: from one window to the next; by default ``kernel_size``.
        padding: on either side, at most half of ``kernel_size``.
        dilation: from one element of a window to the next.
        return_indices: whether to return also where in the sequence each element stood, for :class:`MaxUnpool1d`.
        ceil_mode: whether a window may reach over the end.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither two nor three dimensions, or a window holds padding alone.

    Example:
        >>> MaxPool1d(2, return_indices=True)(torch.tensor([[1 + 1j, -3j, 2 + 0j, 0j]]))
        (tensor([[-0.-3.j, 2.+0.j]]), tensor([[1, 2]]))
    """

    def forward(self, input: torch.Tensor) -> Pooled:
        return F.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool2d(_Returns, nn.MaxPool2d):
    """Element of largest modulus in each window of an image: y = z_m with m = argmax |z_m|.

    Input ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128. Every sample and channel chooses for itself.
    Signature, shapes, padding (never chosen, not even over zeros), the first of equal moduli and the preference for
    NaN are those of :class:`torch.nn.MaxPool2d`. Phase-equivariant.

    Args:
        kernel_size: size of a window.
        stride: from one window to the next; by default ``kernel_size``.
        padding: on either side, at most half of ``kernel_size``.
        dilation: from one element of a window to the next.
        return_indices: whether to return also where in the flattened plane each element stood, for
            :class:`MaxUnpool2d`.
        ceil_mode: whether a window may reach over the edge.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither three nor four dimensions, or a window holds padding alone.

    Example:
        >>> MaxPool2d(2)(torch.tensor([[[1 + 1j, 0.5 - 3j], [2 + 0j, 0j]]]))
        tensor([[[0.5000-3.j]]])
    """

    def forward(self, input: torch.Tensor) -> Pooled:
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool3d(_Returns, nn.MaxPool3d):
    """Element of largest modulus in each window of a volume: y = z_m with m = argmax |z_m|.

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128. Every sample and channel chooses for
    itself. Signature, shapes, padding (never chosen, not even over zeros), the first of equal moduli and the
    preference for NaN are those of :class:`torch.nn.MaxPool3d`. Phase-equivariant.

    Args:
        kernel_size: size of a window.
        stride: from one window to the next; by default ``kernel_size``.
        padding: on either side, at most half of ``kernel_size``.
        dilation: from one element of a window to the next.
        return_indices: whether to return also where in the flattened volume each element stood, for
            :class:`MaxUnpool3d`.
        ceil_mode: whether a window may reach over the edge.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither four nor five dimensions, or a window holds padding alone.

    Example:
        >>> MaxPool3d((1, 1, 2))(torch.tensor([[[[1 + 1j, 0.5 - 3j]]]]))
        tensor([[[[0.5000-3.j]]]])
    """

    def forward(self, input: torch.Tensor) -> Pooled:
        return F.max_pool3d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class AdaptiveMaxPool1d(_Returns, nn.AdaptiveMaxPool1d):
    """Element of largest modulus in each of ``output_size`` windows that cover a sequence.

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128; windows as in :class:`torch.nn.AdaptiveMaxPool1d`.
    Phase-equivariant.

    Args:
        output_size: number of windows.
        return_indices: whether to return also where in the sequence each element stood.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither two nor three dimensions.

    Example:
        >>> AdaptiveMaxPool1d(1)(torch.tensor([[1 + 1j, 0.5 - 3j, 2 + 0j]]))
        tensor([[0.5000-3.j]])
    """

    def forward(self, input: torch.Tensor) -> Pooled:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_Returns, nn.AdaptiveMaxPool2d):
    """Element of largest modulus in each of ``output_size`` windows that cover an image.

    Input ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128; windows as in
    :class:`torch.nn.AdaptiveMaxPool2d`. Phase-equivariant.

    Args:
        output_size: number of windows along both dimensions, or along each; None keeps the input's.
        return_indices: whether to return also where in the flattened plane each element stood.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither three nor four dimensions.

    Example:
        >>> AdaptiveMaxPool2d((1, None))(torch.tensor([[[1 + 1j, 0.5 - 3j], [2 + 0j, 0j]]]))
        tensor([[[2.0000+0.j, 0.5000-3.j]]])
    """

    def forward(self, input: torch.Tensor) -> Pooled:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_Returns, nn.AdaptiveMaxPool3d):
    """Element of largest modulus in each of ``output_size`` windows that cover a volume.

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128; windows as in
    :class:`torch.nn.AdaptiveMaxPool3d`. Phase-equivariant.

    Args:
        output_size: number of windows along all three dimensions, or along each; None keeps the input's.
        return_indices: whether to return also where in the flattened volume each element stood.

    Raises:
        TypeError: the input is not complex.
        ValueError: it has neither four nor five dimensions.

    Example:
        >>> AdaptiveMaxPool3d(1)(torch.tensor([[[[1 + 1j, 0.5 - 3j]]]]))
        tensor([[[[0.5000-3.j]]]])
    """

    def forward(self, input: torch.Tensor) -> Pooled:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class MaxUnpool1d(nn.MaxUnpool1d):
    """Partial inverse of :class:`MaxPool1d`: each element back where it stood, zeros elsewhere.

    Input and indices ``(N, C, L)`` or ``(C, L)``, complex64 or complex128 and int64; output of length
    (L - 1) stride - 2 padding + kernel_size, or of ``output_size``. Where windows overlap, elements that share an
    index should be equal, as those of the pooling are. Phase-equivariant.

    Args:
        kernel_size: of the pooling.
        stride: of the pooling; by default ``kernel_size``.
        padding: of the pooling.

    Raises:
        TypeError: the input is not complex.
        ValueError: the indices differ from it in shape, ``output_size`` does not pool to it, or it has neither two
            nor three dimensions.

    Example:
        >>> pooled, indices = MaxPool1d(2, return_indices=True)(torch.tensor([[1 + 1j, 0.5 - 3j, 2 + 0j, 0j]]))
        >>> MaxUnpool1d(2)(pooled, indices)
        tensor([[0.0000+0.j, 0.5000-3.j, 2.0000+0.j, 0.0000+0.j]])
    """

    def forward(self, input: torch.Tensor, indices: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(nn.MaxUnpool2d):
    """Partial inverse of :class:`MaxPool2d`: each element back where it stood, zeros elsewhere.

    Input and indices ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128 and int64; output of size
    (n - 1) stride - 2 padding + kernel_size along each dimension of n, or of ``output_size``. Where windows overlap,
    elements that share an index should be equal, as those of the pooling are. Phase-equivariant.

    Args:
        kernel_size: of the pooling.
        stride: of the pooling; by default ``kernel_size``.
        padding: of the pooling.

    Raises:
        TypeError: the input is not complex.
        ValueError: the indices differ from it in shape, ``output_size`` does not pool to it, or it has neither three
            nor four dimensions.

    Example:
        >>> pooled, indices = MaxPool2d(2, return_indices=True)(torch.tensor([[[1 + 1j, 0.5 - 3j], [2 + 0j, 0j]]]))
        >>> MaxUnpool2d(2)(pooled, indices)
        tensor([[[0.0000+0.j, 0.5000-3.j],
                 [0.0000+0.j, 0.0000+0.j]]])
    """

    def forward(self, input: torch.Tensor, indices: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(nn.MaxUnpool3d):
    """Partial inverse of :class:`MaxPool3d`: each element back where it stood, zeros elsewhere.

    Input and indices ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128 and int64; output of size
    (n - 1) stride - 2 padding + kernel_size along each dimension of n, or of ``output_size``. Where windows overlap,
    elements that share an index should be equal, as those of the pooling are. Phase-equivariant.

    Args:
        kernel_size: of the pooling.
        stride: of the pooling; by default ``kernel_size``.
        padding: of the pooling.

    Raises:
        TypeError: the input is not complex.
        ValueError: the indices differ from it in shape, ``output_size`` does not pool to it, or it has neither four
            nor five dimensions.

    Example:
        >>> pooled, indices = MaxPool3d((1, 1, 2), return_indices=True)(torch.tensor([[[[1 + 1j, 0.5 - 3j]]]]))
        >>> MaxUnpool3d((1, 1, 2))(pooled, indices)
        tensor([[[[0.0000+0.j, 0.5000-3.j]]]])
    """

    def forward(self, input: torch.Tensor, indices: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)

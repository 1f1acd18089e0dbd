"""Spectral pooling."""

from __future__ import annotations

import torch
from torch import nn

from complexnn import functional as F
from complexnn.functional.pooling.spectral import Size


class _Spectral(nn.Module):
    """What the three share: their arguments."""

    def __init__(
        self,
        output_size: Size | None = None,
        output_ratio: float | tuple[float, ...] | None = None,
        norm: str = "ortho",
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{type(self).__name__} expects either output_size or output_ratio, "
                f"got {output_size} and {output_ratio}"
            )
        if norm not in ("ortho", "forward", "backward"):
            raise ValueError(f"norm must be 'ortho', 'forward' or 'backward', got {norm!r}")
        self.output_size = output_size
        self.output_ratio = output_ratio
        self.norm = norm

    def extra_repr(self) -> str:
        size = f"output_size={self.output_size}" if self.output_ratio is None else f"output_ratio={self.output_ratio}"
        return f"{size}, norm={self.norm!r}"


class SpectralPool1d(_Spectral):
    """Low frequencies of a sequence: F^-1 of the central part of F z (Rippel 2015, algorithm 1).

    Input ``(N, C, L)`` or ``(C, L)``, output with L = ``output_size``, complex64 or complex128. Every element of the
    output depends on the whole sequence, which is taken as periodic. Phase-equivariant. Of an even output, the one
    frequency at the edge is the mean of the input's +L/2 and -L/2, so that a real sequence stays real.

    Args:
        output_size: length of the output, from 1 to the input's.
        output_ratio: instead, the fraction of the input's length, from 0 to 1, rounded down.
        norm: of both transforms. ``"ortho"``, Rippel's, keeps the second moment of white noise; ``"forward"`` keeps
            the values of a slow signal, as the average does; ``"backward"`` multiplies those by input over output size.

    Raises:
        TypeError: the input is not complex.
        ValueError: both sizes or none are given, ``norm`` is unknown, the output would be empty or larger than the
            input, or the input has neither two nor three dimensions.

    Example:
        >>> SpectralPool1d(2, norm="forward")(torch.full((1, 6), 2j))
        tensor([[0.+2.j, 0.+2.j]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.spectral_pool1d(input, self.output_size, self.output_ratio, self.norm)  # type: ignore[arg-type]


class SpectralPool2d(_Spectral):
    """Low frequencies of an image: F^-1 of the central part of F z (Rippel 2015, algorithm 1).

    Input ``(N, C, H, W)`` or ``(C, H, W)``, output with (H, W) = ``output_size``, complex64 or complex128. The image
    is taken as periodic. Phase-equivariant. Of an even output, the frequencies at an edge are the means of the
    input's at both, so that a real image stays real.

    Args:
        output_size: size of the output, one number or two, from 1 to the input's; None in a pair keeps the input's.
        output_ratio: instead, the fraction of the input's size, one number or two, from 0 to 1, rounded down.
        norm: of both transforms. ``"ortho"``, Rippel's, keeps the second moment of white noise; ``"forward"`` keeps
            the values of a slow image, as the average does; ``"backward"`` multiplies those by input over output size.

    Raises:
        TypeError: the input is not complex.
        ValueError: both sizes or none are given, ``norm`` is unknown, the output would be empty or larger than the
            input, or the input has neither three nor four dimensions.

    Example:
        >>> SpectralPool2d(output_ratio=0.5)(torch.randn(2, 3, 8, 6, dtype=torch.complex64)).shape
        torch.Size([2, 3, 4, 3])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.spectral_pool2d(input, self.output_size, self.output_ratio, self.norm)  # type: ignore[arg-type]


class SpectralPool3d(_Spectral):
    """Low frequencies of a volume: F^-1 of the central part of F z (Rippel 2015, algorithm 1).

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, output with (D, H, W) = ``output_size``, complex64 or complex128.
    The volume is taken as periodic. Phase-equivariant. Of an even output, the frequencies at an edge are the means of
    the input's at both, so that a real volume stays real.

    Args:
        output_size: size of the output, one number or three, from 1 to the input's; None among three keeps the
            input's.
        output_ratio: instead, the fraction of the input's size, one number or three, from 0 to 1, rounded down.
        norm: of both transforms. ``"ortho"``, Rippel's, keeps the second moment of white noise; ``"forward"`` keeps
            the values of a slow volume, as the average does; ``"backward"`` multiplies those by input over output
            size.

    Raises:
        TypeError: the input is not complex.
        ValueError: both sizes or none are given, ``norm`` is unknown, the output would be empty or larger than the
            input, or the input has neither four nor five dimensions.

    Example:
        >>> SpectralPool3d((2, None, 3))(torch.randn(2, 3, 4, 6, 5, dtype=torch.complex64)).shape
        torch.Size([2, 3, 2, 6, 3])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.spectral_pool3d(input, self.output_size, self.output_ratio, self.norm)  # type: ignore[arg-type]

"""Noise that regularises: dropout of elements and channels, and of the phase."""

from __future__ import annotations

import math

import torch
from torch import nn

from complexnn import functional as F


class Dropout(nn.Dropout):
    """While training, y = m z / (1 - p) with a Bernoulli mask m of mean 1 - p, one for both parts.

    Input of any shape, complex64 or complex128. The mask is drawn for each element anew (Srivastava 2014), so that
    E y = z; the phase of what remains is kept. At ``p=1`` the output is zero. In evaluation the input itself comes
    back. Commutes with a global phase for a given mask.

    Args:
        p: probability of a zero.
        inplace: whether to overwrite the input.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``p`` is not a probability.

    Example:
        >>> Dropout(p=1.0)(torch.tensor([1 + 2j, 3 + 1j]))
        tensor([0.+0.j, 0.+0.j])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(nn.Dropout1d):
    """While training, dropout of whole channels of a sequence (Tompson 2015, SpatialDropout).

    Input ``(N, C, L)`` or ``(C, L)``, complex64 or complex128. One draw for each sample and channel; the channels that
    remain are divided by 1 - p. Commutes with a global phase for a given mask.

    Args:
        p: probability of a zero channel.
        inplace: whether to overwrite the input.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``p`` is not a probability, or the input has neither two nor three dimensions.

    Example:
        >>> Dropout1d(p=1.0)(torch.tensor([[1 + 2j, 3 + 1j]]))
        tensor([[0.+0.j, 0.+0.j]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(nn.Dropout2d):
    """While training, dropout of whole channels of an image (Tompson 2015, SpatialDropout).

    Input ``(N, C, H, W)`` or ``(C, H, W)``, complex64 or complex128. One draw for each sample and channel; the
    channels that remain are divided by 1 - p. Three dimensions are one image, as torch announces for its own layer,
    which still takes them for a batch of sequences; for those there is :class:`Dropout1d`. Commutes with a global
    phase for a given mask.

    Args:
        p: probability of a zero channel.
        inplace: whether to overwrite the input.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``p`` is not a probability, or the input has neither three nor four dimensions.

    Example:
        >>> Dropout2d(p=1.0)(torch.tensor([[[1 + 2j, 3 + 1j]]]))
        tensor([[[0.+0.j, 0.+0.j]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(nn.Dropout3d):
    """While training, dropout of whole channels of a volume (Tompson 2015, SpatialDropout).

    Input ``(N, C, D, H, W)`` or ``(C, D, H, W)``, complex64 or complex128. One draw for each sample and channel; the
    channels that remain are divided by 1 - p. Commutes with a global phase for a given mask.

    Args:
        p: probability of a zero channel.
        inplace: whether to overwrite the input.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``p`` is not a probability, or the input has neither four nor five dimensions.

    Example:
        >>> Dropout3d(p=1.0)(torch.tensor([[[[1 + 2j, 3 + 1j]]]]))
        tensor([[[[0.+0.j, 0.+0.j]]]])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class PhaseNoise(nn.Module):
    """While training, y = z e^{jt} with a normal phase t of standard deviation ``std``, drawn for each element anew.

    Input of any shape, complex64 or complex128. The modulus is kept, the mean shrinks: E y = e^{-std^2 / 2} z. In
    evaluation the input itself comes back. Commutes with a global phase for given draws.

    Args:
        std: standard deviation of the phase, in radians.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``std`` is negative or infinite.

    Example:
        >>> torch.allclose(PhaseNoise(std=0.1)(torch.tensor([3 + 4j])).abs(), torch.tensor([5.0]))
        True
    """

    def __init__(self, std: float) -> None:
        super().__init__()
        if not 0 <= std < math.inf:
            raise ValueError(f"std must be finite and at least 0, got {std}")
        self.std = std

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.phase_noise(input, self.std, self.training)

    def extra_repr(self) -> str:
        return f"std={self.std}"

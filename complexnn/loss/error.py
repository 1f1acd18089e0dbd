"""Losses of the difference d = z - t."""

from __future__ import annotations

import torch
from torch import nn

from complexnn import functional as F
from complexnn.loss.base import Reduced


class MSELoss(nn.MSELoss):
    """Mean squared error: the mean of |z - t|^2, which is the sum of both parts' (no factor 1/2).

    Input and target complex64 or complex128, of one shape; output real, a number or, with ``reduction="none"``, of
    that shape. Signature as of :class:`torch.nn.MSELoss`. Unchanged by a phase common to input and target.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``; a keyword, after torch's deprecated two.

    Raises:
        TypeError: input or target is not complex.
        ValueError: their shapes differ, or ``reduction`` is unknown.

    Example:
        >>> MSELoss()(torch.tensor([3 + 4j, 1j]), torch.tensor([0j, 1j]))
        tensor(12.5000)
    """

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(input, target, self.reduction)

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


class L1Loss(nn.L1Loss):
    """Mean absolute error: the mean of the modulus |z - t|, not of the sum of both parts' sizes.

    Input and target complex64 or complex128, of one shape; output real, a number or, with ``reduction="none"``, of
    that shape. Signature as of :class:`torch.nn.L1Loss`. Unchanged by a phase common to input and target. The gradient
    is (z - t) / |z - t|, and zero where they are equal.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``; a keyword, after torch's deprecated two.

    Raises:
        TypeError: input or target is not complex.
        ValueError: their shapes differ, or ``reduction`` is unknown.

    Example:
        >>> L1Loss()(torch.tensor([3 + 4j, 1j]), torch.tensor([0j, 1j]))
        tensor(2.5000)
    """

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.l1_loss(input, target, self.reduction)

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}"


class HuberLoss(nn.HuberLoss):
    """Huber's loss of the modulus u = |z - t|: u^2 / 2 up to delta, delta (u - delta / 2) beyond (Huber 1964).

    Input and target complex64 or complex128, of one shape; output real, a number or, with ``reduction="none"``, of
    that shape. Signature as of :class:`torch.nn.HuberLoss`. Unchanged by a phase common to input and target.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: where the parabola becomes a line, in units of the signal.

    Raises:
        TypeError: input or target is not complex.
        ValueError: their shapes differ, ``reduction`` is unknown or ``delta`` is not above zero.

    Example:
        >>> HuberLoss(reduction="none")(torch.tensor([3 + 4j, 0.6 + 0.8j]), torch.zeros(2, dtype=torch.complex64))
        tensor([4.5000, 0.5000])
    """

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.huber_loss(input, target, self.reduction, self.delta)

    def extra_repr(self) -> str:
        return f"reduction={self.reduction!r}, delta={self.delta}"


class LogCoshLoss(Reduced):
    """Log-cosh loss: the mean of ln cosh u, with u = |z - t|^2 (Hänsch 2010, eq. 14) or u = |z - t|.

    ln cosh u is u^2 / 2 for small u and u - ln 2 for large: with ``power=2`` the loss grows as |d|^4 / 2 and then as
    |d|^2; with ``power=1``, the log-cosh known from real networks, as |d|^2 / 2 and then as |d|. It is computed without
    overflow, and without loss of digits near zero.

    Input and target complex64 or complex128, of one shape; output real, a number or, with ``reduction="none"``, of
    that shape. Unchanged by a phase common to input and target.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        power: of |z - t| in u, 2 or 1.

    Raises:
        TypeError: input or target is not complex.
        ValueError: their shapes differ, ``reduction`` is unknown or ``power`` is neither 1 nor 2.

    Example:
        >>> LogCoshLoss()(torch.tensor([30 + 40j]), torch.tensor([0j]))
        tensor(2499.3069)
        >>> LogCoshLoss(power=1)(torch.tensor([30 + 40j]), torch.tensor([0j]))
        tensor(49.3069)
    """

    shown = ("power",)

    def __init__(self, reduction: str = "mean", power: int = 2) -> None:
        super().__init__(reduction)
        if power not in (1, 2):
            raise ValueError(f"power must be 1 or 2, got {power}")
        self.power = power

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.log_cosh_loss(input, target, self.reduction, self.power)


class CauchyLoss(Reduced):
    """Cauchy's loss: the mean of c^2 / 2 ln(1 + |z - t|^2 / c^2) (Hänsch 2010, eq. 13).

    |d|^2 / 2 for small errors; for large ones it grows as the logarithm, so that an outlier pulls with the force
    c^2 / |d|. Input and target complex64 or complex128, of one shape; output real, a number or, with
    ``reduction="none"``, of that shape. Unchanged by a phase common to input and target.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        scale: c, where the pull is largest, in units of the signal.

    Raises:
        TypeError: input or target is not complex.
        ValueError: their shapes differ, ``reduction`` is unknown or ``scale`` is not above zero.

    Example:
        >>> CauchyLoss()(torch.tensor([3 + 4j]), torch.tensor([0j]))
        tensor(1.6290)
    """

    shown = ("scale",)

    def __init__(self, reduction: str = "mean", scale: float = 1.0) -> None:
        super().__init__(reduction)
        if not scale > 0:
            raise ValueError(f"scale must be above 0, got {scale}")
        self.scale = scale

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cauchy_loss(input, target, self.reduction, self.scale)

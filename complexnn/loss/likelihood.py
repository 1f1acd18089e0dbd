"""Losses that are negative log-likelihoods."""

from __future__ import annotations

import torch
from torch import nn

from complexnn import functional as F


class GaussianNLLLoss(nn.GaussianNLLLoss):
    """Negative log-likelihood of a complex normal distribution, circular or not.

    With d = t - z, variance v = E|d|^2 and pseudo-variance c = E d^2, |c| <= v, the loss is the mean of

        ln(v^2 - |c|^2) / 2 + (v |d|^2 - Re(conj(c) d^2)) / (v^2 - |c|^2)  [+ ln pi]

    (van den Bos 1995; Picinbono 1996), which is ln v + |d|^2 / v for a circular one, c = 0. Its mean is least where
    z, v and c are the moments of the target.

    Called with input, target, var and, if it is not zero, pseudo_var. Input z and target t are complex64 or complex128
    of one shape; var is a real number, or real, and pseudo_var complex, of that shape, of that shape with dimensions of
    size one, or without the last dimension. The output is real, a number or, with ``reduction="none"``, of the
    input's shape. A network keeps |c| < v with, say, c = v tanh(|q|) q / |q|. Unchanged by a phase common to
    input and target where c = 0; else c turns by twice the angle.

    Args:
        full: whether to add the constant ln pi.
        eps: the least var, and the least (v^2 - |c|^2) / v; what is below is lifted to it, and keeps its gradient.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        TypeError: input, target or pseudo_var is not complex, or var is not real.
        ValueError: shapes do not fit, var has a negative entry, pseudo_var one above var in modulus, ``eps`` is
            negative, or ``reduction`` is unknown. Compiled code does not look at the values.

    Example:
        >>> target, var = torch.tensor([1 + 1j]), torch.tensor([2.0])
        >>> GaussianNLLLoss()(torch.tensor([0j]), target, var)
        tensor(1.6931)
        >>> GaussianNLLLoss()(torch.tensor([0j]), target, var, torch.tensor([1j]))
        tensor(1.2160)
    """

    def forward(
        self,
        input: torch.Tensor,
        target: torch.Tensor,
        var: torch.Tensor | float,
        pseudo_var: torch.Tensor | None = None,
    ) -> torch.Tensor:
        return F.gaussian_nll_loss(input, target, var, pseudo_var, self.full, self.eps, self.reduction)

    def extra_repr(self) -> str:
        return f"full={self.full}, eps={self.eps}, reduction={self.reduction!r}"


class CrossEntropyLoss(nn.CrossEntropyLoss):
    """Cross-entropy of a softmax over a real function of complex scores: of |z| or of Re z.

    Input ``(C,)``, ``(N, C)`` or ``(N, C, *)``, complex64 or complex128; target as of
    :class:`torch.nn.CrossEntropyLoss`, whose signature this is: indices of classes, or real probabilities. With
    ``part="modulus"`` the loss is invariant to phase, and no logit is below zero; with ``part="real"`` it is torch's
    loss of the real part.

    Args:
        weight: a real weight for each class.
        ignore_index: a target index that does not count.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: how much of the target is spread evenly over the classes, from 0 to 1.
        part: ``"modulus"`` or ``"real"``.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``part`` or ``reduction`` is unknown.

    Example:
        >>> scores, target = torch.tensor([[3j, -1 + 0j]]), torch.tensor([0])
        >>> CrossEntropyLoss()(scores, target), CrossEntropyLoss(part="real")(scores, target)
        (tensor(0.1269), tensor(0.3133))
    """

    def __init__(
        self,
        weight: torch.Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        part: str = "modulus",
    ) -> None:
        super().__init__(weight, size_average, ignore_index, reduce, reduction, label_smoothing)
        if part not in ("modulus", "real"):
            raise ValueError(f"part must be 'modulus' or 'real', got {part!r}")
        self.part = part

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing, self.part
        )

    def extra_repr(self) -> str:
        text = f"reduction={self.reduction!r}, part={self.part!r}"
        if self.ignore_index != -100:
            text += f", ignore_index={self.ignore_index}"
        if self.label_smoothing:
            text += f", label_smoothing={self.label_smoothing}"
        return text

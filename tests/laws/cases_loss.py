"""Losses, each element or sample by itself: a phase common to input and target leaves them as they are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

import complexnn
from tests.laws.case import Case
from tests.laws.cases_pooling import plain


def pair(dtype: torch.dtype) -> tuple[Tensor, ...]:
    return torch.randn(4, 3, 5, dtype=dtype), torch.randn(4, 3, 5, dtype=dtype)


def moments(dtype: torch.dtype, circular: bool = False) -> tuple[Tensor, ...]:
    var = torch.rand(4, 3, 5, dtype=dtype.to_real()) + 0.5
    pseudo = 0.3 * var * torch.randn(4, 3, 5, dtype=dtype).sgn()
    return (*pair(dtype), var) if circular else (*pair(dtype), var, pseudo)


def scores(dtype: torch.dtype) -> tuple[Tensor, ...]:
    return torch.randn(4, 3, 5, dtype=dtype), torch.randint(0, 3, (4, 5))


def weighted(device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> nn.Module:
    weight = torch.tensor([1.0, 2.0, 0.5], device=device, dtype=None if dtype is None else dtype.to_real())
    return complexnn.CrossEntropyLoss(weight, reduction="none", label_smoothing=0.1)


def invariant(name: str, make: Callable[..., nn.Module]) -> Case:
    return Case(name, make, (4, 3, 5), phase=True, conjugation=True, inputs=pair)


CASES: list[Case] = [
    invariant("MSELoss", plain(complexnn.MSELoss, reduction="none")),
    invariant("L1Loss", plain(complexnn.L1Loss, reduction="none")),
    invariant("HuberLoss", plain(complexnn.HuberLoss, "none", 1.5)),
    invariant("LogCoshLoss", plain(complexnn.LogCoshLoss, "none")),
    invariant("LogCoshLoss-1", plain(complexnn.LogCoshLoss, "none", power=1)),
    invariant("CauchyLoss", plain(complexnn.CauchyLoss, "none", scale=0.5)),
    invariant("PhaseLoss", plain(complexnn.PhaseLoss, "none")),
    invariant("PhaseLoss-wrapped", plain(complexnn.PhaseLoss, "none", form="wrapped")),
    invariant("SISNRLoss", plain(complexnn.SISNRLoss, reduction="none")),
    Case(
        "GaussianNLLLoss",
        plain(complexnn.GaussianNLLLoss, full=True, reduction="none"),
        (4, 3, 5),
        phase=False,  # the pseudo-variance, a second moment, turns by twice the angle
        conjugation=True,
        inputs=moments,
        skip=frozenset({"independence"}),  # it puts numbers below zero in place of the variance
    ),
    Case(
        "GaussianNLLLoss-circular",
        plain(complexnn.GaussianNLLLoss, reduction="none"),
        (4, 3, 5),
        phase=True,
        conjugation=True,
        inputs=lambda dtype: moments(dtype, circular=True),
        skip=frozenset({"independence"}),
    ),
    Case("CrossEntropyLoss", weighted, (4, 3, 5), phase=True, conjugation=True, inputs=scores),
    Case(
        "CrossEntropyLoss-real",
        plain(complexnn.CrossEntropyLoss, reduction="none", part="real"),
        (4, 3, 5),
        conjugation=True,
        inputs=scores,
    ),
]

"""One public module under the common laws: how to make it, what to feed it, which symmetries it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A module in one configuration. ``make(device=, dtype=)`` builds it for signals of that complex dtype."""

    name: str
    make: Callable[..., nn.Module]
    shape: tuple[int, ...]  # of a batched input, more than one sample, more than one channel
    phase: bool = False  # f(e^{ja} z) = e^{ja} f(z)
    conjugation: bool = False  # f(conj z) = conj f(z)
    independent: bool = True  # no sample depends on another
    smooth: bool = True  # differentiable at generic points: gradcheck applies
    random: bool = False  # draws while training: laws on values use eval mode
    inputs: Callable[[torch.dtype], tuple[Tensor, ...]] | None = None  # instead of one complex normal tensor
    skip: frozenset[str] = frozenset()  # laws that do not apply, by name, with the reason beside the case

"""One public module under the common laws: how to make it, what to feed it, which symmetries it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

# The names that a Case may skip, one to a law of test_modules.py:
#   contract     device, dtype, meta, deepcopy, pickle, state_dict, reset_parameters, repr, input left as it was
#   gradcheck    derivatives equal finite differences in complex128
#   zero         finite values and gradients at z = 0, -0 and 1e-30
#   finite       finite values and gradients at whatever complex_tensors draws up to 1e6
#   empty        an empty batch has an empty output and a gradient of zero
#   backward     backward() through the default arguments reaches every parameter
#   independence no sample depends on another (`independent`)
#   channels     no channel of an activation, a pooling, a dropout, a batch or an instance norm depends on another
#   phase, conjugation   as declared, and really broken where declared False
#   layout       conjugate views and non-contiguous tensors as their contiguous copies
#   precision    complex64 agrees with complex128
#   default_dtype        under float64 the default is complex128
#   compile      torch.compile(fullgraph=True) agrees with eager


@dataclass(frozen=True)
class Case:
    """A module in one configuration. ``make(device=, dtype=)`` builds it for signals of that complex dtype."""

    name: str
    make: Callable[..., nn.Module]
    shape: tuple[int, ...]  # of a batched input, more than one sample, more than one channel
    phase: bool = False  # f(e^{ja} z) = e^{ja} f(z); a real output does not turn
    conjugation: bool = False  # f(conj z) = conj f(z)
    independent: bool = True  # no sample depends on another
    smooth: bool = True  # differentiable at generic points: gradcheck applies
    random: bool = False  # draws while training: laws on values use eval mode
    inputs: Callable[[torch.dtype], tuple[Tensor, ...]] | None = None  # instead of one complex normal tensor
    skip: frozenset[str] = frozenset()  # laws that do not apply, by name, with the reason beside the case

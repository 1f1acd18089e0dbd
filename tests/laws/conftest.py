"""What the laws of contexts share: the families, and how a model is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import pytest
import torch
from hypothesis import Phase, settings
from torch import Tensor

import psp
from psp.contexts import Context, Family, Periodic

Make = Callable[..., Family]

MAKE: dict[str, Make] = {
    "Identity": psp.Identity,
    "Binary": psp.Binary,
    "Complex": psp.Complex,
    "OnePower": psp.OnePower,
    "Rotation": psp.Rotation,
    "BlockRotation-1": partial(psp.BlockRotation, block=1),
    "BlockRotation-3": partial(psp.BlockRotation, block=3),
    "BlockRotation-8": partial(psp.BlockRotation, block=8),
    "SignedPermutation": psp.SignedPermutation,
    "Hadamard": psp.Hadamard,
    "LocalMix-2": partial(psp.LocalMix, period=2),
    "LocalMix-10": partial(psp.LocalMix, period=10),
    "Kernel-7": partial(psp.Kernel, period=7),
    "Kernel-1000": partial(psp.Kernel, period=1000, bandwidth=20.0),
}


def every(names: Iterable[str]) -> pytest.MarkDecorator:
    """Run a test for each of the families of these names, as its argument ``make``."""
    return pytest.mark.parametrize("make", [pytest.param(MAKE[name], id=name) for name in names])


def periodic(make: Make) -> bool:
    """Whether the contexts of a family come round again, and overlap on purpose."""
    return isinstance(make(seed=0), Periodic)


every_family = every(MAKE)
every_random_family = every(name for name in MAKE if name != "Identity")
every_independent_family = every(n for n, make in MAKE.items() if n != "Identity" and not periodic(make))
every_real_family = every(n for n, make in MAKE.items() if n not in ("Complex", "OnePower") and not periodic(make))

# The same examples in every run, and no time limit on one: the machine may be busy.
law = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=set(Phase) - {Phase.explain},
)


def double(family: Family) -> torch.dtype:
    """The dtype of double precision that a family works in."""
    return torch.complex128 if family.needs_complex else torch.float64


def store(context: Context, weight: Tensor, task: int | Tensor) -> Tensor:
    """W C^-1, the form in which a weight of shape (..., outputs, width) is stored (eq. 1)."""
    # C is unitary, so row by row W C^-1 = (conj(C) W^T)^T, and conj(C) v = conj(C conj(v)).
    return context(weight.conj(), task).conj().resolve_conj()

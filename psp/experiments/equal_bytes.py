"""Protected superposition, and what the same bytes buy otherwise."""

from __future__ import annotations

import math
from typing import Any

from psp.config import Config
from psp.experiments.base import PROTECTED, Experiment, Found, config, percent
from psp.experiments.fig3 import OURS, draw

INPUTS, CLASSES = 784, 10
# How many numbers a rule keeps for one of its network. Strengths by `psp tune`, see docs/results.md.
KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "pspBinary": (1, {"context": "binary"}),
    "pspBinary, online EWC": (3, {"context": "binary", "method": "online-ewc", "strength": 3.0}),
    "online EWC": (3, {"context": "identity", "method": "online-ewc", "strength": 10.0}),
    "SI": (4, {"context": "identity", "method": "si", "strength": 10.0}),
}


def network(width: int) -> int:
    """The numbers of a network with two hidden layers."""
    return (INPUTS + 1) * width + (width + 1) * width + (width + 1) * CLASSES


def protected(width: int) -> int:
    """The numbers that a protected one keeps: itself, its weights as of the last projection, and P of every layer."""
    biases = 2 * width + CLASSES
    return 2 * network(width) - biases + INPUTS**2 + 2 * width**2


def widest(numbers: float) -> int:
    """Units a layer of the largest network of at most so many numbers."""
    half = (INPUTS + 2 + CLASSES) / 2
    return int(math.sqrt(half**2 + numbers - CLASSES) - half)


def _entries(quick: bool) -> dict[str, Config]:
    base = 32 if quick else 256
    less = {"tasks": 10, "steps": 200} if quick else {}
    others = {
        f"{label}, {(width := widest(protected(base) / times))} units": config(**less | changes | {"width": width})
        for label, (times, changes) in KINDS.items()
    }
    return {f"{OURS}, {base} units": config(**PROTECTED | less | {"width": base})} | others


def _tell(found: Found) -> str:
    said = [
        f"{label} ({results[0].kept / 1e6:.1f} MB) {percent(r.summary()['first'] for r in results)} on the first, "
        f"{percent(r.summary()['all'] for r in results)} on all"
        for label, results in found.items()
    ]
    return f"After the last task: {'; '.join(said)}."


EXPERIMENT = Experiment(
    name="equal-bytes",
    title="Fifty permutations of MNIST, each method with the bytes of a protected network of 256 units",
    paper="says nothing of this: protection is psp's own. Without it, the same bytes make a wider network, or hold a "
    "penalty.",
    shortened="ten tasks of 200 steps, and the bytes of 32 units, instead of fifty of 1,000, and 256 units",
    entries=_entries,
    draw=draw,
    tell=_tell,
)

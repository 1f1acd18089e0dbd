"""Figure 3, left: what families of contexts remember of permuted MNIST."""

from __future__ import annotations

from matplotlib.figure import Figure

from psp.config import Config
from psp.experiments.base import PROTECTED, Experiment, Found, config, curves, percent

KINDS = {
    "pspRotation": "rotation",
    "pspOnepower": "onepower",
    "pspComplex": "complex",
    "pspBinary": "binary",
    "standard": "identity",
}
OURS = "pspBinary protected"  # not in the paper


def _entries(quick: bool) -> dict[str, Config]:
    less = {"tasks": 10, "steps": 200, "width": 128} if quick else {}
    return {label: config(context=context, **less) for label, context in KINDS.items()} | {
        OURS: config(**PROTECTED | less)
    }


def draw(figure: Figure, found: Found) -> None:
    """Every curve, of the first task."""
    axes = figure.subplots()
    curves(axes, found)
    axes.set(ylim=(0, 100), title="The first permutation, while others are learned")
    axes.legend(fontsize="small", loc="lower left")


def order(found: Found) -> str:
    """The labels from the best to the worst by the first task, then by all tasks, with their figures."""
    parts = {}
    for part, name in (("first", "the first task"), ("all", "all tasks")):
        means = {label: [r.summary()[part] for r in results] for label, results in found.items()}
        ranked = sorted(means, key=lambda label: -sum(means[label]) / len(means[label]))
        parts[name] = ", ".join(f"{label} {percent(means[label])}" for label in ranked)
    return "; ".join(f"on {name}, after the last: {said}" for name, said in parts.items())


def _tell(found: Found) -> str:
    return f"From the best to the worst {order(found)}."


EXPERIMENT = Experiment(
    name="fig3",
    title="Figure 3, left: the first of fifty permutations of MNIST, by the family of contexts, 256 units",
    paper="Rotation is above Complex above Binary, as by the numbers that another model costs; all are far above "
    "the standard network.",
    shortened="ten tasks of 200 steps in a network of 128 units, instead of fifty tasks of 1,000 and 256 units",
    entries=_entries,
    draw=draw,
    tell=_tell,
)

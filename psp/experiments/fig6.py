"""Figure 6: incremental CIFAR with a ResNet-18."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from psp.config import Config
from psp.experiments.base import PROTECTED, Experiment, Found, config, curves, learned, percent

KINDS: dict[str, dict[str, Any]] = {
    "pspBinary": {"context": "binary"},
    "multi-head": {"context": "multihead"},
    "standard": {"context": "identity"},
    "pspBinary protected": PROTECTED | {"lr": 1e-3},
}
NORMS = {"static": "static norms", "per-task": "a task's own norms"}


def _entries(quick: bool) -> dict[str, Config]:
    full = {"stream": "incremental-cifar", "tasks": 5, "steps": 20_000, "width": 64, "lr": 1e-3, "every": 500}
    less = {"steps": 150, "width": 8, "every": 75, "batch_size": 64, "size": 16} if quick else {}
    return {
        f"{kind}-ResNet18, {told}": config(norm=norm, **full | less | changes)
        for norm, told in NORMS.items()
        for kind, changes in KINDS.items()
    }


def _draw(figure: Figure, found: Found) -> None:
    for axes, told in zip(figure.subplots(1, 2, sharey=True), NORMS.values(), strict=True):
        curves(axes, found, [label for label in found if label.endswith(told)])
        axes.set(title=told, ylim=(0, 100), ylabel="accuracy on CIFAR-10 (%)")
        axes.legend(axes.get_lines(), list(KINDS), fontsize="small", loc="best")


def _tell(found: Found) -> str:
    said = []
    for label, results in found.items():
        fresh = percent(map(learned, results))
        said.append(f"{label}: {fresh} when learned, {percent(r.summary()['first'] for r in results)} in the end")
    return f"Accuracy on CIFAR-10, the first of five tasks. {'; '.join(said)}."


EXPERIMENT = Experiment(
    name="fig6",
    title="Figure 6: CIFAR-10, and after it four tens of classes of CIFAR-100, in one ResNet-18",
    paper="pspBinary is virtually unaffected by the later tasks, the multi-head network loses much, the standard one "
    "nearly all. The protected network is not in the paper.",
    shortened="150 steps a task instead of 20,000, batches of 64, images of 16x16, an eighth of the channels",
    entries=_entries,
    draw=_draw,
    tell=_tell,
)

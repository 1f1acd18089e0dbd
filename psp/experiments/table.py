"""Figure 3, right: the table of methods on fifty permutations of MNIST."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from psp.config import Config
from psp.experiments.base import PROTECTED, Experiment, Found, config, percent
from psp.metrics import mean_interval

PAPER = {"standard": 61.8, "EWC": 97.0, "SI": 97.2, "pspBinary": 97.6, "pspComplex": 97.4, "pspOnepower": 97.2}
# Strengths by `psp tune` at 256 units, see docs/results.md.
ROWS: dict[str, dict[str, Any]] = {
    "standard": {"context": "identity"},
    "EWC": {"context": "identity", "method": "ewc", "strength": 1.0},
    "online EWC": {"context": "identity", "method": "online-ewc", "strength": 10.0},
    "SI": {"context": "identity", "method": "si", "strength": 10.0},
    "replay": {"context": "identity", "method": "replay"},
    "pspBinary": {"context": "binary"},
    "pspComplex": {"context": "complex"},
    "pspOnepower": {"context": "onepower"},
    "pspRotation": {"context": "rotation"},
    "pspBinary protected": PROTECTED,
    "standard protected": PROTECTED | {"context": "identity"},
    "multi-head": {"context": "multihead"},
    "XdG": {"context": "xdg"},
    "XdG and SI": {"context": "xdg", "method": "si", "strength": 10.0},
    "BatchEnsemble": {"context": "batchensemble"},
    "SupSup": {"context": "supsup"},
    "joint": {"context": "identity", "method": "joint"},
    "one network a task": {"context": "separate"},
}


def _entries(quick: bool) -> dict[str, Config]:
    less = {"tasks": 10, "steps": 200, "width": 128, "every": 200} if quick else {"width": 2048, "every": 1000}
    return {label: config(**less | changes) for label, changes in ROWS.items()}


def _draw(figure: Figure, found: Found) -> None:
    axes = figure.subplots()
    labels = list(found)[::-1]
    spread = [mean_interval([100 * r.summary()["last"] for r in found[label]]) for label in labels]
    means, halves = zip(*spread, strict=True)
    error = None if len(found[labels[0]]) == 1 else halves
    bars = axes.barh(labels, means, xerr=error, color="tab:blue", height=0.8)
    axes.bar_label(bars, fmt="{:.1f}", label_type="center", color="white", fontsize="small")
    for place, label in enumerate(labels):
        if label in PAPER:
            axes.plot([PAPER[label]] * 2, [place - 0.4, place + 0.4], color="tab:red")
    run = found[labels[0]][0].config
    axes.set(
        xlabel="accuracy on the last ten tasks (%); red: as the paper prints it, of a width that it does not state"
    )
    axes.set(xlim=(0, 100), title=f"{run.stream}, {run.tasks} tasks, {run.size_in_words}")
    axes.spines[["top", "right"]].set_visible(False)


def _tell(found: Found) -> str:
    last = {label: percent(r.summary()["last"] for r in results) for label, results in found.items()}
    beside = ", ".join(f"{label} {last[label]} (paper {PAPER[label]})" for label in PAPER if label in found)
    told = ", ".join(f"{label} {last[label]}" for label in found if label not in PAPER)
    return f"On the last ten tasks: {beside}; not in the paper: {told}."


EXPERIMENT = Experiment(
    name="table",
    title="Figure 3, right: the last ten of fifty permutations of MNIST, by method",
    paper="; ".join(f"{label} {value}" for label, value in PAPER.items()) + ". EWC and SI are quoted from another "
    "setting, ten tasks of twenty epochs in Zenke et al. 2017.",
    shortened="ten tasks of 200 steps in a network of 128 units, instead of fifty tasks of 1,000 and 2048 units; the "
    "last half of the tasks in the place of the last ten",
    entries=_entries,
    draw=_draw,
    tell=_tell,
)

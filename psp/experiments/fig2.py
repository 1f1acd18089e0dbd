"""Figure 2: how the width of the network matters to what it remembers of permuted MNIST."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from psp.config import Config
from psp.experiments.base import PROTECTED, Experiment, Found, config, curves, learned, percent

KINDS: dict[str, dict[str, Any]] = {
    "standard": {"context": "identity"},
    "pspBinary": {"context": "binary"},
    "pspBinary protected": PROTECTED,
}


def _entries(quick: bool) -> dict[str, Config]:
    widths = (64, 128, 256) if quick else (128, 256, 512, 1024, 2048)
    less = {"tasks": 10, "steps": 200} if quick else {}
    return {
        f"{kind}, {width} units": config(width=width, every=1000 if width > 512 else 100, **changes, **less)
        for kind, changes in KINDS.items()
        for width in widths
    }


def _draw(figure: Figure, found: Found) -> None:
    for axes, kind in zip(figure.subplots(1, 3, sharey=True), KINDS, strict=True):
        by_width = {label.split(", ")[1]: results for label, results in found.items() if label.startswith(f"{kind},")}
        curves(axes, by_width)
        run = next(iter(by_width.values()))[0].config
        if run.tasks > 10:
            axes.axvline(10 * run.steps, color="tab:red", linestyle=":", linewidth=1, label="ten tasks")
        axes.set(title=kind, ylim=(0, 100))
        axes.legend(fontsize="small", loc="best")


def _tell(found: Found) -> str:
    tasks = next(iter(found.values()))[0].config.tasks
    first = {label: percent(r.summary()["first"] for r in results) for label, results in found.items()}
    fresh = {label: percent(map(learned, results)) for label, results in found.items()}
    said = "; ".join(f"{label}: {fresh[label]} when learned, {first[label]} in the end" for label in found)
    return f"Accuracy on the first task after all {tasks}. {said}."


EXPERIMENT = Experiment(
    name="fig2",
    title="Figure 2: the first of fifty permutations of MNIST, by the width of the network",
    paper="without contexts networks of all widths forget the first task, wider ones a little less; pspBinary "
    "forgets less the wider it is, and with 2048 units the first task is virtually unchanged after 49 others. The "
    "protected network is not in the paper.",
    shortened="ten tasks of 200 steps, and 64, 128 and 256 units, instead of fifty tasks of 1,000 and up to 2048 units",
    entries=_entries,
    draw=_draw,
    tell=_tell,
)

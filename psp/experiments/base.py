"""What every figure and table of the paper is made of: runs, a drawing, and what is said of it."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from psp import files, plots
from psp.config import Config
from psp.metrics import mean_interval
from psp.run import Result

Found = dict[str, list[Result]]  # label -> one result a seed


Rows = list[list[object]]

COLOURS = {  # of a network, the same in every figure
    "standard": "tab:gray",
    "pspBinary": "tab:blue",
    "pspBinary protected": "tab:green",
    "pspComplex": "tab:orange",
    "pspOnepower": "tab:red",
    "pspRotation": "tab:purple",
    "multi-head": "tab:brown",
    "pspLocalMix": "tab:brown",
    "pspFast": "tab:pink",
    "pspFastLocalMix": "tab:cyan",
    "pspFastKernel": "tab:olive",
}


def measurements(found: Found) -> Rows:
    """Every measurement of every run, under a line of names."""
    names: list[object] = ["label", "seed", "step", "task", "accuracy"]
    return [names] + [
        [label, result.config.seed, m.step, m.task, m.accuracy]
        for label, results in found.items()
        for result in results
        for m in result.measured
    ]


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A figure or table: what is trained for it, how it is drawn, what it tells.

    Args:
        name: such as ``fig2``.
        title: what it shows.
        paper: what the paper says of it.
        shortened: what ``--quick`` leaves out.
        entries: from ``quick`` to the configuration, at any seed, of every label.
        draw: draws what was found on an empty figure.
        tell: the paragraph on what was found.
        rows: what the CSV file holds.
    """

    name: str
    title: str
    paper: str
    shortened: str
    entries: Callable[[bool], dict[str, Config]]
    draw: Callable[[Figure, Found], None]
    tell: Callable[[Found], str]
    rows: Callable[[Found], Rows] = measurements


def config(**changes: Any) -> Config:
    """The paper's protocol on permuted MNIST, with ``changes``."""
    protocol: dict[str, Any] = {
        "stream": "permuted-mnist",
        "context": "binary",
        "tasks": 50,
        "steps": 1000,
        "width": 256,
        "seed": 1,
        "batch_size": 128,
        "lr": 1e-4,
        "every": 100,
        "matrix": False,
        "threads": 1,
        "device": "cpu",
    }
    return Config(**protocol | changes)


# psp's own beside the paper's rows: see docs/protected.md for the strength, the optimiser and its rate.
PROTECTED: dict[str, Any] = {"context": "binary", "method": "protected", "strength": 0.2, "lr": 3e-4}


def folder(config: Config) -> str:
    """The name of a run's folder: readable, and different for different configurations."""
    described = json.dumps(config.chosen(), sort_keys=True)
    digest = hashlib.blake2b(described.encode(), digest_size=4).hexdigest()
    network = f"{'resnet18' if config.resnet else config.hidden}x{config.width}"
    return f"{config.stream}-{config.context}-{config.method}-{network}-seed{config.seed}-{digest}"


def percent(values: Iterable[float]) -> str:
    """Mean and 95 % interval of shares, in percent; the mean alone of one value."""
    shares = [100 * value for value in values]
    mean, half = mean_interval(shares)
    return f"{mean:.1f}" if len(shares) < 2 else f"{mean:.1f} ± {half:.1f}"


def learned(result: Result) -> float:
    """The accuracy on the first task when its first visit ends, or at the first measurement after that."""
    return next(accuracy for step, accuracy in result.curve() if step >= result.config.steps)


def curves(axes: Any, found: Found, labels: Iterable[str] | None = None, linewidth: float = 1.2) -> None:
    """Accuracy on the first task by training step: the mean of the seeds, and its 95 % interval as a band."""
    for label in found if labels is None else labels:
        colour = COLOURS.get(re.split("-ResNet|,", label)[0])
        runs = [result.curve() for result in found[label]]
        steps = [step for step, _ in runs[0]]
        band = [mean_interval([100 * accuracy for _, accuracy in point]) for point in zip(*runs, strict=True)]
        (line,) = axes.plot(steps, [mean for mean, _ in band], color=colour, label=label, linewidth=linewidth)
        if len(runs) > 1:
            low, high = zip(*((mean - half, mean + half) for mean, half in band), strict=True)
            axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 10k in the place of 10000
    axes.set(xlabel="training step", ylabel="accuracy on the first task (%)")
    axes.spines[["top", "right"]].set_visible(False)


def table(found: Found) -> list[str]:
    """What every run ended with, as lines of Markdown."""
    lines = [
        "| | first task | last | all | told at test time | kept (kB) | seeds | seconds a seed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for label, results in found.items():
        parts = [percent(result.summary()[part] for result in results) for part in ("first", "last", "all")]
        seconds = sum(result.seconds for result in results) / len(results)
        kept = f"{results[0].kept / 1000:,.0f}"
        lines.append(f"| {label} | {' | '.join(parts)} | {results[0].told} | {kept} | {len(results)} | {seconds:.0f} |")
    return lines


def departures(experiment: Experiment, quick: bool, changes: Mapping[str, Any]) -> str:
    """How the runs depart from the protocol, in words; empty if they do not."""
    protocol = next(iter(experiment.entries(quick).values()), None)
    changed = []
    for field, value in changes.items():
        if getattr(protocol, field, value) != value:
            before = getattr(protocol, field)
            changed.append(f"{field.replace('_', ' ')} {value}" + ("" if before is None else f" instead of {before}"))
    said = [f"Shortened: {experiment.shortened}."] if quick else []
    return " ".join(said + ([f"Changed: {', '.join(changed)}."] if changed else []))


def spread(found: Found) -> str:
    """How many seeds there are of everything, in words; empty where there is nothing."""
    seeds = len(next(iter(found.values()), []))
    return {0: "", 1: "One seed."}.get(seeds, f"Means and 95 % intervals of {seeds} seeds.")


def write(
    experiment: Experiment, found: Found, quick: bool, out: Path, changes: Mapping[str, Any] | None = None
) -> None:
    """The figure as PNG and SVG, every measurement as CSV, the paragraph and the table as Markdown."""
    departs = departures(experiment, quick, changes or {})
    out.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    experiment.draw(figure, found)
    if beneath := "\n".join(said for said in (departs, spread(found)) if said):
        figure.supxlabel(beneath, fontsize="small", color="0.4")
    for kind in ("png", "svg"):
        plots.save(figure, out / f"{experiment.name}.{kind}")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(experiment.rows(found))
    files.write_text(out / f"{experiment.name}.csv", text.getvalue())
    said = [f"# {experiment.title}", "", f"The paper: {experiment.paper}", ""]
    if departs:
        said += [departs, ""]
    said.append(experiment.tell(found))
    if found:
        said += ["", f"Accuracies are in percent on test images. {spread(found)}", "", *table(found)]
    files.write_text(out / f"{experiment.name}.md", "\n".join(said) + "\n")
    configs = {label: [dataclasses.asdict(result.config) for result in results] for label, results in found.items()}
    files.write_json(out / f"{experiment.name}.json", {"quick": quick, "runs": configs})

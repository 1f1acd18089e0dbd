"""Figures of runs."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from psp import files
from psp.run import Result
from psp.train import final


def remembered(results: list[Result], path: Path) -> None:
    """Draw what each run remembers: the first task while others are learned, and every task at the end."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for result in results:
        steps, accuracy = zip(*result.curve(), strict=True)
        left.plot(steps, [100 * a for a in accuracy], label=result.config.context, linewidth=1.2)
        tasks = [(m.task + 1, 100 * m.accuracy) for m in final(result.measured, result.config.total)]
        right.plot(*zip(*tasks, strict=True), ".-", linewidth=0.8, markersize=5)
    config = results[0].config
    visit = config.total // (config.tasks if config.cycles == 1 else config.cycles)  # or cycle, where there are several
    for boundary in range(visit, config.total, visit):
        left.axvline(boundary, color="0.9", linewidth=0.5, zorder=0)
    left.set(xlabel="training step", ylabel="test accuracy (%)", title="The first task, while others are learned")
    right.set(xlabel="task, in the order learned", title="Every task, after the last step")
    left.legend(loc="lower left", fontsize="small")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"{config.stream}: {config.tasks} tasks of {config.steps} steps, {config.size_in_words}, seed {config.seed}",
        fontsize="medium",
    )
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the path's suffix names; PNG where it has none."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix.removeprefix(".") or "png", dpi=130)
    files.write_bytes(path, drawn.getvalue())

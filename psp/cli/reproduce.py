"""``psp reproduce`` and ``psp report``."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from psp.cli import options
from psp.cli.console import StopOnSignal, console
from psp.config import Config
from psp.errors import UserError
from psp.experiments import EXPERIMENTS
from psp.report import report
from psp.reproduce import planned, reproduce


def reproduce_command(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(EXPERIMENTS)}.")],
    quick: Annotated[bool, typer.Option("--quick", help="Minutes on two cores; says what it shortens.")] = False,
    seeds: Annotated[int, typer.Option(help="Seeds, from 1 up.")] = 3,
    jobs: Annotated[int | None, typer.Option(help="Processes side by side; by default one a core.")] = None,
    device: options.Device = "cpu",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="FIELD=VALUE of every run, such as width=256; again for more.")
    ] = None,
    data: options.Data = None,
    download: options.Download = False,
    out: Annotated[Path, typer.Option(help="Folder of all that is reproduced.")] = Path("runs"),
    resume: options.Resume = False,
) -> None:
    """Reproduce a figure or table of the paper: a figure (PNG and SVG), a CSV file, a paragraph.

    What is trained lies in OUT/trained, where figures share it; what is drawn and said of it in OUT/NAME.
    """
    changes = {"device": device} | dict(_change(said) for said in change or [])
    total = {
        folder: config.total
        for configs in planned(name, quick, seeds, out, changes).values()
        for folder, config in configs.items()
    }
    done = dict.fromkeys(total, 0)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps, {task.fields[finished]} of " + f"{len(total)} runs"),
        TimeRemainingColumn(),
    )
    with StopOnSignal() as stop, Progress(*columns, console=console, refresh_per_second=4) as progress:
        bar = progress.add_task(name, total=sum(total.values()), finished=0)

        def on_progress(folder: Path, step: int) -> None:
            done[folder] = max(step, done[folder])
            finished = sum(done[run] == total[run] for run in total)
            progress.update(bar, completed=sum(done.values()), finished=finished)

        side_by_side = (os.cpu_count() or 1) if jobs is None else jobs
        reproduce(
            name, quick, seeds, side_by_side, out, data, download, resume, changes, on_progress, lambda: stop.asked
        )
    console.print((out / name / f"{name}.md").read_text(), soft_wrap=True, markup=False)
    console.print(f"figure: {out / name / name}.png", soft_wrap=True)


def _change(said: str) -> tuple[str, Any]:
    """A field of a configuration and its value, from FIELD=VALUE."""
    name, equals, value = said.partition("=")
    kinds: dict[str, Any] = {
        "int": int,
        "int | None": int,
        "float": float,
        "float | None": float,
        "str": str,
        "str | None": str,
    }
    known = {field.name: kinds[str(field.type)] for field in dataclasses.fields(Config) if field.type in kinds}
    if not equals or name not in known:
        raise UserError(f"--set expects FIELD=VALUE with a field among {', '.join(known)}, got {said}")
    try:
        return name, known[name](value)
    except ValueError as error:
        raise UserError(f"{name} must be a number ({known[name].__name__}), got {value}") from error


def report_command(
    runs: Annotated[Path, typer.Argument(help="The folder that psp reproduce wrote into.")] = Path("runs"),
) -> None:
    """Write one self-contained page, report.html, of everything that was reproduced."""
    console.print(f"report: {report(runs)}", soft_wrap=True)

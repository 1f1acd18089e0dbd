"""The command line: ``psp run``, ``psp tune``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from psp import plots
from psp.choice import FAMILIES, METHODS, STRENGTHS, TOLD, spelled
from psp.errors import UserError
from psp.run import Config, Result, Stopped, check_folder, run
from psp.streams.named import KINDS
from psp.train import Training
from psp.tune import tune

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console()
STREAMS = f"KIND-DATASET: {', '.join(KINDS)} of digits (embedded), mnist, fashion-mnist, ..."


@app.callback()
def psp() -> None:
    """Many models in one set of weights."""


@app.command("run")
def run_command(
    stream: Annotated[str, typer.Argument(help=STREAMS)],
    context: Annotated[list[str], typer.Option(help=f"One of {', '.join([*FAMILIES, *TOLD])}; again for more.")],
    tasks: Annotated[int, typer.Option(help="Tasks in the stream.")] = 50,
    cycles: Annotated[int, typer.Option(help="How often the stream visits all its tasks.")] = 1,
    width: Annotated[int, typer.Option(help="Units a hidden layer.")] = 256,
    hidden: Annotated[int, typer.Option(help="Hidden layers.")] = 2,
    steps: Annotated[int, typer.Option(help="Training steps a task.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of weights, contexts and stream.")] = 1,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 128,
    lr: Annotated[float, typer.Option(help="Learning rate of RMSprop.")] = 1e-4,
    every: Annotated[int, typer.Option(help="Steps between measurements of the first task.")] = 100,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")] = "fine-tuning",
    strength: Annotated[float | None, typer.Option(help=f"Of {', '.join(STRENGTHS)}.")] = None,
    share: Annotated[float | None, typer.Option(help="Of units off (xdg: 0.8), weights left (supsup: 0.5).")] = None,
    matrix: Annotated[bool, typer.Option("--matrix", help="Measure every task after each.")] = False,
    threads: Annotated[int | None, typer.Option(help="Threads of torch; by default torch's own choice.")] = None,
    device: Annotated[str, typer.Option(help="Where to train, as torch names it.")] = "cpu",
    data: Annotated[Path | None, typer.Option(help="Folder of torchvision's datasets.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch missing data into that folder.")] = False,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/STREAM.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that the folder holds.")] = False,
) -> None:
    """Train one network on a stream of tasks, and draw what it remembers.

    One context leaves its files in the run folder; several each have a folder inside it, and share the figure.
    """
    out = out or Path("runs") / stream
    names = [spelled(name) for name in context]
    if len(set(names)) != len(names):
        raise UserError(f"a context is named twice in {', '.join(context)}")
    configs = [
        Config(
            stream=stream.lower(),
            context=name,
            tasks=tasks,
            cycles=cycles,
            width=width,
            hidden=hidden,
            steps=steps,
            seed=seed,
            batch_size=batch_size,
            lr=lr,
            every=every,
            matrix=matrix,
            threads=torch.get_num_threads() if threads is None else threads,
            device=device,
            method=method.lower(),
            strength=strength,
            share=share,
        )
        for name in names
    ]
    single = len(configs) == 1
    if not single and (out / "config.json").exists():
        raise UserError(f"{out} holds a run of one context: choose another --out")
    folders = [out if single else out / config.context for config in configs]
    for config, folder in zip(configs, folders, strict=True):
        check_folder(config, folder, resume)
    with _StopOnSignal() as stop:
        results = [
            _run_with_progress(config, folder, data, download, resume, stop)
            for config, folder in zip(configs, folders, strict=True)
        ]
    figure = out / "figure.png"
    plots.remembered(results, figure)
    console.print(_table(results))
    console.print(f"figure: {figure}", soft_wrap=True)


@app.command("tune")
def tune_command(
    stream: Annotated[str, typer.Argument(help="permuted-DATASET, as for psp run.")],
    method: Annotated[str, typer.Option(help=f"One of {', '.join(STRENGTHS)}.")],
    strength: Annotated[list[float], typer.Option(help="To try; give it again for more.")],
    context: Annotated[str, typer.Option(help="As for psp run.")] = "identity",
    tasks: Annotated[int, typer.Option(help="Tasks in the stream: fewer than in the run itself.")] = 5,
    width: Annotated[int, typer.Option(help="Units a hidden layer.")] = 256,
    hidden: Annotated[int, typer.Option(help="Hidden layers.")] = 2,
    steps: Annotated[int, typer.Option(help="Training steps a task.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of all that is random: another one than the run's.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 128,
    lr: Annotated[float, typer.Option(help="Learning rate of RMSprop.")] = 1e-4,
    share: Annotated[float | None, typer.Option(help="Of units that xdg turns off.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of torch; by default torch's own choice.")] = None,
    device: Annotated[str, typer.Option(help="Where to train, as torch names it.")] = "cpu",
    data: Annotated[Path | None, typer.Option(help="Folder of torchvision's datasets.")] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch missing data into that folder.")] = False,
) -> None:
    """Find the best strength of a method: one short run each, measured on a held-out sixth of the training images."""
    config = Config(
        stream=stream.lower(),
        context=spelled(context),
        tasks=tasks,
        width=width,
        hidden=hidden,
        steps=steps,
        seed=seed,
        batch_size=batch_size,
        lr=lr,
        every=tasks * steps,
        matrix=False,
        threads=torch.get_num_threads() if threads is None else threads,
        device=device,
        method=method.lower(),
        strength=strength[0],
        share=share,
    )
    found = tune(config, strength, data, download, lambda s, a: console.print(f"strength {s:g}: {100 * a:.2f} %"))
    console.print(f"best: {found.best:g} ({len(strength)} runs, {found.steps:,} steps in all)")


def _run_with_progress(
    config: Config, out: Path, data: Path | None, download: bool, resume: bool, stop: _StopOnSignal
) -> Result:
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("first task {task.fields[accuracy]}"),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console, refresh_per_second=4)
    bar = progress.add_task(config.context, total=config.total, accuracy="  -  ")

    def on_step(training: Training) -> bool:
        progress.start()
        accuracy = f"{100 * training.measured[-1].accuracy:.1f} %" if training.measured else "  -  "
        progress.update(bar, completed=training.step, accuracy=accuracy)
        return stop.asked

    try:
        result = run(config, out, data, download, resume, on_step)
        progress.update(bar, completed=config.total, accuracy=f"{100 * result.final()[0]:.1f} %")
        progress.start()
    finally:
        if progress.live.is_started:
            progress.stop()
    return result


class _StopOnSignal:
    """Turns the first Ctrl-C (or SIGTERM) into a wish to stop after the step in flight; the second one interrupts."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> _StopOnSignal:
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _table(results: list[Result]) -> Table:
    tasks = results[0].config.tasks
    last = min(10, -(-tasks // 2))
    method = results[0].config.method
    table = Table(title=f"Test accuracy (%) of {method} after {tasks} tasks, and parameters")
    for name in (
        "context",
        "task 1",
        f"last {last}",
        f"all {tasks}",
        "one more model",
        "the network",
        "kept bytes",
        "told",
    ):
        table.add_column(name, justify="left" if name == "context" else "right")
    for result in results:
        found = result.summary()
        cells = [f"{100 * found[part]:.1f}" for part in ("first", "last", "all")]
        table.add_row(
            result.config.context, *cells, f"{result.cost:,}", f"{result.weights:,}", f"{result.kept:,}", result.told
        )
    return table


def main() -> None:
    """Entry point: what only the user can mend is told in one sentence, with exit code 2."""
    try:
        app()
    except UserError as error:
        print(f"psp: {error}", file=sys.stderr)
        sys.exit(2)
    except Stopped:
        print("psp: stopped; the same command with --resume goes on", file=sys.stderr)
        sys.exit(130)

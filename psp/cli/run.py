"""``psp run``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.box import SIMPLE
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from psp import metrics, plots
from psp.choice import spelled
from psp.cli import options
from psp.cli.console import StopOnSignal, console
from psp.cli.tensorboard import Log, require_tensorboard
from psp.config import Config
from psp.errors import UserError
from psp.run import Result, check_folder, run
from psp.train import Training


def run_command(
    stream: options.Stream,
    context: Annotated[list[str], typer.Option(help=f"{options.CONTEXTS}; again for more.")],
    tasks: options.Tasks = 50,
    cycles: options.Cycles = 1,
    width: options.Width = 256,
    hidden: options.Hidden = None,
    steps: options.Steps = 1000,
    seed: options.Seed = 1,
    batch_size: options.BatchSize = 128,
    lr: options.Rate = 1e-4,
    every: Annotated[int, typer.Option(help="Steps between measurements of the first task.")] = 100,
    method: options.Method = "fine-tuning",
    strength: options.Strength = None,
    protect: Annotated[bool, typer.Option("--protect", help="Short for --method protected.")] = False,
    share: options.Share = None,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Measure every task after each: forgetting, transfer.")
    ] = False,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    data: options.Data = None,
    download: options.Download = False,
    size: options.Size = None,
    network: options.Net = None,
    norm: options.Norm = "static",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Log accuracies for TensorBoard.")] = False,
    out: Annotated[Path | None, typer.Option(help="Run folder; by default runs/STREAM.")] = None,
    resume: options.Resume = False,
) -> None:
    """Train one network on a stream of tasks, and draw what it remembers.

    One context leaves its files in the run folder; several each have a folder inside it, and share the figure.
    """
    if protect:
        if method not in ("fine-tuning", "protected"):
            raise UserError(f"--protect is a method of its own: --method must not be {method}")
        method = "protected"
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
            size=size,
            norm=norm,
            network=network,
        )
        for name in names
    ]
    single = len(configs) == 1
    if not single and (out / "config.json").exists():
        raise UserError(f"{out} holds a run of one context: choose another --out")
    folders = [out if single else out / config.context for config in configs]
    for config, folder in zip(configs, folders, strict=True):
        check_folder(config, folder, resume)
    if tensorboard:
        require_tensorboard()
    with StopOnSignal() as stop:
        results = [
            _run_with_progress(config, folder, data, download, resume, stop, tensorboard)
            for config, folder in zip(configs, folders, strict=True)
        ]
    figure = out / "figure.png"
    plots.remembered(results, figure)
    console.print(_table(results))
    if matrix:
        console.print(_transfer(results))
    for result in results:
        if result.config.method == "protected":
            console.print(f"strength of {result.config.context}: {result.strength:.3g}")
    console.print(f"figure: {figure}", soft_wrap=True)


def _run_with_progress(
    config: Config, out: Path, data: Path | None, download: bool, resume: bool, stop: StopOnSignal, tensorboard: bool
) -> Result:
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("first task {task.fields[accuracy]}"),
        TimeRemainingColumn(),
    )
    log = Log(out) if tensorboard else None
    progress = Progress(*columns, console=console, refresh_per_second=4)
    bar = progress.add_task(config.context, total=config.total, accuracy="  -  ")

    def on_step(training: Training) -> bool:
        progress.start()
        accuracy = f"{100 * training.measured[-1].accuracy:.1f} %" if training.measured else "  -  "
        progress.update(bar, completed=training.step, accuracy=accuracy)
        if log is not None:
            log(training)
        return stop.asked

    try:
        result = run(config, out, data, download, resume, on_step)
        progress.update(bar, completed=config.total, accuracy=f"{100 * result.final()[0]:.1f} %")
        progress.start()
    finally:
        if progress.live.is_started:
            progress.stop()
        if log is not None:
            log.close()
    return result


def _table(results: list[Result]) -> Table:
    tasks = results[0].config.tasks
    last = metrics.last_tasks(tasks)
    method = results[0].config.method
    table = Table(
        title=f"Test accuracy (%) of {method} after {tasks} tasks, and parameters", box=SIMPLE, padding=(0, 1, 0, 0)
    )
    for name in (
        "context",
        "task 1",
        f"last {last}",
        f"all {tasks}",
        "one more model",
        "the network",
        "kept (kB)",
        "told",
    ):
        table.add_column(name, justify="left" if name == "context" else "right", no_wrap=name == "context")
    for result in results:
        found = result.summary()
        cells = [f"{100 * found[part]:.1f}" for part in ("first", "last", "all")]
        table.add_row(
            result.config.context,
            *cells,
            f"{result.cost:,}",
            f"{result.weights:,}",
            f"{result.kept / 1000:,.0f}",
            result.told,
        )
    return table


def _transfer(results: list[Result]) -> Table:
    table = Table(title="Forgetting and transfer (points, means over tasks)", box=SIMPLE)
    for name in ("context", "forgetting", "backward transfer", "forward transfer"):
        table.add_column(name, justify="left" if name == "context" else "right")
    for result in results:
        matrix = metrics.accuracy_matrix(result.measured, result.config.tasks, result.config.steps)
        parts = [of(matrix) for of in (metrics.forgetting, metrics.backward_transfer, metrics.forward_transfer)]
        table.add_row(result.config.context, *("-" if math.isnan(part) else f"{100 * part:.1f}" for part in parts))
    return table

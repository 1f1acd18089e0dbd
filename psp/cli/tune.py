"""``psp tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer

from psp.choice import STRENGTHS, spelled
from psp.cli.console import STREAMS, console
from psp.config import Config
from psp.tune import tune


def tune_command(
    stream: Annotated[str, typer.Argument(help=STREAMS)],
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

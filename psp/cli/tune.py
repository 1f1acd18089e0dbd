"""``psp tune``."""

from __future__ import annotations

from typing import Annotated

import torch
import typer

from psp.choice import STRENGTHS, spelled
from psp.cli import options
from psp.cli.console import console
from psp.config import Config
from psp.tune import tune


def tune_command(
    stream: options.Stream,
    method: Annotated[str, typer.Option(help=f"One of {', '.join(STRENGTHS)}.")],
    strength: Annotated[list[float], typer.Option(help="To try; give it again for more.")],
    context: Annotated[str, typer.Option(help=f"{options.CONTEXTS}.")] = "identity",
    tasks: Annotated[int, typer.Option(help="Tasks in the stream: fewer than in the run itself.")] = 5,
    width: options.Width = 256,
    hidden: options.Hidden = 2,
    steps: options.Steps = 1000,
    seed: Annotated[int, typer.Option(help="Of all that is random: another one than the run's.")] = 0,
    batch_size: options.BatchSize = 128,
    lr: options.Rate = 1e-4,
    share: options.Share = None,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    data: options.Data = None,
    download: options.Download = False,
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

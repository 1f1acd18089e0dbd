"""``psp tune``."""

from __future__ import annotations

from typing import Annotated

import torch
import typer

from psp.choice import STRENGTHS, spelled
from psp.cli import options
from psp.cli.console import console
from psp.config import Config
from psp.errors import UserError
from psp.tune import tune


def tune_command(
    stream: options.Stream,
    method: options.Method = "fine-tuning",
    context: Annotated[str, typer.Option(help=f"{options.CONTEXTS}.")] = "identity",
    strength: Annotated[
        list[float] | None, typer.Option(help=f"Of {', '.join(STRENGTHS)}, to try; give it again for more.")
    ] = None,
    share: Annotated[list[float] | None, typer.Option(help=f"{options.SHARE}; again for more.")] = None,
    tasks: Annotated[int, typer.Option(help="Tasks in the stream: fewer than in the run itself.")] = 5,
    cycles: options.Cycles = 1,
    width: options.Width = 256,
    hidden: options.Hidden = None,
    steps: options.Steps = 1000,
    seed: Annotated[int, typer.Option(help="Of all that is random: another one than the run's.")] = 0,
    batch_size: options.BatchSize = 128,
    lr: options.Rate = 1e-4,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    data: options.Data = None,
    download: options.Download = False,
    size: options.Size = None,
    network: options.Net = None,
    norm: options.Norm = "static",
) -> None:
    """Find the best strength or share: one short run each, measured on a held-out sixth of the training images."""
    strengths, shares = strength or [], share or []
    if not strengths and not shares:
        raise UserError("several of --strength or of --share are expected, to try one after another: got none")
    if len(strengths) > 1 and len(shares) > 1:
        raise UserError("several of --strength or of --share are expected, not of both")
    field, values = ("share", shares) if len(shares) > 1 or not strengths else ("strength", strengths)
    config = Config(
        stream=stream.lower(),
        context=spelled(context),
        tasks=tasks,
        cycles=cycles,
        width=width,
        hidden=hidden,
        steps=steps,
        seed=seed,
        batch_size=batch_size,
        lr=lr,
        every=cycles * tasks * steps,
        matrix=False,
        threads=torch.get_num_threads() if threads is None else threads,
        device=device,
        method=method.lower(),
        strength=strengths[0] if strengths else None,
        share=shares[0] if shares else None,
        size=size,
        network=network,
        norm=norm,
    )
    found = tune(config, values, field, data, download, lambda v, a: console.print(f"{field} {v:g}: {100 * a:.2f} %"))
    console.print(f"best: {found.best:g} ({len(values)} runs, {found.steps:,} steps in all)")

"""``psp capacity``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table

from psp.choice import spelled
from psp.cli import options
from psp.cli.console import console
from psp.config import Config
from psp.errors import UserError
from psp.foresee import draw_trade, first_spectra, foresee


def capacity_command(
    stream: options.Stream,
    context: Annotated[str, typer.Option(help="One of a family of contexts.")] = "binary",
    tasks: Annotated[
        list[int] | None, typer.Option(help="How many to foresee, 10, 20, 50, 100; again for more.")
    ] = None,
    width: options.Width = 256,
    hidden: options.Hidden = None,
    steps: options.Steps = 1000,
    seed: options.Seed = 1,
    batch_size: options.BatchSize = 128,
    lr: options.Rate = 3e-4,
    threads: options.Threads = None,
    device: options.Device = "cpu",
    data: options.Data = None,
    download: options.Download = False,
    out: Annotated[Path, typer.Option(help="The figure.")] = Path("runs/capacity.png"),
) -> None:
    """Train the first task alone, and foresee what protected tasks will take of the network, and at what strength.

    The figure has the trade: what passes of an update for a new task, and what of it leaks into an old one.
    """
    numbers = tasks or [10, 20, 50, 100]
    if min(numbers) < 1:
        raise UserError(f"tasks must be at least 1, got {min(numbers)}")
    config = Config(
        stream=stream.lower(),
        context=spelled(context),
        tasks=max(numbers),
        width=width,
        hidden=hidden,
        steps=steps,
        seed=seed,
        batch_size=batch_size,
        lr=lr,
        every=steps,
        matrix=False,
        threads=torch.get_num_threads() if threads is None else threads,
        device=device,
        method="protected",
    )
    spectra = first_spectra(config, data, download)
    found = foresee(spectra, numbers)
    table = Table(
        title="Share of each layer's dimensions that protected tasks take, and what leaks into an old one (%)"
    )
    for name in ("tasks", "strength", *(f"layer {i + 1}" for i in range(len(spectra)))):
        table.add_column(name, justify="right")
    for one in found:
        shares = [f"{100 * used:.0f}, {100 * leak:.1f}" for used, leak in zip(one.used, one.leaking, strict=True)]
        table.add_row(f"{one.tasks}", f"{one.strength:.3f}", *shares)
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_trade(spectra, found, out)
    console.print(table)
    console.print(f"figure: {out}", soft_wrap=True)

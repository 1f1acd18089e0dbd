"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from psp.choice import FAMILIES, METHODS, SHARES, STRENGTHS, TOLD
from psp.config import NETWORKS, NORMS
from psp.streams.named import INCREMENTAL, KINDS

Stream = Annotated[
    str,
    typer.Argument(
        help=f"KIND-DATASET: {', '.join(KINDS)}, {INCREMENTAL} of digits (embedded), mnist, fashion-mnist, ...; or "
        "incremental-cifar, which is the paper's."
    ),
]
CONTEXTS = f"One of {', '.join([*FAMILIES, *TOLD])}"
Width = Annotated[int, typer.Option(help="Units a hidden layer.")]
Hidden = Annotated[int | None, typer.Option(help="Hidden layers of an mlp; 2 by default.")]
Tasks = Annotated[int, typer.Option(help="Tasks in the stream.")]
Cycles = Annotated[int, typer.Option(help="How often the stream visits all its tasks.")]
Steps = Annotated[int, typer.Option(help="Training steps a task.")]
Seed = Annotated[int, typer.Option(help="Of weights, contexts and stream.")]
BatchSize = Annotated[int, typer.Option(help="Images a step.")]
Rate = Annotated[float, typer.Option(help="Learning rate of RMSprop.")]
Method = Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")]
Strength = Annotated[
    float | None, typer.Option(help=f"Of {', '.join(STRENGTHS)}; the last chooses one where it is not named.")
]
SHARE = (
    f"Of units off (xdg: {SHARES['xdg']}), weights left (supsup: {SHARES['supsup']}), a turn in a bandwidth "
    f"(kernel: {SHARES['kernel']})"
)
Share = Annotated[float | None, typer.Option(help=f"{SHARE}.")]
Size = Annotated[int | None, typer.Option(help="Pixels that images are shrunk to.")]
Net = Annotated[
    str | None,
    typer.Option("--network", help=f"One of {', '.join(NETWORKS)}: by default the latter for {INCREMENTAL} classes."),
]
Norm = Annotated[str, typer.Option(help=f"Of resnet18: {', '.join(NORMS)}.")]
Threads = Annotated[int | None, typer.Option(help="Threads of torch; by default torch's own choice.")]
Device = Annotated[str, typer.Option(help="Where to train, as torch names it.")]
Data = Annotated[Path | None, typer.Option(help="Folder of torchvision's datasets.")]
Download = Annotated[bool, typer.Option("--download", help="Fetch missing data into that folder.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what was begun.")]

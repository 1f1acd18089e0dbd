"""A run and its folder: a configuration, its training, and the files that it leaves."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from psp import choice, files, metrics
from psp.config import Config
from psp.errors import UserError
from psp.methods import Protected
from psp.methods.shared import numbers
from psp.networks import MLP, resnet18, tell_norms
from psp.streams import Images, named
from psp.superpose import Superposed
from psp.train import Measurement, Training, final

_SAVE_EVERY = 10.0  # seconds between checkpoints, and more where writing one takes long:
_SAVE_SHARE = 50  # times that
_CHECKPOINT = "checkpoint.safetensors"  # there while a run is not finished
_RESULT = "result.json"


@dataclasses.dataclass(frozen=True)
class Result:
    """What a finished run found."""

    config: Config
    measured: list[Measurement]
    cost: int  # parameters that one more model costs
    weights: int  # real numbers that the network holds
    kept: int  # bytes that the method keeps, its network among them
    told: str  # what the network is told at test time: task or nothing
    strength: float | None  # as configured, or as chosen where the method chooses it
    seconds: float = dataclasses.field(compare=False)  # that training and measuring took

    def curve(self) -> list[tuple[int, float]]:
        """Accuracy on task 0 by training step."""
        return [(m.step, m.accuracy) for m in self.measured if m.task == 0]

    def final(self) -> list[float]:
        """Accuracy on every task after the last step."""
        return [m.accuracy for m in final(self.measured, self.config.total)]

    def summary(self) -> dict[str, float]:
        """Final accuracy on the first task, on the last ten (or the last half, if that is fewer) and on all."""
        accuracy = self.final()
        last = metrics.last_tasks(len(accuracy))
        return {"first": accuracy[0], "last": statistics.fmean(accuracy[-last:]), "all": statistics.fmean(accuracy)}


def build(
    config: Config, data: Path | None, download: bool, part: Callable[[Images], Images] | None = None
) -> Training:
    """The training of a configuration, at its first step; ``part`` may put other images in the place of those read."""
    torch.set_num_threads(config.threads)
    numbers = config.seed, config.tasks, config.steps, config.batch_size
    stream = named.stream(config.stream, data, download, *numbers, config.size, part)
    torch.manual_seed(config.seed)

    def make() -> nn.Module:
        if config.resnet:
            norms = None if config.norm == "static" else config.tasks
            return resnet18(stream.classes, config.width, norms, stream.shape[0])
        sizes = math.prod(stream.shape), config.width, cast(int, config.hidden), stream.classes
        return MLP(*sizes, complex=choice.needs_complex(config))

    net = choice.network(config, make)
    tell_norms(net)
    return Training(
        choice.method(config, net),
        stream,
        cycles=config.cycles,
        lr=config.lr,
        every=config.every,
        matrix=config.matrix,
        device=config.device,
        seed=config.seed,
    )


class Stopped(Exception):
    """The run was asked to stop; it did so between two steps, and its checkpoint is written."""


def run(
    config: Config,
    out: Path,
    data: Path | None = None,
    download: bool = False,
    resume: bool = False,
    on_step: Callable[[Training], bool] | None = None,
) -> Result:
    """Train a configuration and leave its record and its weights in the folder ``out``.

    The record is config.json, metrics.csv and result.json: all that figures are drawn from, also where the weights,
    model.safetensors, have been left out. A checkpoint beside them, written every few seconds and removed at the end,
    lets an interrupted run go on: batches and contexts are pure functions of the step, so the outcome is the same to
    the bit.

    Args:
        config: what to train.
        out: a folder that is new, empty, or holds this very run.
        data: the folder that torchvision's datasets are read from.
        download: whether to fetch missing data.
        resume: whether to go on with a run that the folder holds.
        on_step: called after every step; the run stops, resumably, once it returns True.

    Raises:
        UserError: data that cannot be read, or a folder that holds something else; nothing is written then.
        Stopped: ``on_step`` asked for it.
    """
    check_folder(config, out, resume)
    if finished(out):
        return _read_result(config, out)
    checkpoint = out / _CHECKPOINT
    training = build(config, data, download)
    if checkpoint.exists():
        training.restore(checkpoint)
    else:
        out.mkdir(parents=True, exist_ok=True)
        found = {"data": None if data is None else str(data), "versions": versions()}
        files.write_json(out / "config.json", {"run": dataclasses.asdict(config), **found})
    saved = lap = time.monotonic()
    pause = _SAVE_EVERY
    while training.step < training.steps:
        training.advance()
        training.seconds += time.monotonic() - lap
        lap = time.monotonic()
        stop = on_step is not None and on_step(training) and training.step < training.steps
        if stop or lap - saved > pause:
            training.save(checkpoint)
            _write_metrics(out, training.measured)
            saved = time.monotonic()
            pause = max(_SAVE_EVERY, _SAVE_SHARE * (saved - lap))
            lap = saved
        if stop:
            raise Stopped
    training.save(checkpoint)
    _write_metrics(out, training.measured)
    method = training.method
    net = cast(choice.Network, method.net)
    family = repr(net.family) if isinstance(net, Superposed) else type(net).__name__
    facts: dict[str, Any] = {
        "cost": net.cost,
        "weights": numbers(net.parameters()),
        "kept": metrics.kept_bytes(method),
        "told": choice.told(net),
        "strength": method.protection.strength if isinstance(method, Protected) else config.strength,
    }
    facts["seconds"] = training.seconds
    files.write_tensors(out / "model.safetensors", net.state_dict(), {"family": family})
    files.write_json(out / _RESULT, facts)
    checkpoint.unlink()
    return Result(config, training.measured, **facts)


def finished(out: Path) -> bool:
    """Whether the folder ``out`` holds the record of a finished run."""
    return (out / _RESULT).exists() and not (out / _CHECKPOINT).exists()


def versions() -> dict[str, str]:
    """The versions that a run depends on."""
    names = ("complexnn-psp", "torch", "numpy", "scipy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def check_folder(config: Config, out: Path, resume: bool) -> None:
    """Raise UserError unless ``out`` is new, empty, or, with ``resume``, holds the run of ``config``."""
    described = out / "config.json"
    if not described.exists():
        held = [p.name for p in out.iterdir() if p.suffix != files.PART] if out.is_dir() else []
        if held or (out.exists() and not out.is_dir()):
            raise UserError(f"{out} is no run folder, it holds {held[0] if held else 'a file'}: choose another --out")
        return
    try:
        there = json.loads(described.read_text())["run"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{described} is not the description of a run: choose another --out") from error
    fields = [(f.name, there.get(f.name, f.default), getattr(config, f.name)) for f in dataclasses.fields(config)]
    differing = [f"{name} is {old} there, {new} here" for name, old, new in fields if old != new]
    if differing:
        raise UserError(f"{out} holds another run ({'; '.join(differing)}): choose another --out")
    if not resume:
        raise UserError(f"{out} holds this run already: --resume goes on with it, another --out starts anew")


def _write_metrics(out: Path, measured: list[Measurement]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "task", "accuracy"])
    writer.writerows(dataclasses.astuple(m) for m in measured)
    files.write_text(out / "metrics.csv", text.getvalue())


def _read_result(config: Config, out: Path) -> Result:
    with open(out / "metrics.csv", newline="") as file:
        measured = [Measurement(int(r["step"]), int(r["task"]), float(r["accuracy"])) for r in csv.DictReader(file)]
    return Result(config, measured, **json.loads((out / _RESULT).read_text()))

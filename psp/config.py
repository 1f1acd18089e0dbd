"""What a run depends on."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from psp import choice
from psp.errors import UserError
from psp.streams import named

NORMS = ("static", "per-task")
NETWORKS = ("mlp", "resnet18")


def needs_resnet(stream: str, network: str | None) -> bool:
    """Whether a stream is learned by a ResNet-18: where it is named, and by default where images keep their shape."""
    return network == "resnet18" or (network is None and named.split(stream)[0] == named.INCREMENTAL)


@dataclasses.dataclass(frozen=True)
class Config:
    """All that a run depends on, but for the place of its data and the versions of what it runs on."""

    stream: str
    context: str
    tasks: int
    width: int
    steps: int
    seed: int
    batch_size: int
    lr: float
    every: int
    matrix: bool
    threads: int
    device: str
    method: str = "fine-tuning"
    strength: float | None = None  # of ewc, online-ewc, si, and of protected, which chooses one where there is none
    share: float | None = None  # of units off (xdg), of weights left (supsup), of a turn in a bandwidth (kernel)
    cycles: int = 1  # how often the stream visits all its tasks
    size: int | None = None  # pixels that images are shrunk to
    norm: str = "static"  # of a ResNet, whose units are its first channels: the batch's own, or per-task
    network: str | None = None  # by default resnet18 for incremental classes, mlp for all else
    hidden: int | None = None  # layers of an mlp: 2 where it is not named; a ResNet has its own

    def __post_init__(self) -> None:
        kind, _ = named.split(self.stream)
        choice.check(self)
        if self.norm not in NORMS:
            raise UserError(f"unknown norm {self.norm}: known are {', '.join(NORMS)}")
        if self.network not in (None, *NETWORKS):
            raise UserError(f"unknown network {self.network}: known are {', '.join(NETWORKS)}")
        if self.resnet and kind != named.INCREMENTAL:
            raise UserError(
                f"resnet18 is for images with a shape, those of {named.INCREMENTAL}-DATASET: {self.stream} "
                "flattens them"
            )
        if self.norm != "static" and not self.resnet:
            raise UserError(f"norm {self.norm} is for networks with norms: {self.stream} is learned without")
        if self.resnet and choice.needs_complex(self):
            raise UserError(
                f"{self.stream} is learned by a real ResNet: context {self.context} needs a complex network, such as "
                "network mlp is"
            )
        if self.resnet and self.hidden is not None:
            raise UserError(f"hidden is for an mlp: {self.stream} is learned by a ResNet-18, got {self.hidden}")
        if not self.resnet and self.hidden is None:
            object.__setattr__(self, "hidden", 2)
        for name in ("tasks", "cycles", "width", "steps", "batch_size", "every", "threads"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.size is not None and self.size < 1:
            raise UserError(f"size must be at least 1, got {self.size}")
        if self.hidden is not None and self.hidden < 0:
            raise UserError(f"hidden must be at least 0, got {self.hidden}")
        if not 0 <= self.seed < 2**63:
            raise UserError(f"seed must be a whole number from 0, below 2**63, got {self.seed}")
        if not self.lr > 0:
            raise UserError(f"lr must be above 0, got {self.lr}")
        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            raise UserError(f"device {self.device} cannot be used: {str(error).splitlines()[0]}") from error

    def chosen(self) -> dict[str, Any]:
        """The fields that have no default or differ from it, so that a field to come changes no run of today."""
        values = {field: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {field.name: value for field, value in values.items() if value != field.default}

    @property
    def total(self) -> int:
        """Training steps altogether."""
        return self.cycles * self.tasks * self.steps

    @property
    def resnet(self) -> bool:
        """Whether the network is a ResNet-18, whose ``width`` are the channels of its stem, and not an MLP."""
        return needs_resnet(self.stream, self.network)

    @property
    def size_in_words(self) -> str:
        """The network and its size, for people."""
        return f"ResNet-18 of {self.width} channels" if self.resnet else f"{self.hidden} x {self.width} units"

"""The online loop: one network, a stream of tasks, and what it remembers of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from psp import files
from psp.streams.permuted import PermutedPixels
from psp.superpose import Superposed


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Accuracy, between 0 and 1, on the test images of ``task`` after ``step`` training steps."""

    step: int
    task: int
    accuracy: float


class Training:
    """A superposed network that learns a stream by RMSprop, one step at a time, and can stop and go on anywhere.

    After every ``every`` steps the accuracy on task 0 is measured; after the last step (with ``matrix``: after every
    task) that on every task.

    Args:
        net: the network.
        stream: the tasks.
        tasks: how many of them.
        lr: learning rate of RMSprop, whose other settings are torch's defaults.
        every: steps between measurements of task 0.
        matrix: whether to measure all tasks after each of them.
        device: where to train.
    """

    def __init__(
        self,
        net: Superposed,
        stream: PermutedPixels,
        tasks: int,
        lr: float = 1e-4,
        every: int = 100,
        matrix: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.net = net.to(device)
        self.stream = stream
        self.tasks = tasks
        self.every = every
        self.matrix = matrix
        self.device = torch.device(device)
        self.optimizer = torch.optim.RMSprop(net.parameters(), lr=lr)
        self.step = 0
        self.measured: list[Measurement] = []

    @property
    def steps(self) -> int:
        """Training steps in all."""
        return self.tasks * self.stream.steps

    def advance(self) -> None:
        """Train one step, and measure where it is time to."""
        x, y, task = self.stream.batch(self.step)
        self.optimizer.zero_grad()
        F.cross_entropy(self.net(x.to(self.device), task=task), y.to(self.device)).backward()
        self.optimizer.step()
        self.step += 1
        last = self.step == self.steps
        if last or (self.matrix and self.step % self.stream.steps == 0):
            self.measured += [self.measure(task) for task in range(self.tasks)]
        elif self.step % self.every == 0:
            self.measured.append(self.measure(0))

    @torch.no_grad()
    def measure(self, task: int) -> Measurement:
        """The accuracy on one task."""
        x, y = self.stream.test(task)
        right = sum(
            int((self.net(part.to(self.device), task=task).argmax(1).cpu() == labels).sum())
            for part, labels in zip(x.split(2000), y.split(2000), strict=True)
        )
        return Measurement(self.step, task, right / len(y))

    def save(self, path: Path) -> None:
        """Write all that going on needs into one file."""
        tensors = {f"net.{name}": t for name, t in self.net.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        measured = [dataclasses.astuple(m) for m in self.measured]
        files.write_tensors(path, tensors, {"step": self.step, "measured": measured})

    def restore(self, path: Path) -> None:
        """Take up what :meth:`save` wrote."""
        tensors, metadata = files.read_tensors(path)
        self.net.load_state_dict({n.removeprefix("net."): t for n, t in tensors.items() if n.startswith("net.")})
        state: dict[int, dict[str, Tensor]] = {}
        for name, t in tensors.items():
            if name.startswith("optimizer."):
                _, index, part = name.split(".")
                # A copy, since a tensor in a mapped file is not aligned as torch's own are, and rounding depends on it.
                state.setdefault(int(index), {})[part] = t.clone()
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        self.step = metadata["step"]
        self.measured = [Measurement(*m) for m in metadata["measured"]]

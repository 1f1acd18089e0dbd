"""The online loop: one network, a stream of tasks, and what it remembers of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from psp import files, keys
from psp.methods.base import Method
from psp.streams.base import Stream

_AT_THE_END = 100  # tasks at most, evenly spread, that are measured after the last step
# Test images in one pass. Networks with the batch's own statistics depend on it, and on who is in it: passes take every
# so-many-th image, so that sets that are sorted by class are mixed.
_TOGETHER = 1000


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Accuracy, between 0 and 1, on the test images of ``task`` after ``step`` training steps."""

    step: int
    task: int
    accuracy: float


def final(measured: Sequence[Measurement], steps: int) -> list[Measurement]:
    """Those after the last of ``steps`` training steps."""
    return [m for m in measured if m.step == steps]


class Training:
    """A method that learns a stream, one step at a time, and can stop and go on anywhere.

    After every ``every`` steps the accuracy on task 0 is measured, after the last step that on every task (of more than
    a hundred, on a hundred, evenly spread). With ``matrix`` also that on every task before the first step and, after
    every visit of a task, on it, on all tasks before it and on the next one.

    Args:
        method: the network and how it learns.
        stream: the tasks.
        cycles: how often the stream visits all of them.
        lr: learning rate; the optimiser's other settings are its defaults.
        every: steps between measurements of task 0.
        matrix: whether to measure tasks after each.
        device: where to train.
        seed: of what the method draws at random.
    """

    def __init__(
        self,
        method: Method,
        stream: Stream,
        cycles: int = 1,
        lr: float = 1e-4,
        every: int = 100,
        matrix: bool = False,
        device: torch.device | str = "cpu",
        seed: int = 0,
    ) -> None:
        self.method = method.to(device)
        self.stream = stream
        self.steps = cycles * stream.tasks * stream.steps
        self.every = every
        self.matrix = matrix
        self.device = torch.device(device)
        self.seed = seed
        self.optimizer = method.optimizer([p for p in method.parameters() if p.requires_grad], lr)
        self.step = 0
        self.seconds = 0.0  # spent so far, as whoever calls advance counts them
        self.measured: list[Measurement] = []

    def advance(self) -> None:
        """Train one step, and measure where it is time to."""
        stream, method = self.stream, self.method
        if self.matrix and self.step == 0:
            self.measured += map(self.measure, range(stream.tasks))
        x, y, task = self.batch(self.step)
        if self.step % stream.steps == 0:
            method.start(task, self.optimizer)
        self.optimizer.zero_grad()
        method.loss(x, y, task, self.step).backward()
        method.before_step()
        self.optimizer.step()
        method.after_step()
        self.step += 1
        if self.step % stream.steps == 0:
            visit = range(self.step - 1, self.step - 1 - stream.steps, -1)
            method.finish(task, (self.batch(step)[:2] for step in visit))
        self._measure_where_due(task)

    def batch(self, step: int) -> tuple[Tensor, Tensor, int]:
        """What is learned in a step: images, labels, task."""
        task = None
        if self.method.joint:
            task = int(keys.words(self.seed, "joint", step, 1, 1)[0] % self.stream.tasks)
        x, y, task = self.stream.batch(step, task)
        return x.to(self.device), y.to(self.device), task

    def _measure_where_due(self, task: int) -> None:
        tasks = self.stream.tasks
        if self.step == self.steps:
            self.measured += map(self.measure, range(0, tasks, -(-tasks // _AT_THE_END)))
        elif self.matrix and self.step % self.stream.steps == 0:
            seen = task + 2 if self.step < tasks * self.stream.steps else tasks
            self.measured += map(self.measure, range(min(seen, tasks)))
        elif self.step % self.every == 0:
            self.measured.append(self.measure(0))

    @torch.no_grad()
    def measure(self, task: int) -> Measurement:
        """The accuracy on one task."""
        x, y = self.stream.test(task)
        self.method.eval()
        passes = -(-len(y) // _TOGETHER)
        right = sum(
            int((self.method(x[i::passes].to(self.device), task).argmax(1).cpu() == y[i::passes]).sum())
            for i in range(passes)
        )
        self.method.train()
        return Measurement(self.step, task, right / len(y))

    def save(self, path: Path) -> None:
        """Write all that going on needs into one file."""
        tensors = {f"method.{name}": t for name, t in self.method.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        measured = [dataclasses.astuple(m) for m in self.measured]
        files.write_tensors(path, tensors, {"step": self.step, "seconds": self.seconds, "measured": measured})

    def restore(self, path: Path) -> None:
        """Take up what :meth:`save` wrote."""
        tensors, metadata = files.read_tensors(path)
        # Copies, since a tensor in a mapped file is not aligned as torch's own are, and rounding depends on it.
        self.method.load_state_dict(
            {n.removeprefix("method."): t for n, t in tensors.items() if n.startswith("method.")}
        )
        state: dict[int, dict[str, Tensor]] = {}
        for name, t in tensors.items():
            if name.startswith("optimizer."):
                _, index, part = name.split(".")
                state.setdefault(int(index), {})[part] = t.clone()
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        self.step = metadata["step"]
        self.seconds = metadata["seconds"]
        self.measured = [Measurement(*m) for m in metadata["measured"]]

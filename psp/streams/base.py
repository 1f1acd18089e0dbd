"""What every stream is: tasks that arrive one after another, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from psp import keys
from psp.streams.datasets import Images


class Order:
    """Which of ``count`` samples each batch holds: epochs, each in a random order; the last batch of one is smaller.

    A pure function of the batch's number, from 0.
    """

    def __init__(self, seed: int, count: int, batch_size: int, name: str = "order") -> None:
        self.seed, self.count, self.batch_size, self.name = seed, count, batch_size, name
        self._epoch: tuple[int, Tensor] | None = None  # the order of the last epoch asked for

    def __call__(self, number: int) -> Tensor:
        epoch, batch = divmod(number, -(-self.count // self.batch_size))
        if self._epoch is None or self._epoch[0] != epoch:
            order = keys.permutation(keys.words(self.seed, self.name, epoch, self.count, self.count))
            self._epoch = epoch, torch.from_numpy(order)
        return self._epoch[1][batch * self.batch_size :][: self.batch_size]


class Shuffle:
    """A random order of ``count`` places for every task; none for task 0, which leaves them as they are.

    A pure function of (seed, name, task).
    """

    def __init__(self, seed: int, name: str, count: int) -> None:
        self.seed, self.name, self.count = seed, name, count
        self._last: tuple[int, Tensor] | None = None  # the order of the last task asked for

    def __call__(self, task: int) -> Tensor | None:
        if task == 0:
            return None
        if self._last is None or self._last[0] != task:
            order = keys.permutation(keys.words(self.seed, self.name, task, self.count, self.count))
            self._last = task, torch.from_numpy(order)
        return self._last[1]


class Stream:
    """Tasks that arrive one after another, ``steps`` batches each, and after the last one the first again.

    Every batch is a pure function of its step. Tasks that share their images share the epochs in which those are
    drawn, and a change of task does not interrupt them; a task with images of its own has epochs of its own, which
    go on where its last visit left them. Images are scaled to mean 0 and variance 1 over the (first) training set.

    Args:
        sets: the labelled images of each task, or one set that all of them share.
        seed: of all that is random in the stream, a whole number from 0.
        tasks: how many there are, from 1.
        steps: batches a visit of a task, from 1.
        batch_size: images a batch, from 1.

    Attributes:
        shape: of one image as it is presented.
        classes: how many labels there are.

    Raises:
        TypeError, ValueError: a number that is not whole or too small, or sets that are as many as neither one nor
            the tasks.
    """

    def __init__(self, sets: Sequence[Images], seed: int, tasks: int, steps: int, batch_size: int = 128) -> None:
        for name, value in (("tasks", tasks), ("steps", steps), ("batch_size", batch_size)):
            keys.at_least_one(value, name)
        if len(sets) not in (1, tasks):
            raise ValueError(f"one set of images or {tasks}, one a task, are expected, got {len(sets)}")
        self.sets = tuple(sets)
        self.seed = keys.whole(seed, "seed")
        self.tasks = tasks
        self.steps = steps
        self.batch_size = batch_size
        self.classes = max(images.classes for images in sets)
        self.shape: tuple[int, ...] = tuple(sets[0].train.shape[1:])
        self.mean, self.std = self.moments()
        self._orders = [
            Order(seed, len(images.train), batch_size, f"order {i}" if i else "order") for i, images in enumerate(sets)
        ]
        self._tested: tuple[int, Tensor, Tensor] | None = None  # the test images of the last task asked for

    def moments(self) -> tuple[float, float]:
        """What is subtracted from all pixels, and what they are divided by then."""
        pixels = self.sets[0].train.double()
        return float(pixels.mean()), float(pixels.std(correction=0))

    def task(self, step: int) -> int:
        """The task of a training step, both from 0."""
        return step // self.steps % self.tasks

    def batch(self, step: int, task: int | None = None) -> tuple[Tensor, Tensor, int]:
        """Images (batch, *shape), labels (batch,) and task of a training step; ``task`` puts another in its place."""
        task = self.task(step) if task is None else self._checked(task)
        visit, position = divmod(step, self.steps)
        source = task % len(self.sets)
        images = self.sets[source]
        chosen = self._orders[source](visit // len(self.sets) * self.steps + position)
        drawn = images.train.index_select(0, chosen), images.train_labels.index_select(0, chosen)
        return *self.present(*drawn, task, position), task

    def test(self, task: int) -> tuple[Tensor, Tensor]:
        """All test images (n, *shape) of a task, as at the start of a visit, and their labels (n,)."""
        if self._tested is None or self._tested[0] != task:
            images = self.sets[self._checked(task) % len(self.sets)]
            self._tested = task, *self.present(images.test, images.test_labels, task, 0)
        return self._tested[1:]

    def present(self, images: Tensor, labels: Tensor, task: int, position: int) -> tuple[Tensor, Tensor]:
        """Images as stored, with their labels, as ``task`` has them ``position`` steps into a visit."""
        return self.scaled(images), labels

    def scaled(self, images: Tensor) -> Tensor:
        """Images less the mean and over the standard deviation, in torch's default dtype."""
        return images.to(torch.get_default_dtype(), copy=True).sub_(self.mean).div_(self.std)

    def _checked(self, task: int) -> int:
        if not 0 <= task < self.tasks:
            raise ValueError(f"task must be from 0 to {self.tasks - 1}, got {task}")
        return task

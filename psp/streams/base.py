"""What every stream is: tasks that arrive one after another, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod

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


class Stream(ABC):
    """Tasks that arrive one after another, ``steps`` batches each, and after the last one the first again.

    Every batch is a pure function of its step. Images are scaled to mean 0 and variance 1 over the training set.

    Args:
        images: the labelled images.
        seed: of all that is random in the stream, a whole number from 0.
        tasks: how many there are.
        steps: batches a visit of a task.
        batch_size: images a batch.

    Attributes:
        shape: of one image as it is presented.
        classes: how many labels there are.
    """

    def __init__(self, images: Images, seed: int, tasks: int, steps: int, batch_size: int = 128) -> None:
        self.images = images
        self.seed = seed
        self.tasks = tasks
        self.steps = steps
        self.batch_size = batch_size
        self.classes = images.classes
        self.shape: tuple[int, ...] = tuple(images.train.shape[1:])
        pixels = images.train.double()
        self.mean, self.std = float(pixels.mean()), float(pixels.std(correction=0))
        self._order = Order(seed, len(images.train), batch_size)
        self._tested: tuple[int, Tensor, Tensor] | None = None  # the test images of the last task asked for

    def task(self, step: int) -> int:
        """The task of a training step, both from 0."""
        return step // self.steps % self.tasks

    def batch(self, step: int, task: int | None = None) -> tuple[Tensor, Tensor, int]:
        """Images (batch, *shape), labels (batch,) and task of a training step; ``task`` puts another in its place."""
        task = self.task(step) if task is None else task
        chosen = self._order(step)
        images, labels = self.images.train[chosen], self.images.train_labels[chosen]
        return *self.present(images, labels, task, step % self.steps), task

    def test(self, task: int) -> tuple[Tensor, Tensor]:
        """All test images (n, *shape) of a task, as at the start of a visit, and their labels (n,)."""
        if self._tested is None or self._tested[0] != task:
            self._tested = task, *self.present(self.images.test, self.images.test_labels, task, 0)
        return self._tested[1:]

    @abstractmethod
    def present(self, images: Tensor, labels: Tensor, task: int, position: int) -> tuple[Tensor, Tensor]:
        """Images as stored, with their labels, as ``task`` has them ``position`` steps into a visit."""

    def scaled(self, images: Tensor) -> Tensor:
        """Images of mean 0 and variance 1 over the training set, in torch's default dtype."""
        return images.to(torch.get_default_dtype()).sub(self.mean).div_(self.std)

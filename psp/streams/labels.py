"""Permuted labels: the images stay, and every task names their classes in a way of its own."""

from __future__ import annotations

import math

from torch import Tensor

from psp.streams.base import Shuffle, Stream
from psp.streams.datasets import Images


class PermutedLabels(Stream):
    """Tasks that each permute the labels of the same flattened images; task 0 leaves them as they are.

    Pure interference of outputs: nothing in the images tells the tasks apart, so a network that is not told the task
    can only learn the last one.

    Args:
        images: the labelled images.
        seed: of the permutations and of the order, a whole number from 0.
        tasks: how many.
        steps: batches a task.
        batch_size: images a batch.

    Example:
        >>> from psp.streams.datasets import load
        >>> stream = PermutedLabels(load("digits"), seed=0, tasks=5, steps=100)
        >>> (x, y), (again, others) = stream.test(0), stream.test(3)
        >>> bool((x == again).all()), bool((stream.permutation(3)[y] == others).all())
        (True, True)
    """

    def __init__(self, images: Images, seed: int, tasks: int, steps: int, batch_size: int = 128) -> None:
        super().__init__([images], seed, tasks, steps, batch_size)
        self.shape = (math.prod(self.shape),)
        self._shuffle = Shuffle(seed, "labels", self.classes)

    def permutation(self, task: int) -> Tensor | None:
        """The label in a task of each class; None for task 0."""
        return self._shuffle(task)

    def present(self, images: Tensor, labels: Tensor, task: int, position: int) -> tuple[Tensor, Tensor]:
        order = self.permutation(task)
        return self.scaled(images.flatten(1)), (labels if order is None else order.index_select(0, labels))

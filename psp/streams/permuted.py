"""Permuted pixels: every task shuffles the pixels of all images in a way of its own (Goodfellow 2013)."""

from __future__ import annotations

import math

from torch import Tensor

from psp.streams.base import Shuffle, Stream
from psp.streams.datasets import Images


class PermutedPixels(Stream):
    """Tasks that each permute the pixels of flattened images; task 0 leaves them where they are.

    A change of task does not interrupt the epochs, in which the training images are drawn.

    Args:
        images: the labelled images.
        seed: of the permutations and of the order, a whole number from 0.
        tasks: how many.
        steps: batches a task.
        batch_size: images a batch.

    Example:
        >>> from psp.streams.datasets import load
        >>> stream = PermutedPixels(load("digits"), seed=0, tasks=5, steps=100)
        >>> x, y, task = stream.batch(250)
        >>> x.shape, task
        (torch.Size([128, 784]), 2)
    """

    def __init__(self, images: Images, seed: int, tasks: int, steps: int, batch_size: int = 128) -> None:
        super().__init__([images], seed, tasks, steps, batch_size)
        self.shape = (math.prod(self.shape),)
        self._shuffle = Shuffle(seed, "pixels", *self.shape)

    def permutation(self, task: int) -> Tensor | None:
        """Where each pixel of a task comes from; None for task 0."""
        return self._shuffle(task)

    def present(self, images: Tensor, labels: Tensor, task: int, position: int) -> tuple[Tensor, Tensor]:
        x, order = self.scaled(images.flatten(1)), self.permutation(task)
        return (x if order is None else x.index_select(1, order)), labels

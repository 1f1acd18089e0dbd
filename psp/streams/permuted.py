"""Permuted pixels: every task shuffles the pixels of all images in a way of its own (Goodfellow 2013)."""

from __future__ import annotations

import torch
from torch import Tensor

from psp import keys
from psp.streams.datasets import Images


class PermutedPixels:
    """Tasks that arrive one after another, ``steps`` batches each; task 0 leaves the pixels where they are.

    Every batch is a pure function of its step, so that a run can go on from any step. The training images are drawn
    in epochs, each in a random order, which a change of task does not interrupt; the last batch of an epoch is
    smaller. Pixels are flattened and scaled to mean 0 and variance 1 over the training set.

    Args:
        images: the labelled images.
        seed: of the permutations and of the order, a whole number from 0.
        steps: batches a task.
        batch_size: images a batch.

    Example:
        >>> from psp.streams.datasets import load
        >>> stream = PermutedPixels(load("digits"), seed=0, steps=100)
        >>> x, y, task = stream.batch(250)
        >>> x.shape, task
        (torch.Size([128, 784]), 2)
    """

    def __init__(self, images: Images, seed: int, steps: int, batch_size: int = 128) -> None:
        self.images = images
        self.seed = seed
        self.steps = steps
        self.batch_size = batch_size
        self.width = images.train[0].numel()
        self.classes = images.classes
        pixels = images.train.double()
        self._mean, self._std = float(pixels.mean()), float(pixels.std(correction=0))
        self._epoch: tuple[int, Tensor] | None = None  # the order of the last epoch asked for
        self._tested: tuple[int, Tensor] | None = None  # the test images of the last task asked for

    def permutation(self, task: int) -> Tensor | None:
        """Where each pixel of a task comes from; None for task 0."""
        if task == 0:
            return None
        return torch.from_numpy(keys.permutation(keys.words(self.seed, "pixels", task, self.width, self.width)))

    def _order(self, epoch: int) -> Tensor:
        if self._epoch is None or self._epoch[0] != epoch:
            count = len(self.images.train)
            order = keys.permutation(keys.words(self.seed, "order", epoch, count, count))
            self._epoch = epoch, torch.from_numpy(order)
        return self._epoch[1]

    def _present(self, images: Tensor, task: int) -> Tensor:
        x = images.flatten(1).to(torch.get_default_dtype()).sub(self._mean).div_(self._std)
        order = self.permutation(task)
        return x if order is None else x.index_select(1, order)

    def batch(self, step: int) -> tuple[Tensor, Tensor, int]:
        """Images (batch, pixels), labels (batch,) and task of a training step from 0."""
        task = step // self.steps
        batches = -(-len(self.images.train) // self.batch_size)
        start = step % batches * self.batch_size
        chosen = self._order(step // batches)[start : start + self.batch_size]
        return self._present(self.images.train[chosen], task), self.images.train_labels[chosen], task

    def test(self, task: int) -> tuple[Tensor, Tensor]:
        """All test images (n, pixels) of a task, and their labels."""
        if self._tested is None or self._tested[0] != task:
            self._tested = task, self._present(self.images.test, task)
        return self._tested[1], self.images.test_labels

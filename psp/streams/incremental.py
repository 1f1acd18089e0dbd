"""Incremental classes: every task has images and classes of its own, named by the same few labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from psp.streams.base import Stream
from psp.streams.datasets import Images


class IncrementalClasses(Stream):
    """Tasks with images of their own, one set a task, which share the labels 0 to ``classes - 1``.

    Images keep their shape; grey ones get a dimension of one channel. Bytes are scaled to (-1, 1), as in the release
    of Cheung et al. 2019, section 4.2; other numbers as every stream scales them. Every task has epochs of its own,
    which go on where its last visit left them.

    Args:
        sets: the labelled images of each task, all of one shape and dtype.
        seed: of the order of the images, a whole number from 0.
        steps: batches a task.
        batch_size: images a batch.

    Raises:
        ValueError: no sets, or sets of different shapes or dtypes.

    Example:
        >>> from psp.streams.datasets import load
        >>> digits = load("digits")
        >>> stream = IncrementalClasses([digits.only(0, 5), digits.only(5, 5)], seed=0, steps=100)
        >>> stream.tasks, stream.classes, stream.shape
        (2, 5, (1, 28, 28))
    """

    def __init__(self, sets: Sequence[Images], seed: int, steps: int, batch_size: int = 128) -> None:
        kinds = {(tuple(part.shape[1:]), str(part.dtype)) for images in sets for part in (images.train, images.test)}
        if len(kinds) != 1:
            raise ValueError(f"sets of one shape and dtype are expected, got {sorted(kinds) or 'none'}")
        super().__init__(sets, seed, len(sets), steps, batch_size)
        self.shape = (1,) * (3 - len(self.shape)) + self.shape

    def moments(self) -> tuple[float, float]:
        return (127.5, 127.5) if self.sets[0].train.dtype == torch.uint8 else super().moments()

    def present(self, images: Tensor, labels: Tensor, task: int, position: int) -> tuple[Tensor, Tensor]:
        return self.scaled(images).view(-1, *self.shape), labels

"""Rotating images: every batch is turned a bit more than the one before it (Cheung et al. 2019, section 4.1.3)."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from psp.streams.base import Stream
from psp.streams.datasets import Images

_TOGETHER = 8  # angles whose reads are worked out at once, which costs little more than one angle alone
_KEPT = 128  # times that many are kept, some 25 MB for images of 28x28 pixels: a turn of a thousand steps


def reads(height: int, width: int, angles: Sequence[float], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Which pixels a turned image is read from, and their weights: both (angles, height * width, 4).

    Pixel z = row + j column of the turned image, as seen from its centre, is read at z exp(-j angle), bilinearly
    between the four pixels around. Those outside of the image have the weight 0: its background is endless. Angles
    are in degrees, counter-clockwise where rows go down; indices are int32, weights ``dtype``.
    """
    rows, columns = np.mgrid[:height, :width]
    centre = complex((height - 1) / 2, (width - 1) / 2)
    at = (rows + 1j * columns - centre).ravel() * np.exp(-1j * np.radians(angles))[:, None] + centre
    row, of_row = _between(at.real, height)
    column, of_column = _between(at.imag, width)
    index = torch.from_numpy(row[:, :, None] * np.int32(width) + column[:, None])
    weight = torch.from_numpy(of_row[:, :, None] * of_column[:, None]).to(dtype)
    return index.flatten(1, 2).mT.contiguous(), weight.flatten(1, 2).mT.contiguous()


def _between(at: NDArray[np.float64], size: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The two pixels around each place on a line of ``size``, and their shares: (angles, 2, places)."""
    near = np.floor(at)[:, None] + [[0], [1]]
    inside = np.clip(near, 0, size - 1)
    share = (1 - np.abs(at[:, None] - near)) * (near == inside)
    return inside.astype(np.int32), share


def turned(images: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Flattened images (n, pixels), turned, by the :func:`reads` of one angle."""
    # Pixels before images, so that every read adds up whole rows.
    pixels = images.t().contiguous().to(weight.dtype)
    return F.embedding_bag(index, pixels, per_sample_weights=weight, mode="sum").t()


class RotatingImages(Stream):
    """Flattened images that turn on from step to step, once counter-clockwise in ``tasks * steps`` steps.

    A task is a window of angles, through which a context is kept: task k starts at 360 k / tasks degrees, where it is
    tested. Between pixels images are read bilinearly, around them is an endless background of 0, as they are stored;
    they are scaled after that.

    Args:
        images: the labelled images, (n, height, width) or (n, channels, height, width).
        seed: of the order of the images, a whole number from 0.
        tasks: windows a turn.
        steps: batches a window, each 360 / (tasks * steps) degrees on.
        batch_size: images a batch.

    Raises:
        ValueError: images without a height and a width.

    Example:
        >>> from psp.streams.datasets import load
        >>> stream = RotatingImages(load("digits"), seed=0, tasks=10, steps=100)
        >>> stream.degrees(task=3, position=50)
        126.0
    """

    def __init__(self, images: Images, seed: int, tasks: int, steps: int, batch_size: int = 128) -> None:
        if images.train.ndim < 3:
            raise ValueError(f"images with a height and a width are expected, got {tuple(images.train.shape)}")
        super().__init__([images], seed, tasks, steps, batch_size)
        self._size = self.shape[-2:]
        self.shape = (math.prod(self.shape),)

    def degrees(self, task: int, position: int = 0) -> float:
        """The angle ``position`` steps into a visit of a task, counter-clockwise."""
        return 360 * (task * self.steps + position) / (self.tasks * self.steps)

    def present(self, images: Tensor, labels: Tensor, task: int, position: int) -> tuple[Tensor, Tensor]:
        together, place = divmod(task * self.steps + position, _TOGETHER)
        index, weight = _reads(*self._size, self.tasks * self.steps, together, self.std, torch.get_default_dtype())
        flat = images.reshape(-1, math.prod(self._size))  # colours turn as images of their own
        x = turned(flat, index[place], weight[place]).reshape(len(images), -1)
        return x.sub_(self.mean / self.std), labels


@functools.lru_cache(_KEPT)
def _reads(height: int, width: int, turn: int, together: int, std: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The reads of some steps, one after another, of the ``turn`` steps that make a turn; weights over ``std``."""
    steps = range(together * _TOGETHER, (together + 1) * _TOGETHER)
    index, weight = reads(height, width, [360 * step / turn for step in steps], dtype)
    return index, weight.div_(std)  # the weights rather than the images, which are more

"""The strength of a method, or the share of a network, chosen without a look at the test images."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from psp import keys
from psp.config import Config
from psp.errors import UserError
from psp.run import build
from psp.streams import Images
from psp.train import final

HELD_OUT = 6  # one training image in so many is held out: 10,000 of MNIST's 60,000


@dataclasses.dataclass(frozen=True)
class Tuned:
    """Mean accuracy on the held-out images of all tasks, by value, after a run that is as long for each."""

    accuracy: dict[float, float]
    steps: int  # training steps of all runs together: the budget

    @property
    def best(self) -> float:
        """The value of the highest accuracy; of equal ones the lowest."""
        return min(self.accuracy, key=lambda value: (-self.accuracy[value], value))


def tune(
    config: Config,
    values: Sequence[float],
    field: str = "strength",
    data: Path | None = None,
    download: bool = False,
    on_value: Callable[[float, float], None] | None = None,
) -> Tuned:
    """Run ``config`` once with each value on five sixths of the training images, and measure on the last sixth.

    The test images are not used. What is held out, and so the outcome, is a pure function of the configuration.

    Args:
        config: of a short run: fewer tasks or cycles than in the one that the value is for.
        values: to try, in the place of the configuration's own.
        field: of the configuration: ``strength`` or ``share``.
        data: the folder that torchvision's datasets are read from.
        download: whether to fetch missing data.
        on_value: called with each value and its accuracy as they come.

    Raises:
        UserError: no value to try, a value that cannot be, or data that cannot be read.

    Example:
        >>> from psp.config import Config
        >>> config = Config("permuted-digits", "identity", tasks=2, width=8, hidden=1, steps=5, seed=0, batch_size=32,
        ...     lr=1e-3, every=100, matrix=False, threads=1, device="cpu", method="si", strength=0.0)
        >>> tune(config, [0.0, 1.0]).steps
        20
    """
    if not values:
        raise UserError(f"at least one {field} to try is needed")
    changes: list[dict[str, Any]] = [{field: value, "matrix": False} for value in values]
    configs = [dataclasses.replace(config, **change) for change in changes]
    found = {}
    for value, tried in zip(values, configs, strict=True):
        training = build(tried, data, download, lambda images: held_out(images, config.seed))
        while training.step < training.steps:
            training.advance()
        found[value] = statistics.fmean(m.accuracy for m in final(training.measured, training.steps))
        if on_value is not None:
            on_value(value, found[value])
    return Tuned(found, len(found) * config.total)


def held_out(images: Images, seed: int) -> Images:
    """Five sixths of the training images for training, and the last sixth, at random, in the place of the test ones."""
    count = len(images.train)
    order = torch.from_numpy(keys.permutation(keys.words(seed, "held out", None, count, count)))
    test, train = order.split([count // HELD_OUT, count - count // HELD_OUT])
    return Images(images.train[train], images.train_labels[train], images.train[test], images.train_labels[test])

"""Streams by name: KIND-DATASET, such as ``permuted-mnist``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from psp.errors import UserError
from psp.streams.base import Stream
from psp.streams.datasets import Images, load
from psp.streams.incremental import IncrementalClasses
from psp.streams.labels import PermutedLabels
from psp.streams.permuted import PermutedPixels
from psp.streams.rotating import RotatingImages

KINDS: dict[str, Callable[[Images, int, int, int, int], Stream]] = {
    "permuted": PermutedPixels,
    "rotating": RotatingImages,
    "labels": PermutedLabels,
}
_INCREMENTAL = "incremental-cifar"


def split(name: str) -> tuple[str, str]:
    """The kind and the dataset of a stream's name.

    Raises:
        UserError: an unknown kind, or no dataset.
    """
    kind, _, dataset = name.partition("-")
    if name != _INCREMENTAL and not (kind in KINDS and dataset):
        known = ", ".join(f"{kind}-DATASET" for kind in KINDS)
        raise UserError(f"unknown stream {name}: known are {known}, such as permuted-mnist, and {_INCREMENTAL}")
    return kind, dataset


def stream(
    name: str,
    data: Path | None,
    download: bool,
    seed: int,
    tasks: int,
    steps: int,
    batch_size: int = 128,
    size: int | None = None,
    part: Callable[[Images], Images] | None = None,
) -> Stream:
    """The stream of a name.

    ``permuted-DATASET``, ``rotating-DATASET`` and ``labels-DATASET`` take any dataset of :func:`psp.streams.load`.
    ``incremental-cifar`` has up to five tasks: CIFAR-10, then four tens of classes of CIFAR-100, labels 10 to 49, as
    in the release of Cheung et al. 2019; either from a tree ``cifar10`` or ``cifar100`` of image files or from
    torchvision's files.

    Args:
        name: KIND-DATASET.
        data: the folder that holds datasets.
        download: whether to fetch missing ones into it.
        seed: of all that is random in the stream.
        tasks: how many.
        steps: batches a task.
        batch_size: images a batch.
        size: pixels that the images are shrunk to, by averages over areas; by default they stay.
        part: puts other images in the place of each set that is read.

    Raises:
        UserError: an unknown name, data that cannot be read, more tasks than there are, or a size that is too large.

    Example:
        >>> stream("labels-digits", None, False, seed=0, tasks=5, steps=100, size=14).shape
        (196,)
    """
    kind, dataset = split(name)
    if name == _INCREMENTAL:
        sets = [_changed(images, size, part) for images in _cifar(data, download, tasks)]
        return IncrementalClasses(sets, seed, steps, batch_size)
    return KINDS[kind](_changed(load(dataset, data, download), size, part), seed, tasks, steps, batch_size)


def _changed(images: Images, size: int | None, part: Callable[[Images], Images] | None) -> Images:
    images = images if part is None else part(images)
    try:
        return images if size is None else images.shrunk(size)
    except ValueError as error:
        raise UserError(str(error)) from error


def _cifar(data: Path | None, download: bool, tasks: int) -> list[Images]:
    if tasks > 5:
        raise UserError(f"{_INCREMENTAL} has 5 tasks, CIFAR-10 and four tens of classes of CIFAR-100: got {tasks}")
    sets = [load("cifar10", data, download)]
    if tasks > 1:
        hundred = load("cifar100", data, download)
        sets += [hundred.only(10 * task, 10) for task in range(1, tasks)]
    for task, images in enumerate(sets):
        if not len(images.train) or not len(images.test):
            raise UserError(f"cifar100 in {data} lacks the classes {10 * task} to {10 * task + 9}")
    return sets

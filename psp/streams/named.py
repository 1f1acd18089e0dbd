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
INCREMENTAL = "incremental"  # the kind whose images keep their shape
_PAPERS = f"{INCREMENTAL}-cifar"


def split(name: str) -> tuple[str, str]:
    """The kind and the dataset of a stream's name.

    Raises:
        UserError: an unknown kind, or no dataset.
    """
    kind, _, dataset = name.partition("-")
    if not (kind in (*KINDS, INCREMENTAL) and dataset):
        known = ", ".join(f"{kind}-DATASET" for kind in (*KINDS, INCREMENTAL))
        raise UserError(f"unknown stream {name}: known are {known}, such as permuted-mnist, and {_PAPERS}")
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

    ``permuted-DATASET``, ``rotating-DATASET``, ``labels-DATASET`` and ``incremental-DATASET`` take any dataset of
    :func:`psp.streams.load`; the last splits its classes, in order, into as many tasks of as many classes each.
    ``incremental-cifar`` is that of Cheung et al. 2019, of up to five tasks: CIFAR-10, then four tens of classes of
    CIFAR-100, labels 10 to 49, as in their release; either from a tree ``cifar10`` or ``cifar100`` of image files or
    from torchvision's files.

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
        UserError: an unknown name, data that cannot be read, tasks that its classes cannot be split into, or a size
            that is too large.

    Example:
        >>> stream("labels-digits", None, False, seed=0, tasks=5, steps=100, size=14).shape
        (196,)
    """
    kind, dataset = split(name)
    if kind == INCREMENTAL:
        sets = _cifar(data, download, tasks) if name == _PAPERS else _split(dataset, data, download, tasks)
        return IncrementalClasses([_changed(images, size, part) for images in sets], seed, steps, batch_size)
    return KINDS[kind](_changed(load(dataset, data, download), size, part), seed, tasks, steps, batch_size)


def _changed(images: Images, size: int | None, part: Callable[[Images], Images] | None) -> Images:
    images = images if part is None else part(images)
    try:
        return images if size is None else images.shrunk(size)
    except ValueError as error:
        raise UserError(str(error)) from error


def _cifar(data: Path | None, download: bool, tasks: int) -> list[Images]:
    if tasks > 5:
        raise UserError(f"{_PAPERS} has 5 tasks, CIFAR-10 and four tens of classes of CIFAR-100: got {tasks}")
    first = load("cifar10", data, download)
    if tasks == 1:
        return [first]
    return [first, *_parts(load("cifar100", data, download), range(10, 10 * tasks, 10), 10, f"cifar100 in {data}")]


def _split(dataset: str, data: Path | None, download: bool, tasks: int) -> list[Images]:
    whole = load(dataset, data, download)
    each, rest = divmod(whole.classes, tasks)
    if rest:
        raise UserError(f"the {whole.classes} classes of {dataset} cannot be split into {tasks} tasks of as many each")
    return _parts(whole, range(0, whole.classes, each), each, f"{dataset} in {data}")


def _parts(whole: Images, firsts: range, count: int, where: str) -> list[Images]:
    """``count`` classes from each of ``firsts`` on."""
    parts = [whole.only(first, count) for first in firsts]
    for first, images in zip(firsts, parts, strict=True):
        if not len(images.train) or not len(images.test):
            raise UserError(f"{where} lacks the classes {first} to {first + count - 1}")
    return parts

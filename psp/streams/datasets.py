"""Labelled images by name: scikit-learn's digits, embedded, trees of image files, and torchvision's datasets."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from psp.errors import UserError
from psp.streams.trees import read_part

_TREE = "train/CLASS/FILE.jpg and test/CLASS/FILE.jpg"


@dataclass(frozen=True)
class Images:
    """A labelled set: images (n, ...) as stored, labels (n,), whole numbers from 0."""

    train: Tensor
    train_labels: Tensor
    test: Tensor
    test_labels: Tensor

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.train_labels.max()) + 1

    def only(self, first: int, count: int) -> Images:
        """The images of ``count`` classes from ``first`` on, their labels counted from 0."""
        parts = []
        for images, labels in ((self.train, self.train_labels), (self.test, self.test_labels)):
            chosen = ((labels >= first) & (labels < first + count)).nonzero().flatten()
            parts += [images[chosen], labels[chosen] - first]
        return Images(*parts)

    def shrunk(self, size: int) -> Images:
        """The images (n, ..., height, width) at ``size`` x ``size`` pixels, the means of areas, in the same dtype.

        Raises:
            ValueError: a size that is not from 1 to that of the images.
        """
        if not 1 <= size <= min(self.train.shape[-2:]):
            raise ValueError(f"size must be from 1 to {min(self.train.shape[-2:])}, got {size}")
        return Images(_shrunk(self.train, size), self.train_labels, _shrunk(self.test, size), self.test_labels)


def load(name: str, root: Path | None = None, download: bool = False) -> Images:
    """The dataset ``name``: ``digits``, a folder of image files, or one of torchvision's, such as ``fashion-mnist``.

    Args:
        name: of a folder in ``root`` (or a whole path) with the tree {train,test}/CLASS/FILE.jpg, as torchvision's
            ImageFolder has it; else of a dataset, where letter case, dashes and underscores do not matter: from
            torchvision, those with images of one size, a class each, and a training and a test part: MNIST,
            FashionMNIST, KMNIST, QMNIST, USPS, EMNIST-SPLIT (such as ``emnist-letters``), CIFAR10, CIFAR100, SVHN,
            STL10.
        root: the folder that holds the data; not needed for ``digits``.
        download: whether to fetch missing files of torchvision's datasets into ``root``.

    Returns:
        Grey images (n, height, width), coloured ones (n, 3, height, width): from files of any kind as bytes.

    Raises:
        UserError: an unknown name, no ``root``, or files that are missing or cannot be read.

    Example:
        >>> load("digits").train.shape
        torch.Size([1437, 28, 28])
    """
    if _plain(name) == "digits":
        return _digits()
    folder = Path(name) if root is None else root / name
    if all((folder / part).is_dir() for part in ("train", "test")):
        return Images(*read_part(folder / "train"), *read_part(folder / "test"))
    if root is None:
        raise UserError(f"dataset {name} is read from a folder: name it with --data")
    return _torchvision(name, root, download)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _digits() -> Images:
    """The 1,797 digits of 8x8 pixels, enlarged bilinearly to 28x28, a fifth of each class kept for testing."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    small = torch.from_numpy(digits.images).float().unsqueeze(1)
    images = torch.nn.functional.interpolate(small, size=(28, 28), mode="bilinear").squeeze(1)
    labels = torch.from_numpy(digits.target)
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=0, stratify=digits.target)
    return Images(images[train], labels[train], images[test], labels[test])


def _torchvision(name: str, root: Path, download: bool) -> Images:
    import psp._torchvision  # noqa: F401  isort: skip
    from torchvision import datasets

    flags, splits = ({"train": True}, {"train": False}), ({"split": "train"}, {"split": "test"})
    flagged = ("MNIST", "FashionMNIST", "KMNIST", "QMNIST", "USPS", "CIFAR10", "CIFAR100")
    kinds: dict[str, tuple[Any, Any]] = {n: (getattr(datasets, n), flags) for n in flagged}
    kinds |= {f"EMNIST-{s}": (functools.partial(datasets.EMNIST, split=s), flags) for s in datasets.EMNIST.splits}
    kinds |= {n: (getattr(datasets, n), splits) for n in ("SVHN", "STL10")}
    known = {_plain(n): n for n in kinds}
    folder = root / name
    if _plain(name) not in known:
        raise UserError(
            f"unknown dataset {name}: known are digits, {', '.join(kinds)}, and folders that hold {_TREE}, but "
            f"{folder} does not"
        )
    name = known[_plain(name)]
    kind, named = kinds[name]
    try:
        parts = [kind(root=str(root), download=download, **part) for part in named]
        images = [torch.as_tensor(np.asarray(part.data)) for part in parts]
        images = [image.permute(0, 3, 1, 2).contiguous() if image.shape[3:] == (3,) else image for image in images]
        stored = [part.targets if named is flags else part.labels for part in parts]
        labels = [torch.as_tensor(np.asarray(label)).long() for label in stored]
        labels = [label[:, 0] if label.ndim == 2 else label for label in labels]  # QMNIST lists more than the class
        labels = [label - int(name == "EMNIST-letters") for label in labels]  # which count from 1
    except (RuntimeError, ValueError, AssertionError, EOFError, OSError, IndexError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0].removesuffix(".")
        raise UserError(
            f"cannot read {name} from {root}, its files are missing or damaged (--download fetches missing ones), "
            f"and {folder} does not hold {_TREE}: {cause}"
        ) from error
    for image, label in zip(images, labels, strict=True):
        if len(image) != len(label):
            raise UserError(f"cannot read {name} from {root}: {len(image)} images have {len(label)} labels")
    return Images(images[0], labels[0], images[1], labels[1])


def _shrunk(images: Tensor, size: int) -> Tensor:
    """Some at a time: all of them as floats would need a multiple of their memory."""
    out = images.new_empty(*images.shape[:-2], size, size)
    for part, small in zip(images.split(1000), out.split(1000), strict=True):
        mean = torch.nn.functional.adaptive_avg_pool2d(part.reshape(len(part), -1, *part.shape[-2:]).float(), size)
        small.copy_((mean if images.is_floating_point() else mean.round()).view(small.shape))
    return out

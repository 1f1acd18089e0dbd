"""Images from a tree of files, one folder a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from psp.errors import UserError


def read_part(root: Path) -> tuple[Tensor, Tensor]:
    """All images of a tree CLASS/FILE.jpg as bytes (n, 3, height, width), and their labels (n,).

    Classes are numbered in the order of their names, unless every name starts with its number, as in ``12_bridge``.

    Raises:
        UserError: no images, unreadable ones, or images of different sizes.
    """
    import psp._torchvision  # noqa: F401  isort: skip
    from torchvision.datasets import ImageFolder

    try:
        tree = ImageFolder(str(root))
    except FileNotFoundError as error:
        raise UserError(f"cannot read images from {root}: {str(error).splitlines()[0]}") from error
    numbers = [name.split("_")[0] for name in tree.classes]
    numbered = all("_" in name for name in tree.classes) and all(n.isdecimal() for n in numbers)
    names = [int(n) for n in numbers] if numbered else list(range(len(numbers)))
    images: np.ndarray | None = None
    for i, (path, _) in enumerate(tree.samples):
        try:
            image = np.asarray(tree.loader(path)).transpose(2, 0, 1)
        except (OSError, ValueError, SyntaxError) as error:  # SyntaxError: what PIL makes of some broken PNG files
            raise UserError(f"cannot read the image {path}: {error}") from error
        if images is None:
            images = np.empty((len(tree.samples), *image.shape), dtype=np.uint8)
        if image.shape != images.shape[1:]:
            sizes = [f"{shape[-1]}x{shape[-2]}" for shape in (image.shape, images.shape)]
            raise UserError(f"images of one size are needed in {root}: {path} has {sizes[0]} pixels, others {sizes[1]}")
        images[i] = image
    assert images is not None  # ImageFolder refuses empty folders
    return torch.from_numpy(images), torch.tensor([names[label] for _, label in tree.samples])

"""Small labelled images for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from psp.streams import Images


def small(n: int = 50, test: int = 20, shape: tuple[int, ...] = (3, 4), classes: int = 3, seed: int = 0) -> Images:
    """Random bytes with random labels."""
    g = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n + test, *shape), generator=g, dtype=torch.uint8)
    labels = torch.randint(0, classes, (n + test,), generator=g)
    labels[0] = classes - 1
    return Images(images[:n], labels[:n], images[n:], labels[n:])


def write_tree(
    root: Path, classes: list[str], each: int = 3, size: tuple[int, int] = (4, 6), kind: str = "png"
) -> None:
    """A tree {train,test}/CLASS/FILE of images of one colour: (place of the class, number of the file, 7)."""
    for part in ("train", "test"):
        for i, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(each):
                colour = np.full((*size, 3), (i, number, 7), dtype=np.uint8)
                Image.fromarray(colour).save(folder / f"{number:04}.{kind}")

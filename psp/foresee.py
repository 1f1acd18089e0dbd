"""How many tasks a network has room for, foreseen from the first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from psp import plots
from psp.capacity import balanced, leaking, passing
from psp.config import Config
from psp.methods import Protected
from psp.run import build


@dataclasses.dataclass(frozen=True)
class Foreseen:
    """What so many protected tasks come to, layer by layer."""

    tasks: int
    strength: float  # that balances old tasks and new ones
    used: list[float]  # share of a layer's dimensions that the tasks take
    leaking: list[float]  # share of a random update that reaches an old task, in mean square


def first_spectra(config: Config, data: Path | None = None, download: bool = False) -> list[Tensor]:
    """What the layers of a run see after its first task, as spectra, from the last 4,000 images of it.

    Args:
        config: of the run; its method and strength are not used.
        data: the folder that torchvision's datasets are read from.
        download: whether to fetch missing data.

    Raises:
        UserError: a context that is no family's, or data that cannot be read.
    """
    training = build(dataclasses.replace(config, method="protected", strength=None), data, download)
    for _ in range(config.steps):
        training.advance()
    method = cast(Protected, training.method)
    visit = (training.batch(step)[:2] for step in reversed(range(config.steps)))
    return method.protection.spectra(method.some(visit), task=training.batch(0)[2])


def foresee(spectra: Sequence[Tensor], tasks: Sequence[int]) -> list[Foreseen]:
    """What every number of tasks comes to, at the strength that balances it.

    Raises:
        ValueError: as in :mod:`psp.capacity`.

    Example:
        >>> import torch
        >>> (found,) = foresee([torch.tensor([4.0, 0.0, 0.0, 0.0])], [2])
        >>> found.tasks, 0 < found.used[0] < 0.5
        (2, True)
    """
    found = []
    for number in tasks:
        strength = balanced(spectra, number)
        used = [1 - passing(s, strength, number) for s in spectra]
        found.append(Foreseen(number, strength, used, [leaking(s, strength, number) for s in spectra]))
    return found


def draw_trade(spectra: Sequence[Tensor], found: Sequence[Foreseen], path: Path) -> None:
    """Draw the trade between old tasks and new ones, a panel a layer: a curve over all strengths a number of tasks."""
    figure = Figure(figsize=(3.6 * len(spectra), 3.6), layout="constrained")
    strengths = np.geomspace(1e-4, 1e4, 81)
    panels = figure.subplots(1, len(spectra), squeeze=False, sharey=True)[0]
    for i, (axes, spectrum) in enumerate(zip(panels, spectra, strict=True)):
        for one in found:
            old = [leaking(spectrum, strength, one.tasks) for strength in strengths]
            new = [passing(spectrum, strength, one.tasks) for strength in strengths]
            (line,) = axes.plot(new, old, label=f"{one.tasks} tasks", linewidth=1.2)
            axes.plot(1 - one.used[i], one.leaking[i], "o", color=line.get_color(), markersize=5)
        axes.set(title=f"layer {i + 1}: {len(spectrum)} inputs", xlabel="passes, for a new task", xlim=(0, 1))
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set(ylabel="leaks into an old task", ylim=(0, 1))
    panels[0].legend(fontsize="small", title="dots: the balance")
    plots.save(figure, path)

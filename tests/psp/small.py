"""A figure small enough for tests, and a command line that knows it."""

from __future__ import annotations

from matplotlib.figure import Figure

from psp.cli import main
from psp.config import Config
from psp.experiments import EXPERIMENTS
from psp.experiments.base import Experiment, Found, config, curves, percent

SMALL = {
    "stream": "permuted-digits",
    "tasks": 2,
    "steps": 15,
    "width": 12,
    "hidden": 1,
    "batch_size": 32,
    "lr": 1e-3,
    "every": 5,
}


def entries(quick: bool) -> dict[str, Config]:
    """Two labels of 30 steps each; in full, of 4,000."""
    size = SMALL if quick else SMALL | {"steps": 2000, "every": 500}
    return {"with": config(**size), "without": config(**size | {"context": "identity"})}


def draw(figure: Figure, found: Found) -> None:
    """All curves."""
    curves(figure.subplots(), found)


EXPERIMENT = Experiment(
    name="small",
    title="A small one",
    paper="nothing.",
    shortened="all of it",
    entries=entries,
    draw=draw,
    tell=lambda found: f"with: {percent(r.summary()['all'] for r in found['with'])}.",
)

if __name__ == "__main__":
    EXPERIMENTS["small"] = EXPERIMENT
    main()

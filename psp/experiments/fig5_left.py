"""Figure 5, left: families of contexts on rotating images."""

from __future__ import annotations

from matplotlib.figure import Figure

from psp.config import Config
from psp.experiments.base import Experiment, Found, config, curves
from psp.experiments.fig3 import OURS, order
from psp.experiments.fig4 import PROTECTED, cycles, turns

KINDS = {
    "pspComplex": "complex",
    "pspOnepower": "onepower",
    "pspBinary": "binary",
    "pspRotation": "rotation",
    "standard": "identity",
}


def _entries(quick: bool) -> dict[str, Config]:
    return {
        label: config(stream="rotating-fashion-mnist", context=context, **cycles(quick))
        for label, context in KINDS.items()
    } | {OURS: config(**cycles(quick) | {"stream": "rotating-fashion-mnist"} | PROTECTED)}


def draw(figure: Figure, found: Found) -> None:
    """Every curve, from 50 % up, as in the paper."""
    axes = figure.subplots()
    curves(axes, found, linewidth=0.8)
    stream = next(iter(found.values()))[0].config.stream
    axes.set(ylim=(50, None), title=f"{stream}, at 0 degrees", ylabel="accuracy (%)")
    figure.legend(fontsize="small", loc="outside right upper")


def _tell(found: Found) -> str:
    return f"From the best to the worst {order(found)}. At 0 degrees: {turns(found)}."


EXPERIMENT = Experiment(
    name="fig5-left",
    title="Figure 5, left: rotating images, by the family of contexts",
    paper="every family keeps the accuracy at 0 degrees; the legend has Complex, Onepower, Binary, Rotation.",
    shortened="three turns of a network of 128 units, instead of fifty of 256",
    entries=_entries,
    draw=draw,
    tell=_tell,
)

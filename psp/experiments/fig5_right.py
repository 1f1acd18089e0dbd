"""Figure 5, right: contexts that change at every step, and contexts that change smoothly."""

from __future__ import annotations

from psp.config import Config
from psp.experiments.base import Experiment, Found, config
from psp.experiments.fig3 import OURS
from psp.experiments.fig4 import PROTECTED, cycles, turns
from psp.experiments.fig5_left import draw


def _entries(quick: bool) -> dict[str, Config]:
    slow = cycles(quick) | {"stream": "rotating-fashion-mnist"}
    fast = slow | {"tasks": 1000, "steps": 1}
    return {
        "pspComplex": config(context="complex", **slow),
        "pspLocalMix": config(context="localmix", **slow),
        "pspFast": config(context="complex", **fast),
        "pspFastLocalMix": config(context="localmix", **fast),
        "pspFastKernel": config(context="kernel", share=0.06, **fast),
        OURS: config(**slow | PROTECTED),
        "standard": config(context="identity", **slow),
    }


def _tell(found: Found) -> str:
    return f"At 0 degrees: {turns(found)}."


EXPERIMENT = Experiment(
    name="fig5-right",
    title="Figure 5, right: rotating images, by how contexts follow the drift",
    paper="a context a step (pspFast) is better than the standard network and worse than ten contexts a turn "
    "(pspComplex); mixing the phases of neighbours (pspFastLocalMix) is better than pspFast. pspFastKernel is ours: "
    "smooth contexts without the floor that mixing leaves, of a bandwidth that was best on images held out. The "
    "protected network, with ten contexts a turn, is ours too.",
    shortened="three turns of a network of 128 units, instead of fifty of 256",
    entries=_entries,
    draw=draw,
    tell=_tell,
)

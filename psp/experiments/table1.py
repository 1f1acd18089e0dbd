"""Table 1: the numbers that a linear map takes, for one model and for one more."""

from __future__ import annotations

from matplotlib.figure import Figure
from torch import nn

import complexnn
import psp
from psp.config import Config
from psp.contexts.base import Family
from psp.experiments.base import Experiment, Found
from psp.methods.shared import numbers

INPUTS, OUTPUTS = 256, 128  # M and N: two different numbers, so that no formula passes for another
OURS = "Binary protected"  # not in the paper: keeps P and the weights as of the last time that updates passed it
FAMILIES: dict[str, tuple[Family | None, str, str]] = {  # label: family, its numbers, one more model's, by the paper
    "Standard": (None, "MN", "MN"),
    "Rotational": (psp.Rotation(0), "M(N+M)", "M^2"),
    "Binary": (psp.Binary(0), "M(N+1)", "M"),
    "Complex": (psp.Complex(0), "2M(N+0.5)", "M"),
    "OnePower": (psp.OnePower(0), "2M(N+0.5)", "1"),
    OURS: (psp.Binary(0), "M(2N+M+1)", "M"),
}


def counted(label: str) -> tuple[int, int]:
    """The real numbers of a layer M to N with its first context, and those that one more model costs."""
    family = FAMILIES[label][0]
    if family is None:
        weight = nn.Linear(INPUTS, OUTPUTS, bias=False).weight.numel()
        return weight, weight
    linear = complexnn.Linear if family.needs_complex else nn.Linear
    net = psp.superpose(linear(INPUTS, OUTPUTS, bias=False), family)
    stored = numbers(net.parameters())
    if label == OURS:
        stored += numbers(kept for kept in psp.protect(net).buffers() if kept.ndim > 1)
    shared = INPUTS if label == "OnePower" else net.cost  # its context is the base of all powers
    return stored + shared, net.cost


def stated(formula: str) -> int:
    """What a formula comes to."""
    terms = {"M^2": INPUTS**2, "MN": INPUTS * OUTPUTS, "M": INPUTS, "1": 1}
    products = {
        "M(N+M)": INPUTS * (OUTPUTS + INPUTS),
        "M(N+1)": INPUTS * (OUTPUTS + 1),
        "2M(N+0.5)": 2 * INPUTS * OUTPUTS + INPUTS,
        "M(2N+M+1)": INPUTS * (2 * OUTPUTS + INPUTS + 1),
    }
    return (terms | products)[formula]


def rows(found: Found) -> list[list[object]]:
    """Label, formulas and counts, as lines of a table."""
    lines: list[list[object]] = [["label", "parameters", "counted", "one more model", "counted"]]
    for label, (_, first, more) in FAMILIES.items():
        stored, cost = counted(label)
        lines.append([label, first, stored, more, cost])
    return lines


def _draw(figure: Figure, found: Found) -> None:
    axes = figure.subplots()
    models = range(1, 51)
    for label in FAMILIES:
        stored, cost = counted(label)
        axes.plot(models, [stored + (k - 1) * cost for k in models], label=label)
    axes.set(xlabel="models", ylabel="parameters", yscale="log", title=f"one layer, {INPUTS} to {OUTPUTS}")
    axes.legend(fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)


def _tell(found: Found) -> str:
    wrong = [label for label, (_, first, more) in FAMILIES.items() if counted(label) != (stated(first), stated(more))]
    agree = "All counts agree with the formulas" if not wrong else f"Other than the formulas: {', '.join(wrong)}"
    cells = [[str(cell) for cell in line] for line in rows(found)]
    cells.insert(1, ["---"] * len(cells[0]))
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    return (
        f"Counted on a layer of {INPUTS} inputs and {OUTPUTS} outputs. {agree}. With a seed in the place of stored "
        "contexts, as here, one more model of any family costs one whole number; Binary's M numbers are bits.\n\n"
        + "\n".join(lines)
    )


def _entries(quick: bool) -> dict[str, Config]:
    return {}


EXPERIMENT = Experiment(
    name="table1",
    title="Table 1: parameters of a linear map of M inputs and N outputs, and of one more model in it",
    paper="Standard MN, one more model MN; Rotational M(N+M), M^2; Binary M(N+1), M; Complex 2M(N+0.5), M; OnePower "
    "2M(N+0.5), 1. The protected layer is not in the paper.",
    shortened="nothing",
    entries=_entries,
    draw=_draw,
    tell=_tell,
    rows=rows,
)

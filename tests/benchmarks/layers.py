"""Time every row of rows.py, interleaved, on one thread, and write docs/performance.md.

    python -m tests.benchmarks.layers [--rounds 40] [--rows Linear Conv2d] [--output docs/performance.md]

One round times each library once, in a new random order; a figure is the median over the rounds, so that whatever
slows the machine for a while slows all of them. What is timed is the forward pass and the backward pass with a given
gradient of the output, for the input and every parameter, the layer in training. The clock is the processor time of
the one thread: what else runs on the machine does not count.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import platform
import random
import re
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from tests.benchmarks.rows import PEERS, ROWS, Make, Row

REAL, DOUBLED, OURS = "real", "real, twice as wide", "complexnn"
NOISE = 1.05  # a smaller ratio of two times is none
ROUND = 0.01  # seconds that one library has in one round


@dataclass
class Figure:
    """A library's layer: its time in seconds, or why there is none, and what else must be said."""

    seconds: float | None = None
    failure: str = ""
    remarks: list[str] = field(default_factory=list)


def signal(library: str, z: Tensor) -> tuple[object, list[Tensor]]:
    """What a library's layer is called with, and the leaves that its gradient is taken for."""
    if library == "cplxmodule":  # its own class, of two real tensors
        from cplxmodule.cplx import Cplx  # type: ignore[import-not-found]

        parts = [z.real.contiguous().requires_grad_(), z.imag.contiguous().requires_grad_()]
        return Cplx(*parts), parts
    leaf = z.clone().requires_grad_()
    return leaf, [leaf]


def parts(output: object) -> list[Tensor]:
    return [output] if isinstance(output, Tensor) else [output.real, output.imag]  # type: ignore[attr-defined]


def as_complex(output: object) -> Tensor:
    tensors = [tensor.detach() for tensor in parts(output)]
    return tensors[0] if len(tensors) == 1 else torch.complex(*tensors)


def reason(error: Exception) -> str:
    text = re.sub(r"\s+", " ", str(error)).split(". ")[0].split(": [")[0]
    return f"{type(error).__name__}: {text[:120]}"


class AsTensor(nn.Module):
    """A library's layer as one of complex tensors, for the checks."""

    def __init__(self, library: str, layer: nn.Module) -> None:
        super().__init__()
        self.library, self.layer = library, layer

    def forward(self, z: Tensor) -> Tensor:
        return as_complex(self.layer(signal(self.library, z)[0]))


def prepare(row: Row, library: str, make: Make) -> tuple[Callable[[], object] | None, Figure]:
    """A closure that runs the layer forward and backward once, and what its first run and its values tell."""
    figure = Figure()
    generator = torch.Generator().manual_seed(0)
    real = library in (REAL, DOUBLED)
    shape = list(row.shape)
    if library == DOUBLED:
        shape[-1 if len(shape) == 2 or row.name in ("LayerNorm", "RMSNorm") else 1] *= 2
    z = torch.randn(shape, dtype=torch.float32 if real else torch.complex64, generator=generator)
    torch.manual_seed(0)
    stage = "the constructor"
    try:
        layer = make()
        stage = "forward"
        x, wanted = signal(library, z)
        output = layer(x)
        wanted = [*wanted, *layer.parameters()]
        gradients = [torch.randn(part.shape, dtype=part.dtype, generator=generator) for part in parts(output)]
        stage = "backward"
        torch.autograd.grad(parts(output), wanted, gradients, allow_unused=True)
    except Exception as error:  # a peer may fail in any way: the table says which
        figure.failure = f"raises in {stage}: {reason(error)}"
        return None, figure
    if not real:
        with torch.no_grad():
            told = row.check(AsTensor(library, layer), z, as_complex(layer(signal(library, z)[0])))
        figure.remarks += [remark for remark in (told, row.remarks.get(library, "")) if remark]

    def step() -> object:
        return torch.autograd.grad(parts(layer(x)), wanted, gradients, allow_unused=True)

    return step, figure


def layers(row: Row) -> dict[str, Make]:
    """Every library's layer of a row."""
    return {REAL: row.real, DOUBLED: row.doubled, OURS: row.complexnn, **row.peers}


def warm_allocator() -> None:
    """Free one large block, as any training does: glibc then keeps the memory of tensors below that size.

    Before that it hands theirs back after every step, and each new one costs page faults: what is timed is those.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def repeats(step: Callable[[], object]) -> int:
    """How often a step runs in one round."""
    step()
    start = time.thread_time()
    step()
    return max(1, round(ROUND / (time.thread_time() - start)))


def measure(row: Row, rounds: int) -> dict[str, Figure]:
    steps: dict[str, Callable[[], object]] = {}
    figures: dict[str, Figure] = {}
    for library, make in layers(row).items():
        step, figures[library] = prepare(row, library, make)
        if step is not None:
            steps[library] = step
    count = {library: repeats(step) for library, step in steps.items()}
    times: dict[str, list[float]] = {library: [] for library in steps}
    order = list(steps)
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for library in order:
            start = time.thread_time()
            for _ in range(count[library]):
                steps[library]()
            times[library].append((time.thread_time() - start) / count[library])
    for library, taken in times.items():
        figures[library].seconds = statistics.median(taken)
    return figures


def processor() -> str:
    """The processor's name as the system knows it."""
    try:
        names = re.findall(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def notes_of(results: dict[Row, dict[str, Figure]]) -> list[str]:
    """Every remark and failure once, in the order of the table."""
    texts = [
        text
        for figures in results.values()
        for library in (OURS, *PEERS)
        if library in figures
        for text in (*figures[library].remarks, *filter(None, [figures[library].failure.partition(": ")[2]]))
    ]
    return list(dict.fromkeys(texts))


def cell(figure: Figure | None, base: float, notes: list[str]) -> str:
    if figure is None:
        return "–"
    stage, _, why = figure.failure.partition(": ")
    marks = "".join(f" [{notes.index(text) + 1}]" for text in (*figure.remarks, *filter(None, [why])))
    return (stage if figure.seconds is None else f"{figure.seconds / base:.2f}") + marks


def table(results: dict[Row, dict[str, Figure]], base: str, notes: list[str]) -> list[str]:
    """Each library's time over that of the real layer ``base``, as lines of Markdown."""
    header = ["layer", "size", f"{base} (ms)", OURS, *PEERS]
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join(["---"] * len(header)) + " |"]
    for row, figures in results.items():
        seconds = figures[base].seconds
        assert seconds is not None, figures[base].failure
        cells = [cell(figures.get(library), seconds, notes) for library in (OURS, *PEERS)]
        lines.append("| " + " | ".join([row.name, row.size, f"{1e3 * seconds:.2f}", *cells]) + " |")
    return lines


def aims(results: dict[Row, dict[str, Figure]]) -> list[str]:
    """Every aim and what came of it, and the rows on which a peer with right values is faster, beyond noise."""
    lines = ["| layer | over the real layer | aim | measured | |", "| --- | --- | --- | --- | --- |"]
    behind = []
    for row, figures in results.items():
        ours = figures[OURS].seconds
        assert ours is not None, figures[OURS].failure
        if row.aim is not None:
            base = figures[DOUBLED if row.aim_doubled else REAL].seconds
            assert base is not None
            verdict = "reached" if ours <= row.aim * base else f"{ours / base / row.aim:.2f} times the aim: {row.why}"
            kind = "on as many real numbers" if row.aim_doubled else "of the same widths"
            lines.append(f"| {row.name} | {kind} | {row.aim} | {ours / base:.2f} | {verdict} |")
        right = {
            library: figure.seconds
            for library, figure in figures.items()
            if library in PEERS and figure.seconds and not any(text.startswith("wrong") for text in figure.remarks)
        }
        if right and ours > NOISE * min(right.values()):
            best = min(right, key=right.__getitem__)
            why = f": {row.why}" if row.why else ""
            behind.append(f"- {row.name}: {best} takes {right[best] / ours:.2f} of complexnn's time{why}.")
    told = f"No peer with right values is faster by more than {100 * (NOISE - 1):.0f} %."
    return [*lines, "", *(["Where a peer with right values is faster:", "", *behind] if behind else [told])]


def report(results: dict[Row, dict[str, Figure]], rounds: int) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
    notes = notes_of(results)
    lines = [
        "# Performance",
        "",
        "Forward plus backward with a given gradient of the output, for the input and every parameter, in training,",
        f"complex64, one thread: processor time, the median of {rounds} interleaved rounds, in a process that has once",
        "freed a large tensor, so that its allocator keeps memory between steps.",
        "",
        "A figure is a library's time over that of torch's real layer (ReLU for the activations without a real twin):",
        "smaller is faster.",
        "",
        f"- processor: {processor()}, {torch.backends.cpu.get_cpu_capability()}",
        f"- torch {torch.__version__}, {versions}",
        f"- measured on {datetime.date.today():%Y-%m-%d}; once more with `python -m tests.benchmarks.layers`",
        "",
        "## Over the real layer of the same widths",
        "",
        "A complex number is two real ones and a complex product is four real products: 2 is par for an elementwise",
        "layer, 4 for a linear one.",
        "",
        *table(results, REAL, notes),
        "",
        "## Over the real layer on as many real numbers",
        "",
        "The real layer has twice the channels or features, and so the memory traffic of the complex one.",
        "",
        *table(results, DOUBLED, notes),
        "",
        "## Aims",
        "",
        *aims(results),
        "",
        "## Notes",
        "",
        *(f"[{number}] {text}.  " for number, text in enumerate(notes, 1)),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Time complexnn beside torch's real layers and the peers.")
    parser.add_argument("--rounds", type=int, default=40, help="interleaved rounds to take the median of")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS], help="only these layers")
    parser.add_argument("--output", type=Path, help="the Markdown file to write; by default it is printed")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warm_allocator()
    warnings.simplefilter("ignore")  # the peers' own
    results = {}
    for row in ROWS:
        if not options.rows or row.name in options.rows:
            results[row] = measure(row, options.rounds)
            print(row.name, {library: f"{1e3 * (f.seconds or 0):.3f} ms" for library, f in results[row].items()})
    text = report(results, options.rounds)
    if options.output:
        options.output.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()

"""Speed as a ratio: every candidate against one base, interleaved in one run, medians of the ratios of rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def ratios(
    steps: dict[str, Callable[[], object]],
    base: str,
    rounds: int = 15,
    warmup: int = 2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Time of each step over that of ``base`` in the same round, as the median over the rounds."""
    for step in steps.values():
        for _ in range(warmup):
            step()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = clock()
            step()
            taken[name].append(clock() - start)
    return {
        name: statistics.median(t / b for t, b in zip(times, taken[base], strict=True)) for name, times in taken.items()
    }

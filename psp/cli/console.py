"""What all commands share."""

from __future__ import annotations

import signal
from types import FrameType

from rich.console import Console

console = Console()


class StopOnSignal:
    """Turns the first Ctrl-C (or SIGTERM) into a wish to stop after the step in flight; the second one interrupts."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> StopOnSignal:
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

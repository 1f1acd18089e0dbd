"""Accuracies for TensorBoard, an extra: ``pip install 'complexnn-psp[tensorboard]'``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from psp.errors import UserError
from psp.train import Training


def require_tensorboard() -> None:
    """Raise UserError unless TensorBoard is installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError("--tensorboard needs the extra of that name: pip install 'complexnn-psp[tensorboard]'")


class Log:
    """Writes every new measurement of a training into the folder ``tensorboard`` of its run."""

    def __init__(self, run: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run / "tensorboard"))
        self._written: int | None = None

    def __call__(self, training: Training) -> None:
        measured = training.measured
        if self._written is None:  # what an earlier part of the run measured is in the folder already
            self._written = sum(m.step < training.step for m in measured)
        for m in measured[self._written :]:
            self._writer.add_scalar(f"accuracy/task {m.task}", m.accuracy, m.step)
        self._written = len(measured)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()

"""Fine-tuning whose updates are kept out of finished tasks' subspaces."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from psp.methods.base import Batches, Method
from psp.optim import RowRMSprop
from psp.protect import protect
from psp.superpose import Superposed


class Protected(Method):
    """A superposed network that learns one task after another under :func:`psp.protect`.

    Args:
        net: the network.
        strength: how much finished tasks count beside the new one; by default chosen after the first.
        tasks: how many are to come, for that choice.
        samples: inputs by which a finished task is observed.
    """

    def __init__(self, net: Superposed, strength: float | None = None, tasks: int = 50, samples: int = 4000) -> None:
        super().__init__(net)
        self.samples = samples
        self.protection = protect(net, strength, tasks)

    def optimizer(self, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        return RowRMSprop(parameters, lr=lr)

    def after_step(self) -> None:
        self.protection.stepped()

    def finish(self, task: int, batches: Batches) -> None:
        self.protection.observe(self.some(batches), task)

    def some(self, batches: Batches) -> Iterator[Tensor]:
        """The inputs that a task is observed by: the batches until there are enough."""
        seen = 0
        for x, _ in batches:
            yield x
            seen += len(x)
            if seen >= self.samples:
                return

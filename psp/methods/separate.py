"""A network for every task: nothing is forgotten, and nothing shared."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from psp import keys
from psp.methods.base import TaskNetwork
from psp.methods.shared import numbers, one_of


class Separate(TaskNetwork):
    """One network a task, chosen by the task: the upper bound for what isolates tasks, at the most bytes.

    Args:
        make: called once a task, for a new network.
        tasks: how many.

    Raises:
        TypeError, ValueError: ``tasks`` is not a whole number from 1; in a call, ``task`` is not one below ``tasks``.

    Example:
        >>> import torch
        >>> net = Separate(lambda: nn.Linear(4, 2), tasks=3)
        >>> net(torch.ones(5, 4), task=2).shape
        torch.Size([5, 2])
    """

    def __init__(self, make: Callable[[], nn.Module], tasks: int) -> None:
        super().__init__()
        self.networks = nn.ModuleList(make() for _ in range(keys.at_least_one(tasks, "tasks")))

    @property
    def cost(self) -> int:
        """Those of a network."""
        return numbers(self.networks[0].parameters())

    def forward(self, x: Tensor, task: int) -> Tensor:
        """The output of the task's network."""
        logits: Tensor = self.networks[one_of(task, len(self.networks))](x)
        return logits

"""A shared trunk with a head for every task."""

from __future__ import annotations

import copy
from typing import Any, cast

from torch import Tensor, nn

from psp import keys
from psp.methods.base import TaskNetwork
from psp.methods.shared import numbers, one_of


class MultiHead(TaskNetwork):
    """A trunk that all tasks share, and a last Linear layer for each.

    Args:
        net: a copy of it is taken, whose last Linear, in the order of its modules, becomes the head of task 0; the
            other tasks' heads are drawn like it.
        tasks: how many.

    Raises:
        TypeError, ValueError: ``tasks`` is not a whole number from 1; ``net`` has no Linear layer; in a call, ``task``
            is not a whole number below ``tasks``.

    Example:
        >>> import torch
        >>> net = MultiHead(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), tasks=3)
        >>> net(torch.ones(5, 4), task=2).shape
        torch.Size([5, 2])
    """

    def __init__(self, net: nn.Module, tasks: int) -> None:
        super().__init__()
        paths = [path for path, layer in net.named_modules() if isinstance(layer, nn.Linear)]
        if not paths:
            raise ValueError(f"a network with a Linear layer is expected, got {type(net).__name__} with none")
        self.network = copy.deepcopy(net)
        path = f"network.{paths[-1]}".rstrip(".")
        heads = _Heads(self.get_submodule(path), keys.at_least_one(tasks, "tasks"))
        parent, _, name = path.rpartition(".")
        setattr(self.get_submodule(parent), name, heads)

    @property
    def cost(self) -> int:
        """Those of a head."""
        return numbers(self._heads[0].parameters())

    @property
    def _heads(self) -> _Heads:
        return next(part for part in self.network.modules() if isinstance(part, _Heads))

    def forward(self, x: Tensor, task: int) -> Tensor:
        """The output through the task's head."""
        heads = self._heads
        heads.task = one_of(task, len(heads))
        logits: Tensor = self.network(x)
        return logits


class _Heads(nn.ModuleList):
    """Stands where the last layer stood."""

    def __init__(self, first: Any, tasks: int) -> None:
        others = [copy.deepcopy(first) for _ in range(tasks - 1)]
        super().__init__([first, *others])
        self.task = 0
        for head in others:
            head.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self._modules[str(self.task)](x))

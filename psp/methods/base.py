"""Ways of learning tasks in turn, and networks that are told the task."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Batches = Iterator[tuple[Tensor, Tensor]]


class TaskNetwork(nn.Module):
    """A network that is told the task, ``net(x, task=k)``, as :class:`psp.Superposed` is, and may act on a change."""

    told: ClassVar[str] = "task"  # at test time

    @property
    @abstractmethod
    def cost(self) -> int:
        """Parameters that one more task costs, in real numbers."""

    def start(self, task: int, optimizer: torch.optim.Optimizer) -> None:
        """Called before the first step of every visit of a task."""


class Method(nn.Module):
    """How a network learns its tasks; in itself fine-tuning: one task after another, and nothing against forgetting.

    Whatever a method keeps is in its parameters and buffers, so that its ``state_dict`` goes on with a run. Around
    each step it is called in this order: :meth:`start` where a visit of a task begins, :meth:`loss`, whose gradients
    are taken, :meth:`before_step`, the optimiser's step, :meth:`after_step`, and :meth:`finish` where a visit ends.

    Args:
        net: called as ``net(x, task=k)``.
    """

    joint: ClassVar[bool] = False  # whether every step draws its task from all of them

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def optimizer(self, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """What takes the steps: RMSprop with torch's settings, unless a method needs another."""
        return torch.optim.RMSprop(parameters, lr=lr)

    def forward(self, x: Tensor, task: int) -> Tensor:
        """Logits (batch, classes)."""
        logits: Tensor = self.net(x, task=task)
        return logits

    def start(self, task: int, optimizer: torch.optim.Optimizer) -> None:
        """Called before the first step of every visit of a task."""
        if isinstance(self.net, TaskNetwork):
            self.net.start(task, optimizer)

    def loss(self, x: Tensor, y: Tensor, task: int, step: int) -> Tensor:
        """What step ``step`` minimises on its batch."""
        return F.cross_entropy(self(x, task), y)

    def before_step(self) -> None:
        """Called with the gradients of the loss, which it may change."""

    def after_step(self) -> None:
        """Called after the optimiser's step."""

    def finish(self, task: int, batches: Batches) -> None:
        """Called after the last step of every visit, with that visit's batches, the last one first."""


class Joint(Method):
    """All tasks at once: every step draws its task at random. An upper bound for one network, not a way to learn
    tasks that arrive one after another."""

    joint: ClassVar[bool] = True

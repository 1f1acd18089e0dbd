"""Replay: a few samples of the past are learned again with every step."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from psp import keys
from psp.methods.base import Method
from psp.superpose import Superposed


class Replay(Method):
    """Each step's loss is the mean of that on its batch and that on as many samples drawn from a memory.

    The memory is a reservoir (Vitter 1985, algorithm R; Chaudhry 2019): of all n samples presented so far, with their
    labels and tasks, each is in it with probability memory / n. Samples are drawn from it with replacement. What is
    drawn and kept is a pure function of the seed, the step and how many samples were seen.

    Args:
        net: called as ``net(x, task=k)``.
        memory: samples kept.
        seed: of what is drawn and kept, a whole number from 0.

    Raises:
        TypeError, ValueError: ``memory`` is not a whole number from 1, ``seed`` not one from 0.

    Example:
        >>> import psp
        >>> method = Replay(psp.superpose(nn.Linear(4, 2), psp.Binary(seed=0)), memory=200)
        >>> method(torch.ones(5, 4), task=3).shape
        torch.Size([5, 2])
    """

    x: Tensor
    y: Tensor
    task: Tensor
    seen: Tensor

    def __init__(self, net: nn.Module, memory: int, seed: int = 0) -> None:
        super().__init__(net)
        self.memory = keys.at_least_one(memory, "memory")
        self.seed = keys.whole(seed, "seed")
        self.register_buffer("x", torch.empty(0))
        self.register_buffer("y", torch.zeros(memory, dtype=torch.int64))
        self.register_buffer("task", torch.zeros(memory, dtype=torch.int64))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self._presented: tuple[Tensor, Tensor, int, int] | None = None

    def loss(self, x: Tensor, y: Tensor, task: int, step: int) -> Tensor:
        """The mean of the batch's loss and, once there is a memory, that of as many samples of it."""
        self._presented = x, y, task, step
        now = F.cross_entropy(self(x, task), y)
        filled = min(int(self.seen), self.memory)
        if not filled:
            return now
        chosen = torch.from_numpy((keys.words(self.seed, "replay/draw", step, 1, len(x)) % filled).astype("int64"))
        return (now + self._past(chosen.to(self.task.device))) / 2

    def _past(self, chosen: Tensor) -> Tensor:
        x, y, task = self.x[chosen], self.y[chosen], self.task[chosen]
        if isinstance(self.net, Superposed):  # takes a task a sample
            return F.cross_entropy(self.net(x, task=task), y)
        of_tasks = [(k, (task == k).nonzero().flatten()) for k in task.unique().tolist()]
        summed = [F.cross_entropy(self(x[rows], k), y[rows], reduction="sum") for k, rows in of_tasks]
        return torch.stack(summed).sum() / len(x)

    def after_step(self) -> None:
        """Let the batch into the memory."""
        assert self._presented is not None
        x, y, task, step = self._presented
        self._presented = None
        if self.x.numel() == 0:
            self.x = x.new_zeros(self.memory, *x.shape[1:])
        words = keys.words(self.seed, "replay/keep", step, 1, len(x)).tolist()
        places = {}  # of the samples of the batch that share a place, the last one keeps it
        for row, (number, word) in enumerate(enumerate(words, start=int(self.seen))):
            place = number if number < self.memory else word % (number + 1)
            if place < self.memory:
                places[place] = row
        if places:
            device = self.task.device
            to, rows = (torch.tensor(list(numbers), device=device) for numbers in (places.keys(), places.values()))
            self.x[to], self.y[to], self.task[to] = x.detach()[rows], y[rows], torch.full_like(to, task)
        self.seen += len(x)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The shape of the samples is not known before the first of them.
        self.x = torch.empty_like(state_dict.get(f"{prefix}x", self.x), device=self.x.device)
        super()._load_from_state_dict(state_dict, prefix, *args)

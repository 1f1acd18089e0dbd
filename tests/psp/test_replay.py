"""Replay: a fair memory of what was presented, and a loss that is half about it."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import psp
from psp.methods import MultiHead, Replay

D = torch.float64


class Nothing(nn.Module):
    def forward(self, x: Tensor, task: int) -> Tensor:
        return x


def present(method: Replay, numbers: range, batch: int) -> None:
    """Samples that are their own number; task and label go with it."""
    for step, start in enumerate(range(numbers.start, numbers.stop, batch)):
        x = torch.arange(start, min(start + batch, numbers.stop), dtype=D)[:, None].expand(-1, 2)
        method.loss(x, x[:, 0].long() % 2, int(x[0, 0]) // 100, step)
        method.after_step()


def test_what_is_remembered_was_presented_with_its_label_and_task() -> None:
    method = Replay(Nothing(), 20)
    present(method, range(1000), 10)
    assert int(method.seen) == 1000
    kept = method.x[:, 0].long()
    assert len(set(kept.tolist())) == 20
    assert torch.equal(method.y, kept % 2)
    assert torch.equal(method.task, kept // 100)


def test_a_memory_that_is_not_full_holds_everything() -> None:
    method = Replay(Nothing(), 20)
    present(method, range(15), 10)
    assert method.x[:15, 0].tolist() == list(range(15))


def test_every_sample_has_the_same_chance_to_be_remembered() -> None:
    # Of 400 memories each of 10 out of 60: the count of a sample is binomial, z-scores below 5.
    counts = torch.zeros(60)
    for seed in range(400):
        method = Replay(Nothing(), 10, seed=seed)
        present(method, range(60), 7)
        counts[method.x[:, 0].long()] += 1
    z = (counts - 400 / 6) / math.sqrt(400 * 1 / 6 * 5 / 6)
    assert float(z.abs().max()) < 5
    assert 0.5 < float(z.square().mean()) < 1.5  # 60 of them: standard error 0.18


@pytest.mark.parametrize("told", ["contexts", "heads"])
def test_the_loss_is_the_mean_of_now_and_then(told: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 3, dtype=D)
    net = psp.superpose(layer, psp.Binary(0)) if told == "contexts" else MultiHead(layer, 2)
    method = Replay(net, 2, seed=1)
    first = torch.randn(1, 4, dtype=D), torch.tensor([2])
    x, y = torch.randn(5, 4, dtype=D), torch.randint(3, (5,))
    torch.testing.assert_close(method.loss(*first, 0, 0), F.cross_entropy(net(first[0], task=0), first[1]))
    method.after_step()
    # One sample is remembered, so whatever is drawn is that one.
    now, then = F.cross_entropy(net(x, task=1), y), F.cross_entropy(net(first[0], task=0), first[1])
    torch.testing.assert_close(method.loss(x, y, 1, 1), (now + then) / 2)


@pytest.mark.parametrize("told", ["contexts", "heads"])
def test_samples_of_many_tasks_are_each_told_their_own(told: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 3, dtype=D)
    net = psp.superpose(layer, psp.Binary(0)) if told == "contexts" else MultiHead(layer, 4)
    method = Replay(net, 8, seed=1)
    for task in range(4):
        method.loss(torch.randn(2, 4, dtype=D), torch.randint(3, (2,)), task, task)
        method.after_step()
    chosen = torch.tensor([7, 0, 3, 3, 4])
    each = [F.cross_entropy(net(method.x[i, None], task=int(method.task[i])), method.y[i, None]) for i in chosen]
    torch.testing.assert_close(method._past(chosen), torch.stack(each).mean())


def test_a_memory_needs_a_size() -> None:
    with pytest.raises(ValueError, match="memory must be at least 1"):
        Replay(Nothing(), 0)
    with pytest.raises(TypeError, match="memory must be a whole number"):
        Replay(Nothing(), 1.5)  # type: ignore[arg-type]

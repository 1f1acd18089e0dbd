"""What contexts add to a training step, and to a pass of a retrieved network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import psp
from psp.contexts import Family
from psp.networks import MLP
from tests.benchmarks.interleaved import ratios

LIMITS = {"Binary": 1.10, "SignedPermutation": 1.25, "Hadamard": 1.5, "mixed tasks": 1.2}  # over the plain step
MIXED = torch.arange(128) % 50


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def training_step(family: Family | None, task: int | Tensor = 3) -> Callable[[], None]:
    torch.manual_seed(0)
    net: nn.Module = MLP(784, 2048, 2, 10)
    x, y = torch.randn(128, 784), torch.randint(10, (128,))
    if family is not None:
        net = psp.superpose(net, family)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-4)
    named = {} if family is None else {"task": task}

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x, **named), y).backward()
        optimizer.step()

    return step


def test_training_step_at_2048_units(benchmark: Any) -> None:
    steps = {
        "plain": training_step(None),
        "Binary": training_step(psp.Binary(0)),
        "SignedPermutation": training_step(psp.SignedPermutation(0)),
        "Hadamard": training_step(psp.Hadamard(0)),
        "BlockRotation": training_step(psp.BlockRotation(0)),
        "mixed tasks": training_step(psp.Binary(0), MIXED),
    }
    found = ratios(steps, "plain")
    print("\n" + ", ".join(f"{name} {ratio:.3f}" for name, ratio in found.items()))
    benchmark.extra_info.update(found)
    benchmark.pedantic(steps["Binary"], rounds=5)
    assert {name: ratio for name, ratio in found.items() if ratio > LIMITS.get(name, 99)} == {}


def test_a_retrieved_network_costs_what_the_plain_one_does(benchmark: Any) -> None:
    torch.manual_seed(0)
    model = MLP(784, 2048, 2, 10)
    retrieved = psp.superpose(model, psp.Binary(0)).retrieve(3)
    x = torch.randn(128, 784)
    found = ratios({"plain": lambda: model(x), "retrieved": lambda: retrieved(x)}, "plain", rounds=51)
    print(f"\nretrieved {found['retrieved']:.3f}")
    benchmark.extra_info.update(found)
    benchmark.pedantic(retrieved, (x,), rounds=5)
    assert type(retrieved) is type(model)
    assert {type(m) for m in retrieved.modules()} == {type(m) for m in model.modules()}
    assert found["retrieved"] < 1.05

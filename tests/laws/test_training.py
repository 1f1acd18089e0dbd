"""Training under contexts: from W_0 C^-1, an optimiser follows the trajectory that it takes without contexts.

SGD does for every family, since the gradient of W is that of W C times C^-1. RMSprop and Adam scale each entry by
itself, so they do where contexts only move entries and change their signs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

import complexnn
import psp
from psp.contexts import Family
from tests.laws.conftest import MAKE, Make, double, every, every_family, store

TASK = 3
STEPS = 40


def linear_network(dtype: torch.dtype) -> tuple[nn.Module, Tensor]:
    layers, activation = (complexnn, complexnn.CReLU) if dtype.is_complex else (nn, nn.ReLU)
    linear = partial(layers.Linear, dtype=dtype)
    net = nn.Sequential(linear(6, 9), activation(), linear(9, 9), activation(), linear(9, 4))
    return net, torch.randn(STEPS, 8, 6, dtype=dtype)


def convolutional_network(dtype: torch.dtype) -> tuple[nn.Module, Tensor]:
    layers, activation = (complexnn, complexnn.CReLU) if dtype.is_complex else (nn, nn.ReLU)
    net = nn.Sequential(
        layers.Conv2d(2, 4, 3, padding=1, dtype=dtype),
        activation(),
        layers.Conv2d(4, 4, 3, stride=2, groups=2, dtype=dtype),
        activation(),
        nn.Flatten(),
        layers.Linear(16, 3, dtype=dtype),
    )
    return net, torch.randn(STEPS, 4, 2, 6, 6, dtype=dtype)


Network = Callable[[torch.dtype], tuple[nn.Module, Tensor]]
every_network = pytest.mark.parametrize("network", [linear_network, convolutional_network])


def deviation_from_plain(network: Network, family: Family, optimizer: Callable) -> tuple[float, float]:
    """Largest difference of any folded weight after training, and how far training moved the weights."""
    torch.manual_seed(0)
    plain, inputs = network(double(family))
    start = [parameter.detach().clone() for parameter in plain.parameters()]
    net = psp.superpose(plain, family)
    with torch.no_grad():
        for layer in net.layers:
            layer.weight.copy_(store(layer.context, layer.weight.flatten(1), TASK).view_as(layer.weight))
    targets = torch.randn_like(plain(inputs.flatten(0, 1))).unflatten(0, inputs.shape[:2])
    for run in (plain, lambda x: net(x, task=TASK)):
        optimize = optimizer((plain if run is plain else net).parameters())
        for x, y in zip(inputs, targets, strict=True):
            optimize.zero_grad()
            (run(x) - y).abs().square().mean().backward()
            optimize.step()
    reached = list(plain.parameters())
    deviation = [(a - b).abs().max() for a, b in zip(net.retrieve(TASK).parameters(), reached, strict=True)]
    moved = [(a - b).abs().max() for a, b in zip(start, reached, strict=True)]
    return float(max(deviation).detach()), float(min(moved).detach())


@every_network
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}])
@every_family
def test_sgd_follows_the_trajectory_without_contexts(make: Make, settings: dict, network: Network) -> None:
    deviation, moved = deviation_from_plain(network, make(seed=1), lambda p: torch.optim.SGD(p, lr=0.05, **settings))
    assert moved > 1e-3
    assert deviation < 1e-12


ELEMENTWISE = {
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=1e-3),
    "Adam": lambda p: torch.optim.Adam(p, lr=1e-3),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=0.01),
}
every_elementwise_optimizer = pytest.mark.parametrize("optimizer", ELEMENTWISE.values(), ids=ELEMENTWISE)

MONOMIAL = ("Identity", "Binary", "BlockRotation-1", "SignedPermutation")  # one entry +-1 in every row and column


@every_network
@every_elementwise_optimizer
@every(MONOMIAL)
def test_elementwise_optimizers_follow_it_where_contexts_only_move_and_sign_entries(
    make: Make, optimizer: Callable, network: Network
) -> None:
    deviation, moved = deviation_from_plain(network, make(seed=1), optimizer)
    assert moved > 1e-3
    assert deviation < 1e-12


@every_network
@every_elementwise_optimizer
@every(name for name in MAKE if name not in MONOMIAL)
def test_elementwise_optimizers_leave_it_where_contexts_mix_entries(
    make: Make, optimizer: Callable, network: Network
) -> None:
    deviation, _ = deviation_from_plain(network, make(seed=1), optimizer)
    assert deviation > 3e-3


@every_family
def test_training_one_task_reaches_the_others_only_through_crosstalk(make: Make) -> None:
    # A step on task 0 moves W C_0 by its gradient, and W C_1 by that gradient times C_0^-1 C_1.
    torch.manual_seed(0)
    family = make(seed=1)
    dtype = double(family)
    kind = complexnn.Linear if family.needs_complex else nn.Linear
    net = psp.superpose(kind(12, 3, dtype=dtype), family)
    (layer,) = net.layers
    before = copy.deepcopy(net)
    net(torch.randn(5, 12, dtype=dtype), task=0).abs().square().sum().backward()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    c0, c1 = (layer.context.matrix(task, dtype) for task in (0, 1))
    step0, step1 = (net.retrieve(task).weight - before.retrieve(task).weight for task in (0, 1))
    torch.testing.assert_close(step1, step0 @ c0.mH @ c1, rtol=1e-10, atol=1e-12)

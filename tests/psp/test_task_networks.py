"""Networks that are told the task: each computes what its paper says, and keeps finished tasks as it says."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

import complexnn
from psp.methods import Ensemble, Gated, MultiHead, Separate, Supermasks, TaskNetwork
from psp.methods.supermasks import _pack, _unpack
from tests.laws.conftest import law
from tests.psp.test_fisher import C, D

TASKS = 3
WEIGHTS = ("0.weight", "2.weight")


def plain(complex: bool, width: int = 10) -> nn.Sequential:
    torch.manual_seed(0)
    if complex:
        return nn.Sequential(
            complexnn.Linear(5, width, dtype=C), complexnn.CReLU(), complexnn.Linear(width, 4, dtype=C)
        )
    return nn.Sequential(nn.Linear(5, width, dtype=D), nn.ReLU(), nn.Linear(width, 4, dtype=D))


def images(complex: bool) -> tuple[nn.Sequential, Tensor]:
    torch.manual_seed(0)
    layers, dtype = (complexnn, C) if complex else (nn, D)
    net = nn.Sequential(
        layers.Conv2d(2, 4, 3, padding=1, padding_mode="circular", dtype=dtype),
        complexnn.CReLU() if complex else nn.ReLU(),
        layers.Conv2d(4, 6, 2, groups=2, dtype=dtype),
        nn.Flatten(),
        layers.Linear(54, 3, dtype=dtype),
    )
    return net, torch.randn(3, 2, 4, 4, dtype=dtype)


MAKE: dict[str, Callable[[nn.Module], TaskNetwork]] = {
    "separate": lambda net: Separate(lambda: copy.deepcopy(net), TASKS),
    "multi-head": lambda net: MultiHead(net, TASKS),
    "xdg": lambda net: Gated(net, seed=3),
    "batch-ensemble": lambda net: Ensemble(net, TASKS, seed=3),
    "supsup": lambda net: Supermasks(net, TASKS, seed=3),
}
every_network = pytest.mark.parametrize("make", MAKE.values(), ids=list(MAKE))
COMPLEX = pytest.mark.parametrize("complex", [False, True])


@COMPLEX
@every_network
def test_what_one_more_task_costs_is_how_much_larger_the_network_is_for_it(
    make: Callable[[nn.Module], TaskNetwork], complex: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = make(plain(complex, width=16))  # whole bytes of masks
    monkeypatch.setattr(f"{__name__}.TASKS", TASKS + 1)
    larger = make(plain(complex, width=16))
    masks = sum(tensor.numel() for tensor in larger.buffers()) - sum(tensor.numel() for tensor in net.buffers())
    numbers = [sum(p.nbytes for p in one.parameters()) // D.itemsize for one in (net, larger)]
    assert net.cost == numbers[1] - numbers[0] + 8 * masks
    assert (net.cost == 0) == isinstance(net, Gated)


def train(net: TaskNetwork, task: int, steps: int = 20, lr: float = 0.01) -> torch.optim.Optimizer:
    optimizer = torch.optim.RMSprop([p for p in net.parameters() if p.requires_grad], lr=lr)
    net.start(task, optimizer)
    go_on(net, task, optimizer, steps)
    return optimizer


def go_on(net: TaskNetwork, task: int, optimizer: torch.optim.Optimizer, steps: int = 20) -> None:
    for _ in range(steps):
        x = torch.randn(8, 5, dtype=next(net.parameters()).dtype.to_complex() if _complex(net) else D)
        optimizer.zero_grad()
        net(x, task=task).abs().square().sum().backward()
        optimizer.step()


def _complex(net: nn.Module) -> bool:
    return any(t.is_complex() for t in [*net.parameters(), *net.buffers()])


@every_network
@COMPLEX
def test_it_copies_pickles_and_goes_on_from_its_state(make: Callable, complex: bool) -> None:
    net, x = make(plain(complex)), torch.randn(6, 5, dtype=C if complex else D)
    train(net, 0)
    train(net, 2)
    fresh = make(plain(complex))
    fresh.load_state_dict(net.state_dict())
    for other in (fresh, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        for task in range(TASKS):
            assert torch.equal(other(x, task=task), net(x, task=task))


@every_network
def test_the_network_given_is_left_alone(make: Callable) -> None:
    given_net = plain(False)
    before = copy.deepcopy(given_net.state_dict())
    net = make(given_net)
    train(net, 0)
    assert all(torch.equal(t, before[name]) for name, t in given_net.state_dict().items())


@every_network
def test_tasks_differ_and_unknown_ones_are_refused(make: Callable) -> None:
    net, x = make(plain(False)), torch.randn(6, 5, dtype=D)
    for task in range(TASKS):
        train(net, task)
    assert not torch.allclose(net(x, task=0), net(x, task=2))
    assert net.told == "task"
    for task, error in [(-1, ValueError), (1.0, TypeError), (True, TypeError)]:
        with pytest.raises(error, match="task must be a whole number"):
            net(x, task=task)
    if not isinstance(net, Gated):
        with pytest.raises(ValueError, match="task must be below 3"):
            net(x, task=3)


@pytest.mark.parametrize("name", ["separate", "batch-ensemble", "supsup"])
@COMPLEX
def test_networks_that_keep_tasks_apart_forget_nothing(name: str, complex: bool) -> None:
    net, x = MAKE[name](plain(complex)), torch.randn(6, 5, dtype=C if complex else D)
    train(net, 0)
    before = net(x, task=0).detach()
    for task in (1, 2, 1):
        train(net, task)
    assert torch.equal(net(x, task=0), before)


def test_heads_share_a_trunk_and_nothing_else() -> None:
    net, x = MultiHead(plain(False), TASKS), torch.randn(6, 5, dtype=D)
    trunk, (a, b, _) = net.network[:2], net.network[2]  # type: ignore[index]
    assert torch.equal(net(x, task=1), b(trunk(x)))
    assert torch.equal(net(x, task=0), plain(False)(x))
    assert not torch.equal(a.weight, b.weight)
    net(x, task=1).sum().backward()
    assert a.weight.grad is None
    assert b.weight.grad is not None
    alone = MultiHead(nn.Linear(5, 4, dtype=D), TASKS)
    assert alone(x, task=2).shape == (6, 4)
    with pytest.raises(ValueError, match="Linear layer is expected"):
        MultiHead(nn.Conv2d(1, 1, 1), 2)


@COMPLEX
def test_gates_turn_hidden_units_off_and_no_other(complex: bool) -> None:
    net, layers = Gated(plain(complex), share=0.7), plain(complex)
    x = torch.randn(6, 5, dtype=C if complex else D)
    gate = net.gate("0", 1)
    assert gate.sum() == 3
    torch.testing.assert_close(net(x, task=1), layers[2](gate * layers[1](layers[0](x))))
    assert net.state_dict().keys() == {f"network.{name}" for name in layers.state_dict()}
    net(x, task=1).abs().sum().backward()
    off = net.get_parameter("network.0.weight").grad
    assert off is not None and bool((off[gate == 0] == 0).all()) and bool((off[gate == 1] != 0).any(1).all())
    assert all(not layer._forward_hooks for layer in net.modules())


@COMPLEX
def test_the_units_of_a_convolution_are_its_channels(complex: bool) -> None:
    layers, x = images(complex)
    net = Gated(layers, share=0.5)
    y = layers[0](x) * net.gate("0", 0)[:, None, None]
    y = layers[2](layers[1](y)) * net.gate("2", 0)[:, None, None]
    torch.testing.assert_close(net(x, task=0), layers[3:](y))


def test_gates_are_fair_and_a_pure_function_of_the_task() -> None:
    net = Gated(plain(False, 50), seed=1)
    gates = torch.stack([net.gate("0", task) for task in range(1000)])
    assert bool((gates.sum(1) == 10).all())
    z = (gates.sum(0) - 200) / math.sqrt(1000 * 0.2 * 0.8)  # binomial
    assert float(z.abs().max()) < 5
    assert torch.equal(Gated(plain(False, 50), seed=1).gate("0", 10**9), net.gate("0", 10**9))
    assert not torch.equal(Gated(plain(False, 50), seed=2).gate("0", 0), net.gate("0", 0))
    with pytest.raises(ValueError, match="hidden layer is expected"):
        Gated(nn.Linear(3, 2))
    with pytest.raises(ValueError, match=r"share must be above 0 and below 1, got 1\.0"):
        Gated(plain(False), share=1.0)


@COMPLEX
def test_batch_ensemble_is_a_weight_between_two_vectors(complex: bool) -> None:
    layers, x = images(complex)
    net = Ensemble(layers, TASKS)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn_like(p))
    weights = dict(net.network.named_parameters())
    y = x
    for i, fast in zip((0, 2, 4), net.fast, strict=True):
        r, s, b = (getattr(fast, name)[1] for name in "rsb")
        layer, shape = copy.deepcopy(layers[i]), (-1, *[1] * (layers[i].weight.ndim - 2))
        layer.weight.data, layer.bias = weights[f"{i}.weight"].detach(), None
        y = s.view(shape) * layer(r.view(shape) * y) + b.view(shape)
        y = layers[1](y) if i == 0 else layers[3](y) if i == 2 else y
    torch.testing.assert_close(net(x, task=1), y)


@COMPLEX
def test_batch_ensemble_learns_shared_weights_in_the_first_task_alone(complex: bool) -> None:
    net = Ensemble(plain(complex), TASKS)
    for vectors in (net.fast[0].r[1], net.fast[1].s[2]):
        torch.testing.assert_close(vectors.abs(), torch.ones(len(vectors), dtype=D))
    assert not torch.equal(net.fast[0].r[0], net.fast[0].r[1])
    shared = net.network.get_parameter("0.weight")
    begun = shared.detach().clone()
    optimizer = train(net, 1)
    first = shared.detach().clone()
    assert not torch.equal(first, begun)
    for task in (0, 1):
        net.start(task, optimizer)
        vectors = [p.detach().clone() for p in net.fast.parameters()]
        go_on(net, task, optimizer)
        assert torch.equal(shared, first)
        moved = [not torch.equal(a, b) for a, b in zip(vectors, net.fast.parameters(), strict=True)]
        assert sum(moved) == 6  # r, s and b of one task in each of two layers


@COMPLEX
def test_masks_choose_the_top_scores_of_fixed_weights_of_one_size(complex: bool) -> None:
    layers = plain(complex)
    net, x = Supermasks(layers, TASKS, share=0.3), torch.randn(6, 5, dtype=C if complex else D)
    net.start(1, torch.optim.SGD(net.parameters(), lr=1.0))
    for i, name in enumerate(WEIGHTS):
        weight, scores, mask = net.network.get_buffer(name), net.scores[i].detach(), net.mask(i, 1)
        size = torch.full(weight.shape, math.sqrt(2 / (0.3 * weight.shape[1])), dtype=D)
        torch.testing.assert_close(weight.abs(), size)
        assert mask.sum() == round(0.3 * weight.numel())
        assert float(scores[mask == 1].min()) >= float(scores[mask == 0].max())
        layers.get_parameter(name).data = weight * mask.detach()
        layers.get_parameter(name.replace("weight", "bias")).data.zero_()
    torch.testing.assert_close(net(x, task=1), layers(x))
    assert not any("weight" in name or "bias" in name for name in net.state_dict())


def test_fixed_weights_are_fair() -> None:
    signs = Supermasks(plain(False, 1000), TASKS).network.get_buffer("0.weight").sign()
    assert abs(float(signs.sum())) < 5 * math.sqrt(5000)
    phases = Supermasks(plain(True, 1000), TASKS).network.get_buffer("0.weight").sgn()
    assert float(phases.sum().abs()) < 5 * math.sqrt(5000)
    assert float(phases.square().sum().abs()) < 5 * math.sqrt(5000)


@COMPLEX
def test_scores_get_the_gradient_of_the_masked_weight_times_the_weight(complex: bool) -> None:
    layers = plain(complex)
    net, x = Supermasks(layers, TASKS), torch.randn(6, 5, dtype=C if complex else D)
    net.start(0, torch.optim.SGD(net.parameters(), lr=1.0))
    for i, name in enumerate(WEIGHTS):
        layers.get_parameter(name).data = net.network.get_buffer(name) * net.mask(i, 0).detach()
        layers.get_parameter(name.replace("weight", "bias")).data.zero_()
    net(x, task=0).abs().square().sum().backward()
    layers(x).abs().square().sum().backward()
    for scores, name in zip(net.scores, WEIGHTS, strict=True):
        gradient = layers.get_parameter(name).grad
        assert gradient is not None and scores.grad is not None
        expected = (gradient.conj() * net.network.get_buffer(name)).real
        torch.testing.assert_close(scores.grad, expected)


def test_scores_and_their_optimiser_start_anew_with_each_task() -> None:
    net = Supermasks(plain(False), TASKS)
    fresh = [scores.detach().clone() for scores in net.scores]
    optimizer = train(net, 0)
    learned = net.mask(0, 0).detach().clone()
    assert not torch.equal(net.scores[0], fresh[0])
    assert not torch.equal(learned, net.mask(0, 1))
    assert len(optimizer.state) == 2
    net.start(1, optimizer)
    assert all(torch.equal(a, b) for a, b in zip(net.scores, fresh, strict=True))
    assert len(optimizer.state) == 0
    assert torch.equal(net.mask(0, 0), learned)


@law
@given(st.integers(1, 40), st.integers(0, 2**40 - 1))
def test_masks_are_kept_a_bit_a_weight(n: int, bits: int) -> None:
    mask = torch.tensor([bool(bits >> i & 1) for i in range(n)])
    packed = _pack(mask)
    assert packed.dtype == torch.uint8 and len(packed) == -(-n // 8)
    assert torch.equal(_unpack(packed, mask), mask)


def test_what_has_no_mask_is_refused() -> None:
    with pytest.raises(TypeError, match=r"which 1\.weight is not"):
        Supermasks(nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)), 2)
    for make in (Ensemble, Supermasks):
        with pytest.raises(ValueError, match="Linear or ConvNd layer is expected"):
            make(nn.ReLU(), 2)
        with pytest.raises(ValueError, match="tasks must be at least 1"):
            make(nn.Linear(2, 2), 0)

"""A network under contexts: what a task gives, what is kept, copied and saved, and what is refused."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import complexnn
import psp
from tests.laws.conftest import Make, every, every_family, every_random_family, every_real_family

MIXED = [2, 0, 2, 7, 2**40]  # a task a sample: repeated ones, large ones, in no order


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


# Networks, each with the shape of a batch of five


class Residual(nn.Module):
    """Two routes, and one layer called twice."""

    def __init__(self, layers: Any, activation: Callable[[], nn.Module], dtype: torch.dtype) -> None:
        super().__init__()
        self.enter = layers.Linear(6, 9, dtype=dtype)
        self.twice = layers.Linear(9, 9, bias=False, dtype=dtype)
        self.leave = layers.Linear(9, 3, dtype=dtype)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.enter(x))
        return self.leave(x + self.activation(self.twice(self.twice(x))))


def linear(layers: Any, activation: Callable, dtype: torch.dtype) -> nn.Module:
    return nn.Sequential(layers.Linear(6, 9, dtype=dtype), activation(), layers.Linear(9, 3, dtype=dtype))


def root(layers: Any, activation: Callable, dtype: torch.dtype) -> nn.Module:
    return layers.Linear(6, 3, dtype=dtype)


def conv1d(layers: Any, activation: Callable, dtype: torch.dtype) -> nn.Module:
    return nn.Sequential(
        layers.Conv1d(4, 6, 3, padding=1, groups=2, dtype=dtype), activation(), layers.Conv1d(6, 2, 3, dtype=dtype)
    )


def conv2d(layers: Any, activation: Callable, dtype: torch.dtype) -> nn.Module:
    return nn.Sequential(
        layers.Conv2d(2, 4, 3, padding=1, padding_mode="circular", dtype=dtype),
        activation(),
        layers.Conv2d(4, 4, (3, 1), stride=2, dilation=(1, 2), groups=4, bias=False, dtype=dtype),
        activation(),
        nn.Flatten(),
        layers.Linear(24, 3, dtype=dtype),
    )


def conv3d(layers: Any, activation: Callable, dtype: torch.dtype) -> nn.Module:
    return nn.Sequential(layers.Conv3d(2, 3, (1, 3, 2), padding=(0, 1, 0), dtype=dtype), activation(), nn.Flatten(2))


NETWORKS: dict[str, tuple[Callable[..., nn.Module], tuple[int, ...]]] = {
    "linear": (linear, (5, 6)),
    "sequences": (linear, (5, 4, 6)),
    "root": (root, (5, 6)),
    "residual": (Residual, (5, 6)),
    "conv1d": (conv1d, (5, 4, 8)),
    "conv2d": (conv2d, (5, 2, 6, 6)),
    "conv3d": (conv3d, (5, 2, 3, 4, 3)),
}
every_network = pytest.mark.parametrize("network", NETWORKS)


def build(network: str, make: Make, dtype: torch.dtype = torch.float64) -> tuple[psp.Superposed, Tensor]:
    """A network under contexts and a batch for it, complex where the family needs it to be."""
    family = make(seed=3)
    if family.needs_complex:
        dtype = dtype.to_complex()
    layers, activation = (complexnn, complexnn.CReLU) if dtype.is_complex else (nn, nn.ReLU)
    model, shape = NETWORKS[network]
    return psp.superpose(model(layers, activation, dtype), family), torch.randn(shape, dtype=dtype)


def gradients(net: nn.Module, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(net.parameters())))


def assert_close(actual: Any, expected: Any, eps: float = 1e-11) -> None:
    torch.testing.assert_close(actual, expected, rtol=eps, atol=eps)


# What a task gives


@every_network
@every_family
def test_the_retrieved_network_equals_the_network_given_the_task(make: Make, network: str) -> None:
    net, x = build(network, make)
    for task in (0, 3, 2**40):
        plain = net.retrieve(task)
        assert not any(isinstance(module, psp.Superposed) for module in plain.modules())
        assert_close(plain(x), net(x, task=task))


@every_network
@every(["Binary", "Rotation", "SignedPermutation", "Hadamard", "BlockRotation-3"])
def test_real_contexts_work_on_complex_networks(make: Make, network: str) -> None:
    net, x = build(network, make, torch.complex128)
    assert_close(net.retrieve(3)(x), net(x, task=3))
    tasks = torch.tensor(MIXED)
    one_by_one = torch.cat([net(x[i : i + 1], task=task) for i, task in enumerate(MIXED)])
    assert_close(net(x, task=tasks), one_by_one)


@every_network
@every_family
def test_a_mixed_batch_equals_its_samples_one_by_one(make: Make, network: str) -> None:
    net, x = build(network, make)
    mixed = net(x, task=torch.tensor(MIXED))
    one_by_one = torch.cat([net(x[i : i + 1], task=task) for i, task in enumerate(MIXED)])
    assert_close(mixed, one_by_one)
    assert_close(net(x, task=torch.full((5,), 4)), net(x, task=4))
    assert_close(net(x, task=torch.tensor(MIXED, dtype=torch.int64)[[1, 0, 2, 2, 1]].int()), 
                 torch.cat([net(x[i : i + 1], task=MIXED[j]) for i, j in enumerate([1, 0, 2, 2, 1])]))  # fmt: skip


@every_network
@every_family
def test_gradients_of_a_mixed_batch_are_the_sum_of_those_one_by_one(make: Make, network: str) -> None:
    net, x = build(network, make)
    mixed = gradients(net, net(x, task=torch.tensor(MIXED)).abs().square().sum())
    one_by_one = [gradients(net, net(x[i : i + 1], task=task).abs().square().sum()) for i, task in enumerate(MIXED)]
    assert_close(mixed, [sum(parts) for parts in zip(*one_by_one, strict=True)], 1e-10)


@every_network
@every_family
def test_gradients_are_those_of_the_retrieved_network_in_its_own_coordinates(make: Make, network: str) -> None:
    # dL/dW = dL/dW_k C_k^-1, by the chain rule; so folding the gradient gives the plain one.
    net, x = build(network, make)
    plain = net.retrieve(3)
    inside = gradients(net, net(x, task=3).abs().square().sum())
    outside = gradients(plain, plain(x).abs().square().sum())
    contexts = {f"network.{layer.context.layer}.weight".replace("..", "."): layer.context for layer in net.layers}
    for (name, _), mine, theirs in zip(net.named_parameters(), inside, outside, strict=True):
        if name in contexts:
            mine = contexts[name].fold(mine.flatten(1), 3).view_as(mine)
        assert_close(mine, theirs, 1e-10)


@every_network
@every_random_family
def test_different_tasks_are_different_models(make: Make, network: str) -> None:
    net, x = build(network, make)
    first, second = net(x, task=1), net(x, task=2)
    assert (first - second).abs().max() > 1e-2 * first.abs().max()


@every_family
def test_contexts_are_those_of_the_family_bound_to_path_and_fan_in(make: Make) -> None:
    net, _ = build("conv2d", make)
    bound = [(layer.context.layer, layer.context.width) for layer in net.layers]
    assert bound == [("0", 18), ("2", 3), ("5", 24)]
    assert all(layer.context.family == net.family == make(seed=3) for layer in net.layers)
    for layer in net.layers:
        expected = net.family.bind(layer.context.width, layer.context.layer).fold(layer.weight.flatten(1), 6)
        retrieved = net.retrieve(6).get_submodule(layer.context.layer).weight
        assert_close(retrieved.flatten(1), expected)
    assert net.cost == sum(net.family.cost(width) for _, width in bound)


def test_a_task_may_be_numpys_or_a_tensor_of_one_number() -> None:
    net, x = build("conv2d", psp.Binary)
    expected = net(x, task=5)
    for task in (np.int64(5), np.uint8(5), torch.tensor(5), torch.tensor(5, dtype=torch.int32)):
        assert torch.equal(net(x, task=task), expected)
    for task in (np.int64(5), torch.tensor(5)):
        assert torch.equal(net.retrieve(task)(x), net.retrieve(5)(x))


def test_unbatched_inputs_take_one_task() -> None:
    for network in ("linear", "conv2d", "conv1d"):
        net, x = build(network, psp.Binary)
        if network == "conv2d":
            net.network[4] = nn.Flatten(0)
        assert_close(net(x[0], task=3), net.retrieve(3)(x[0]))


def test_sequences_may_have_a_task_per_position() -> None:
    net, x = build("sequences", psp.SignedPermutation)
    tasks = torch.arange(20).view(5, 4)
    expected = torch.stack([torch.stack([net(x[i, j], task=int(tasks[i, j])) for j in range(4)]) for i in range(5)])
    assert_close(net(x, task=tasks), expected)


def test_other_arguments_and_other_outputs_pass_through() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x: Tensor, scale: float, *, shift: float = 0.0) -> dict[str, Tensor]:
            return {"out": self.fc(x) * scale + shift}

    net = psp.superpose(Net(), psp.Binary())
    x = torch.randn(3, 4)
    out = net(x, 2.0, shift=1.0, task=4)["out"]
    assert_close(out, net.retrieve(4)(x, 2.0, shift=1.0)["out"], 1e-6)


def test_other_arguments_reach_users_layers() -> None:
    class Scaled(nn.Linear):
        def forward(self, input: Tensor, scale: float, *, shift: float = 0.0) -> Tensor:
            return super().forward(input) * scale + shift

    net = psp.superpose(Scaled(4, 2), psp.Binary())
    x = torch.randn(3, 4)
    assert_close(net(x, 2.0, shift=1.0, task=4), net.retrieve(4)(x, 2.0, shift=1.0), 1e-6)


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", [2, "same"])
@pytest.mark.parametrize("make", [psp.Binary, psp.Complex, psp.Rotation])
def test_padding_modes_are_kept(make: Make, padding: int | str, padding_mode: str) -> None:
    family = make(seed=0)
    layers, dtype = (complexnn, torch.complex128) if family.needs_complex else (nn, torch.float64)
    model = layers.Conv1d(2, 3, 5, padding=padding, padding_mode=padding_mode, dtype=dtype)
    net = psp.superpose(model, family)
    x = torch.randn(4, 2, 9, dtype=dtype)
    if make is not psp.Rotation:  # where task 0 of a diagonal family would be: by hand, kernel entry by kernel entry
        kernel = model.weight * net.layers[0].context(torch.ones(10, dtype=dtype), 3).view(2, 5)
        assert_close(net(x, task=3), model._conv_forward(x, kernel, model.bias))
    assert_close(net(x, task=3), net.retrieve(3)(x))
    tasks = torch.tensor([1, 3, 1, 0])
    assert_close(net(x, task=tasks), torch.cat([net(x[i : i + 1], task=int(tasks[i])) for i in range(4)]))


@every_real_family
def test_low_precision_weights_keep_their_dtype(make: Make) -> None:
    net, x = build("conv2d", make, torch.bfloat16)
    assert net(x, task=3).dtype == torch.bfloat16
    assert net.retrieve(3)(x).dtype == torch.bfloat16
    wide = copy.deepcopy(net).float()
    torch.testing.assert_close(net(x, task=3).float(), wide(x.float(), task=3), rtol=0.1, atol=0.1)


@every_random_family
def test_a_network_first_used_in_inference_mode_can_be_trained_later(make: Make) -> None:
    net, x = build("conv2d", make)
    tasks = torch.tensor(MIXED)
    with torch.inference_mode():
        expected = net(x, task=3).clone(), net(x, task=tasks).clone()
    for task, value in zip((3, tasks), expected, strict=True):
        out = net(x, task=task)
        assert_close(out.detach(), value)
        gradients(net, out.abs().square().sum())


@pytest.mark.parametrize("task", [3, torch.tensor(MIXED)], ids=["int", "tensor"])
@pytest.mark.parametrize("network", ["linear", "conv2d"])
@pytest.mark.parametrize("make", [psp.Complex, psp.OnePower, psp.Binary, psp.Rotation])
def test_complex_networks_train_with_adam(make: Make, network: str, task: int | Tensor) -> None:
    net, x = build(network, make, torch.complex128)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = net(x, task=task).abs().square().mean()
        loss.backward()
        assert not any(parameter.grad.is_conj() for parameter in net.parameters())
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


# What stays as it was


@every_network
@every_family
def test_the_model_given_is_not_changed(make: Make, network: str) -> None:
    family = make(seed=0)
    layers, activation = (complexnn, complexnn.CReLU) if family.needs_complex else (nn, nn.ReLU)
    model, shape = NETWORKS[network]
    dtype = torch.complex64 if family.needs_complex else torch.float32
    model = model(layers, activation, dtype)
    x = torch.randn(shape, dtype=dtype)
    types = [type(module) for module in model.modules()]
    state, out = copy.deepcopy(model.state_dict()), model(x)
    random = torch.get_rng_state()
    net = psp.superpose(model, family)
    net(x, task=3).abs().square().sum().backward()
    torch.optim.SGD(net.parameters(), lr=1.0).step()
    net.retrieve(3)
    assert torch.equal(torch.get_rng_state(), random)
    assert [type(module) for module in model.modules()] == types
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(model(x), out)


@every_network
@every_family
def test_retrieved_networks_are_independent_plain_copies(make: Make, network: str) -> None:
    net, x = build(network, make)
    plain = net.retrieve(3)
    layers, activation = (complexnn, complexnn.CReLU) if net.family.needs_complex else (nn, nn.ReLU)
    dtype = x.dtype
    original = NETWORKS[network][0](layers, activation, dtype)
    assert [type(module) for module in plain.modules()] == [type(module) for module in original.modules()]
    assert repr(plain) == repr(original)
    original.load_state_dict(plain.state_dict())  # same names, same shapes
    assert_close(original(x), plain(x))
    before = copy.deepcopy(net.state_dict()), net(x, task=3)
    for parameter in plain.parameters():
        assert parameter.is_leaf
        assert parameter.requires_grad
        assert parameter.is_contiguous()
        assert not parameter.is_conj()
        parameter.data.zero_()
    assert all(torch.equal(value, before[0][name]) for name, value in net.state_dict().items())
    assert torch.equal(net(x, task=3), before[1])
    pickle.loads(pickle.dumps(plain))


def test_frozen_parameters_training_mode_and_hooks_are_taken_over() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2))
    model[0].weight.requires_grad_(False)
    model.eval()
    model[2].register_forward_hook(lambda module, args, out: out + 100)
    net = psp.superpose(model, psp.Binary())
    plain = net.retrieve(1)
    for kept in (net.network, plain):
        assert not kept[0].weight.requires_grad
        assert kept[0].bias.requires_grad
        assert not kept[1].training
        assert kept(torch.zeros(1, 4)).min() > 90 if kept is plain else True
    assert net(torch.zeros(1, 4), task=1).min() > 90


def test_biases_and_norms_are_shared_by_all_tasks() -> None:
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    net = psp.superpose(model, psp.Binary())
    x = torch.randn(8, 2, 6, 6)
    net(x, task=0)
    after_one = net.network[1].running_mean.clone()
    assert (after_one != 0).all()
    net(x, task=1)
    assert not torch.equal(net.network[1].running_mean, after_one)
    net.eval()
    for task in (0, 1):
        plain = net.retrieve(task)
        assert_close(plain(x), net(x, task=task), 1e-5)
        assert torch.equal(plain[1].running_mean, net.network[1].running_mean)
        assert plain[1].running_mean.data_ptr() != net.network[1].running_mean.data_ptr()
        assert torch.equal(plain[0].bias, net.network[0].bias)
    one_by_one = torch.cat([net(x[i : i + 1], task=i % 3) for i in range(8)])
    assert_close(net(x, task=torch.arange(8) % 3), one_by_one, 1e-5)


@pytest.mark.parametrize("norm", [nn.LayerNorm(5), nn.LayerNorm((2, 5)), nn.GroupNorm(1, 2), nn.RMSNorm(5), nn.PReLU()])
def test_element_by_element_layers_are_let_through(norm: nn.Module) -> None:
    net = psp.superpose(nn.Sequential(nn.Linear(5, 5), norm, nn.Linear(5, 2)), psp.Binary())
    x = torch.randn(3, 2, 5)
    assert_close(net(x, task=1), net.retrieve(1)(x), 1e-5)


# Classes and sharing


class Doubled(nn.Linear):
    """A user's layer, with a forward and a method of its own."""

    def __init__(self, *args: Any, factor: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.factor = factor

    def forward(self, input: Tensor) -> Tensor:
        return self.scale(super().forward(input))

    def scale(self, x: Tensor) -> Tensor:
        return self.factor * x


class Standardised(nn.Conv2d):
    """A user's convolution that uses its weight in a way of its own."""

    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return self._conv_forward(input, weight, self.bias)


class Padded(nn.Conv2d):
    """A user's convolution that does something before the convolution proper."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(nn.functional.pad(input, (1, 0, 1, 0)))


def test_users_linear_layers_keep_their_class_and_methods() -> None:
    model = nn.Sequential(Doubled(4, 3, factor=2.0), nn.ReLU())
    net = psp.superpose(model, psp.Rotation())
    x = torch.randn(5, 4)
    layer = net.network[0]
    assert isinstance(layer, Doubled)
    assert torch.equal(layer.scale(x), 2 * x)
    plain = net.retrieve(3)
    assert type(plain[0]) is Doubled
    assert plain[0].factor == 2.0
    assert_close(net(x, task=3), plain(x), 1e-5)
    bare = layer.weight @ layer.context.matrix(3)
    assert_close(net(x, task=3), 2 * nn.functional.linear(x, bare, layer.bias).relu() * 1.0, 1e-5)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(other(x, task=3), net(x, task=3))


@pytest.mark.parametrize("kind", [Padded, Standardised])
def test_users_convolutions_keep_their_forward_or_are_refused(kind: type[nn.Conv2d]) -> None:
    model = nn.Sequential(kind(3, 4, 3), nn.ReLU())
    try:
        net = psp.superpose(model, psp.Binary())
    except TypeError:
        return
    x = torch.randn(2, 3, 8, 8)
    assert net(x, task=3).shape == model(x).shape
    assert_close(net(x, task=3), net.retrieve(3)(x), 1e-5)
    tasks = torch.tensor([1, 3])
    assert_close(net(x, task=tasks)[1:], net(x[1:], task=3), 1e-5)


def test_superposed_layers_are_still_linear_layers() -> None:
    net, _ = build("conv2d", psp.Binary)
    assert isinstance(net.network[0], nn.Conv2d)
    assert isinstance(net.network[5], nn.Linear)
    net, _ = build("conv2d", psp.Complex)
    assert isinstance(net.network[0], complexnn.Conv2d)
    assert isinstance(net.network[5], complexnn.Linear)
    assert "in_features=24, out_features=3" in repr(net)
    assert "Complex(seed=3)" in repr(net)


@every_family
def test_a_module_shared_by_two_places_stays_one(make: Make) -> None:
    family = make(seed=0)
    layers, dtype = (complexnn, torch.complex64) if family.needs_complex else (nn, torch.float32)
    shared = layers.Linear(6, 6)
    net = psp.superpose(nn.Sequential(shared, nn.Identity(), nn.Sequential(shared), layers.Linear(6, 2)), family)
    x = torch.randn(4, 6, dtype=dtype)
    assert net.network[0] is net.network[2][0]
    assert len(net.layers) == 2
    assert len(list(net.parameters())) == 4
    plain = net.retrieve(2)
    assert plain[0] is plain[2][0]
    assert_close(plain(x), net(x, task=2), 1e-5)
    restored = copy.deepcopy(net)
    assert restored.network[0] is restored.network[2][0]


def test_a_weight_shared_by_two_layers_stays_one() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6))
    model[2].weight = model[0].weight
    net = psp.superpose(model, psp.Rotation())
    assert net.network[0].weight is net.network[2].weight
    assert len(list(net.parameters())) == 3
    x = torch.randn(4, 6)
    assert_close(net.retrieve(2)(x), net(x, task=2), 1e-5)


def test_a_layer_that_the_model_keeps_in_a_list_too_is_under_contexts_there() -> None:
    class Listed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 2)
            self.order = [self.first, self.second]  # the same layers, not registered again

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.order:
                x = layer(x)
            return x

    net = psp.superpose(Listed(), psp.Binary())
    x = torch.randn(4, 6)
    assert not torch.equal(net(x, task=1), net(x, task=2))
    assert_close(net.retrieve(1)(x), net(x, task=1), 1e-5)


# Copies, pickles, files


@every_network
@every_family
def test_the_state_is_that_of_the_network_and_the_seed(make: Make, network: str) -> None:
    net, _ = build(network, make)
    state = net.state_dict()
    assert set(state) == {f"network.{name}" for name in net.retrieve(0).state_dict()} | {"seed"}
    assert state["seed"].dtype == torch.int64
    assert int(state["seed"]) == 3
    assert [name for name, _ in net.named_parameters()] == [name for name in state if name != "seed"]


@every_network
@every_family
def test_loading_a_state_takes_over_weights_and_seed(make: Make, network: str) -> None:
    net, x = build(network, make)
    other = psp.superpose(net.retrieve(0), make(seed=99))
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.normal_()
    other(x, task=3)  # so that contexts of seed 99 are in the cache
    assert other.load_state_dict(net.state_dict()) == ([], [])
    assert other.family == net.family
    assert int(other.seed) == 3
    assert torch.equal(other(x, task=3), net(x, task=3))
    assert_close(other.retrieve(3)(x), net(x, task=3))


@every_family
def test_copies_pickles_and_saved_states_give_the_same_outputs(make: Make) -> None:
    net, x = build("conv2d", make)
    net = psp.superpose(nn.Sequential(net.retrieve(0)), make(seed=5))
    tasks = torch.tensor(MIXED)
    expected = net(x, task=3), net(x, task=tasks)

    whole = io.BytesIO()
    torch.save(net, whole)
    whole.seek(0)
    state = io.BytesIO()
    torch.save(net.state_dict(), state)
    state.seek(0)
    loaded = psp.superpose(net.retrieve(1), make(seed=0))
    loaded.load_state_dict(torch.load(state, weights_only=True))
    copies = {
        "deepcopy": copy.deepcopy(net),
        "pickle": pickle.loads(pickle.dumps(net)),
        "torch.save": torch.load(whole, weights_only=False),
        "state": loaded,
    }
    for name, other in copies.items():
        assert [type(module) for module in other.modules()] == [type(module) for module in net.modules()], name
        assert torch.equal(other(x, task=3), expected[0]), name
        assert torch.equal(other(x, task=tasks), expected[1]), name
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.zero_()
            assert other(x, task=3).abs().max() == 0
    assert torch.equal(net(x, task=3), expected[0])


def test_a_copy_used_inside_the_original_does_not_disturb_it() -> None:
    class Inside(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            other(x, task=2)
            return z.relu()

    net, x = build("linear", psp.Binary)
    expected = net(x, task=1)
    other = copy.deepcopy(net)
    net.network[1] = Inside()
    assert torch.equal(net(x, task=1), expected)


def test_casting_and_moving_keep_the_contexts() -> None:
    net, x = build("conv2d", psp.Rotation, torch.float32)
    expected = net(x, task=3)
    assert_close(net.double()(x.double(), task=3).float(), expected, 1e-5)
    assert net.seed.dtype == torch.int64
    assert_close(net.float()(x, task=3), expected, 1e-6)
    assert_close(net.to("cpu", memory_format=torch.channels_last)(x, task=3), expected, 1e-6)


@every_family
def test_on_the_meta_device_it_has_shapes_and_then_takes_over_a_state(make: Make) -> None:
    net, x = build("conv2d", make)
    with torch.device("meta"):
        skeleton = psp.superpose(build("conv2d", make)[0].retrieve(0), make(seed=8))
    assert skeleton.seed.is_meta
    for task in (3, torch.tensor(MIXED)):
        out = skeleton(x.to("meta"), task=task)
        assert (out.is_meta, out.shape, out.dtype) == (True, (5, 3), x.dtype)
    skeleton.load_state_dict(net.state_dict(), assign=True)
    assert skeleton.family == net.family
    assert torch.equal(skeleton(x, task=3), net(x, task=3))


def test_it_works_as_a_part_of_a_larger_module() -> None:
    class Outer(nn.Module):
        def __init__(self, seed: int) -> None:
            super().__init__()
            self.inner = psp.superpose(nn.Linear(4, 4), psp.Binary(seed))
            self.head = nn.Linear(4, 2)

        def forward(self, x: Tensor, task: int) -> Tensor:
            return self.head(self.inner(x, task=task))

    outer, other = Outer(3), Outer(4)
    assert set(outer.state_dict()) == {
        "inner.network.weight", "inner.network.bias", "inner.seed", "head.weight", "head.bias"
    }  # fmt: skip
    other.load_state_dict(outer.state_dict())
    x = torch.randn(3, 4)
    assert torch.equal(other(x, 5), outer(x, 5))
    assert other.inner.family == psp.Binary(3)


def test_functional_calls_see_other_parameters() -> None:
    net, x = build("linear", psp.Binary)
    other = copy.deepcopy(net)
    parameters = {name: torch.randn_like(value) for name, value in net.named_parameters()}
    other.load_state_dict(parameters, strict=False)
    assert torch.equal(torch.func.functional_call(net, parameters, (x,), {"task": 3}), other(x, task=3))


def test_a_checkpoint_of_fifty_tasks_is_as_small_as_that_of_the_plain_network(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
    net = psp.superpose(model, psp.Binary(seed=1))
    optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-4)
    for task in range(50):
        optimizer.zero_grad()
        net(torch.randn(4, 784), task=task).square().mean().backward()
        optimizer.step()
    save_file(model.state_dict(), tmp_path / "plain.safetensors")
    save_file(net.state_dict(), tmp_path / "fifty.safetensors")
    assert (tmp_path / "fifty.safetensors").stat().st_size <= (tmp_path / "plain.safetensors").stat().st_size + 4096
    restored = psp.superpose(model, psp.Binary())
    restored.load_state_dict(load_file(tmp_path / "fifty.safetensors"))
    x = torch.randn(50, 784)
    assert torch.equal(restored(x, task=torch.arange(50)), net(x, task=torch.arange(50)))


# torch.compile


@pytest.mark.parametrize(
    ("make", "network"),
    [
        (psp.Binary, "linear"),
        (psp.Rotation, "linear"),
        (psp.Hadamard, "linear"),
        (psp.SignedPermutation, "conv2d"),
        (psp.Complex, "conv2d"),
    ],
)
def test_compiled_networks_give_the_same_outputs_and_gradients(make: Make, network: str) -> None:
    net, x = build(network, make)
    torch._dynamo.reset()
    compiled = torch.compile(net, backend="aot_eager")
    for task in (3, torch.tensor(MIXED)):
        expected = net(x, task=task)
        out = compiled(x, task=task)
        assert_close(out, expected)
        assert_close(gradients(net, out.abs().square().sum()), gradients(net, expected.abs().square().sum()), 1e-10)
    torch._dynamo.reset()


def test_a_new_task_does_not_compile_anew() -> None:
    from torch._dynamo.testing import CompileCounter

    net, x = build("linear", psp.SignedPermutation)
    torch._dynamo.reset()
    counter = CompileCounter()
    compiled = torch.compile(net, backend=counter)
    for task in range(2):
        compiled(x, task=task)
    compiled_once = counter.frame_count
    for task in range(2, 12):
        assert_close(compiled(x, task=task), net(x, task=task))
    assert counter.frame_count == compiled_once
    torch._dynamo.reset()


# What is refused


@pytest.mark.parametrize("family", [psp.Binary, "binary", None, 3])
def test_a_family_is_one_of_psps(family: Any) -> None:
    with pytest.raises(TypeError, match=r"psp\.Binary\(seed=0\)"):
        psp.superpose(nn.Linear(2, 2), family)


@pytest.mark.parametrize("model", [nn.Sequential(), nn.ReLU(), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU())])
def test_a_network_without_layers_is_refused(model: nn.Module) -> None:
    with pytest.raises(ValueError, match="no Linear or ConvNd layer"):
        psp.superpose(model, psp.Binary())


class Matrix(nn.Module):
    """A user's layer with a matrix of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(4))


UNREACHABLE = {
    "LSTM": lambda: nn.LSTM(4, 4),
    "GRUCell": lambda: nn.GRUCell(4, 4),
    "MultiheadAttention": lambda: nn.MultiheadAttention(4, 2),
    "MultiheadAttention-kdim": lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=3),
    "TransformerEncoderLayer": lambda: nn.TransformerEncoderLayer(4, 2, 8),
    "Embedding": lambda: nn.Embedding(4, 4),
    "EmbeddingBag": lambda: nn.EmbeddingBag(4, 4),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(4, 4, 3),
    "Bilinear": lambda: nn.Bilinear(4, 4, 4),
    "Matrix": Matrix,
    "LazyConvTranspose2d": lambda: nn.LazyConvTranspose2d(4, 3),
}


@pytest.mark.parametrize("kind", UNREACHABLE)
def test_layers_that_contexts_cannot_reach_are_refused_by_name(kind: str) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(UNREACHABLE[kind]()))
    with pytest.raises((TypeError, ValueError), match=r"^1\.0"):
        psp.superpose(model, psp.Binary())


def weight_normed(layer: nn.Module) -> nn.Module:
    return parametrizations.weight_norm(layer)


def spectral_normed(layer: nn.Module) -> nn.Module:
    return parametrizations.spectral_norm(layer)


def pruned(layer: nn.Module) -> nn.Module:
    return prune.l1_unstructured(layer, "weight", 0.5)


def bias_pruned(layer: nn.Module) -> nn.Module:
    return prune.l1_unstructured(layer, "bias", 0.5)


@pytest.mark.parametrize("change", [weight_normed, spectral_normed, pruned, bias_pruned])
@pytest.mark.parametrize("layer", [lambda: nn.Linear(4, 4), lambda: nn.Conv1d(4, 4, 3)])
def test_parametrised_and_pruned_layers_are_refused(layer: Callable, change: Callable) -> None:
    with pytest.raises(TypeError, match="0 is parametrised or pruned: make that permanent"):
        psp.superpose(nn.Sequential(change(layer())), psp.Binary())


def test_a_layer_whose_pruning_was_made_permanent_is_superposed() -> None:
    layer = pruned(nn.Linear(4, 4))
    prune.remove(layer, "weight")
    net = psp.superpose(layer, psp.Binary())
    x = torch.randn(3, 4)
    assert_close(net(x, task=1), net.retrieve(1)(x), 1e-6)


@pytest.mark.parametrize("layer", [lambda: nn.LazyLinear(4), lambda: nn.LazyConv2d(4, 3)])
def test_lazy_layers_are_refused_until_they_know_their_shape(layer: Callable) -> None:
    model = nn.Sequential(nn.Flatten(0, 0), layer())
    with pytest.raises(ValueError, match="1 is a lazy layer that has met no input yet"):
        psp.superpose(model, psp.Binary())
    model(torch.randn(2, 3, 5, 5))
    net = psp.superpose(model, psp.Binary())
    x = torch.randn(2, 3, 5, 5)
    assert_close(net(x, task=1), net.retrieve(1)(x), 1e-5)


@pytest.mark.parametrize("make", [psp.Complex, psp.OnePower])
def test_complex_contexts_on_a_real_network_say_how_to_build_a_complex_one(make: Make) -> None:
    for model in (nn.Sequential(nn.ReLU(), nn.Linear(4, 4)), nn.Sequential(complexnn.Linear(4, 4), nn.Conv1d(4, 4, 3))):
        with pytest.raises(
            TypeError, match=r"1 has torch\.float32 weights: build it from complexnn layers \(complexnn\.Linear"
        ):
            psp.superpose(model, make())


@pytest.mark.parametrize("model", [complexnn.Linear(4, 2), complexnn.Conv1d(4, 2, 3)])
@pytest.mark.parametrize("make", [psp.Binary, psp.Complex])
def test_a_complex_network_refuses_real_inputs(make: Make, model: nn.Module) -> None:
    net = psp.superpose(model, make())
    with pytest.raises(TypeError, match="complex"):
        net(torch.randn(3, 4, 4), task=1)


BAD_TASKS = {
    "negative": (-1, ValueError),
    "fractional": (0.5, TypeError),
    "bool": (True, TypeError),
    "str": ("0", TypeError),
    "None": (None, TypeError),
    "list": ([0, 1, 2, 3, 4], TypeError),
    "float tensor": (torch.zeros(5), TypeError),
    "bool tensor": (torch.zeros(5, dtype=torch.bool), TypeError),
    "negative tensor": (torch.tensor([0, 1, 2, 3, -4]), ValueError),
    "too few": (torch.arange(4), ValueError),
    "too many": (torch.arange(6), ValueError),
    "one": (torch.arange(1), ValueError),
    "column": (torch.arange(5)[:, None].expand(5, 7), ValueError),
}


@pytest.mark.parametrize("network", ["linear", "conv2d"])
@pytest.mark.parametrize(("task", "error"), BAD_TASKS.values(), ids=BAD_TASKS)
@every(["Identity", "Binary", "Rotation", "Complex"])
def test_bad_tasks_are_refused_and_change_nothing(make: Make, task: Any, error: type[Exception], network: str) -> None:
    net, x = build(network, make)
    before = net(x, task=2)
    with pytest.raises(error, match="task"):
        net(x, task=task)
    if not isinstance(task, Tensor):
        with pytest.raises(error, match="task"):
            net.retrieve(task)
    assert torch.equal(net(x, task=2), before)


def test_a_task_is_asked_for() -> None:
    net, x = build("linear", psp.Binary)
    with pytest.raises(TypeError, match="task"):
        net(x)


@pytest.mark.parametrize("network", ["linear", "conv2d"])
def test_a_layer_called_outside_a_pass_says_how_to_call_the_network(network: str) -> None:
    net, x = build(network, psp.Binary)
    net(x, task=1)
    for call in (net.network, net.network[0]):
        with pytest.raises(RuntimeError, match=r"layer '0' belongs to a superposed network: .* net\(x, task=\.\.\.\)"):
            call(x)


def test_an_error_inside_the_network_leaves_no_task_behind() -> None:
    net, x = build("linear", psp.Binary)
    with pytest.raises(ValueError, match="layer '0' has width 6, got an input of shape"):
        net(x[:, :5], task=1)
    with pytest.raises(RuntimeError, match="belongs to a superposed network"):
        net.network(x)
    assert_close(net(x, task=1), net.retrieve(1)(x))


def test_whole_numbers_are_no_inputs() -> None:
    net, x = build("linear", psp.Binary)
    with pytest.raises(TypeError, match="floating or complex"):
        net(x.long(), task=1)


def test_superposing_twice_is_refused_in_words() -> None:
    net, _ = build("linear", psp.Binary)
    with pytest.raises((TypeError, ValueError), match="superposed"):
        psp.superpose(net, psp.Binary())


def test_a_state_of_another_shape_or_without_its_seed_is_refused() -> None:
    net, _ = build("linear", psp.Binary)
    state = net.state_dict()
    with pytest.raises(RuntimeError, match="seed"):
        net.load_state_dict({name: value for name, value in state.items() if name != "seed"})
    with pytest.raises(RuntimeError, match="size mismatch"):
        net.load_state_dict(state | {"network.0.weight": torch.zeros(2, 2)})
    assert net.family == psp.Binary(3)


def test_two_passes_at_a_time_are_refused_rather_than_mixed() -> None:
    class Nested(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            net(input, task=2)
            return super().forward(input)

    net = psp.superpose(Nested(3, 3), psp.Binary(0))
    with pytest.raises(RuntimeError, match="in a pass already"):
        net(torch.ones(1, 3), task=1)


def test_signed_permutations_work_under_functional_transforms() -> None:
    context = psp.SignedPermutation(0).bind(5)
    x = torch.randn(4, 5)
    assert torch.equal(torch.func.vmap(lambda row: context(row, 3))(x), context(x, 3))
    gradient = torch.func.grad(lambda row: context(row, 3)[0])(x[0])
    assert torch.equal(gradient, context.matrix(3)[0])

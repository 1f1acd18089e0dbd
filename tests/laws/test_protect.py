"""Protection: exact where exactness is possible, and what it says of itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

import complexnn
import psp
from psp import capacity
from psp.contexts import Family
from psp.layers import SuperposedConv
from psp.protect import _inputs
from psp.subspace import LowRank

OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-4, momentum=0.9),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "rowrmsprop": lambda p: psp.RowRMSprop(p, lr=0.01),
}
REAL = [psp.Identity(1), psp.Binary(1), psp.Rotation(1), psp.SignedPermutation(1), psp.Hadamard(1)]
COMPLEX = [psp.Complex(1), psp.OnePower(1), psp.Binary(1)]


@pytest.fixture(autouse=True)
def double() -> None:
    torch.manual_seed(0)


def subspace(size: int, rank: int, count: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(count, rank, dtype=dtype) @ torch.randn(rank, size, dtype=dtype)


def step(net: psp.Superposed, optimizer: torch.optim.Optimizer, x: Tensor, task: int) -> None:
    optimizer.zero_grad()
    net(x, task=task).abs().square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("family", REAL + COMPLEX, ids=lambda f: type(f).__name__)
def test_an_infinite_strength_leaves_finished_tasks_alone_while_a_dimension_is_free(
    family: Family, optimizer: str
) -> None:
    size, rank, tasks = 16, 3, 5  # K d = 15 < M
    dtype = torch.complex128 if family in COMPLEX else torch.float64
    linear = complexnn.Linear if dtype.is_complex else nn.Linear
    net = psp.superpose(linear(size, 4, dtype=dtype), family)
    protection = psp.protect(net, strength=math.inf, every=3)
    chosen = OPTIMIZERS[optimizer](list(net.parameters()))
    protection.guard(chosen)
    finished: list[tuple[Tensor, Tensor]] = []
    for task in range(tasks):
        x = subspace(size, rank, 20, dtype)
        before = net.network.weight.detach().clone()  # type: ignore[union-attr,operator]
        for _ in range(6):
            step(net, chosen, x, task)
        assert not torch.allclose(before, net.network.weight)  # type: ignore[arg-type]  # it learns all the same
        protection.observe([x[:10], x[10:]], task)
        finished.append((x, net(x, task=task).detach()))
        for k, (seen, learned) in enumerate(finished):
            assert torch.allclose(net(seen, task=k), learned, rtol=0, atol=1e-9 * float(learned.abs().max()))


CONVOLUTIONS: list[tuple[type[nn.Module], dict[str, object], tuple[int, ...]]] = [
    (nn.Conv1d, {"kernel_size": 3, "stride": 2, "padding": 1}, (9,)),
    (nn.Conv2d, {"kernel_size": (2, 3), "dilation": (2, 1), "padding": (1, 2)}, (6, 7)),
    (nn.Conv2d, {"kernel_size": 3, "padding": "same", "padding_mode": "circular", "groups": 2}, (5, 6)),
    (nn.Conv2d, {"kernel_size": 3, "padding": 1, "padding_mode": "reflect", "groups": 4}, (5, 6)),
    (nn.Conv3d, {"kernel_size": 2, "padding": "valid", "bias": False}, (3, 4, 3)),
    (complexnn.Conv2d, {"kernel_size": 3, "padding": 1, "groups": 2, "stride": (2, 1)}, (5, 4)),
    (complexnn.Conv1d, {"kernel_size": 4, "padding": "same", "padding_mode": "replicate"}, (8,)),
]


def convolution(
    kind: type[nn.Module], options: dict[str, object], family: Family
) -> tuple[psp.Superposed, torch.dtype]:
    dtype = torch.complex128 if kind.__module__.startswith("complexnn") else torch.float64
    return psp.superpose(kind(4, 8, dtype=dtype, **options), family), dtype  # type: ignore[call-arg]


@pytest.mark.parametrize(("kind", "options", "size"), CONVOLUTIONS)
@pytest.mark.parametrize("batched", [True, False])
def test_patches_are_what_a_convolution_sees(
    kind: type[nn.Module], options: dict[str, object], size: tuple[int, ...], batched: bool
) -> None:
    net, dtype = convolution(kind, options, psp.Binary(3))
    (layer,) = net.layers
    assert isinstance(layer, SuperposedConv)
    x = torch.randn(*([2] if batched else []), 4, *size, dtype=dtype)
    rows = _inputs(layer, x, task=5)
    groups = len(rows)
    weight = layer.weight.view(groups, 8 // groups, -1)
    seen = torch.einsum("gok,gnk->gno", weight, rows)  # (groups, N x places, outputs a group)
    expected = net(x, task=5)
    if layer.bias is not None:
        expected = expected - layer.bias.view(-1, *[1] * len(size))
    expected = (expected if batched else expected[None]).movedim(1, -1).flatten(0, -2)
    assert torch.allclose(seen.movedim(0, 1).flatten(1), expected)


@pytest.mark.parametrize(("kind", "options", "size"), CONVOLUTIONS)
def test_convolutions_are_protected_too(
    kind: type[nn.Module], options: dict[str, object], size: tuple[int, ...]
) -> None:
    net, dtype = convolution(kind, options, psp.SignedPermutation(3))
    protection = psp.protect(net, strength=math.inf, every=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    protection.guard(optimizer)
    # One constant image has one patch but for the border's: few dimensions, if any are left free by the groups.
    x = torch.ones(1, 4, *size, dtype=dtype)
    protection.observe([x], task=0)
    learned = net(x, task=0).detach()
    before = net.layers[0].weight.detach().clone()
    for _ in range(3):
        step(net, optimizer, torch.randn(3, 4, *size, dtype=dtype), task=1)
    assert torch.allclose(net(x, task=0), learned, rtol=0, atol=1e-9)
    if min(protection.used) < 1 - 1e-9:
        assert not torch.allclose(net.layers[0].weight, before)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("split", [[50], [7, 7, 36], [3] * 4])
def test_what_is_kept_is_the_second_moment_of_the_contexted_inputs(dtype: torch.dtype, split: list[int]) -> None:
    linear = complexnn.Linear if dtype.is_complex else nn.Linear
    net = psp.superpose(linear(12, 3, dtype=dtype), psp.Binary(2))
    protection = psp.protect(net, strength=0.7)
    total = torch.eye(12, dtype=dtype)
    for task in (0, 4):
        x = torch.randn(sum(split), 12, dtype=dtype) * torch.linspace(0.1, 3, 12)
        protection.observe(iter(x.split(split)), task)
        seen = net.layers[0].context(x, task)
        moment = seen.mT @ seen.conj()
        total = total + 0.7 * moment * 12 / float(moment.diagonal().sum().real)
    expected = torch.linalg.inv(total)
    assert torch.allclose(protection.subspaces[0].P, expected[None])
    assert abs(protection.used[0] - (1 - float(expected.diagonal().real.mean()))) < 1e-12


@pytest.mark.parametrize("rank", [None, 12])
@pytest.mark.parametrize("strength", [0.7, math.inf])
def test_a_task_that_comes_again_counts_once(strength: float, rank: int | None) -> None:
    net = psp.superpose(nn.Linear(16, 3, dtype=torch.float64), psp.Rotation(2))
    protection = psp.protect(net, strength, rank=rank)
    parts = {task: subspace(16, 2, 9, torch.float64) for task in range(4)}
    A = torch.zeros(16, 16, dtype=torch.float64)
    for task in (0, 1, 2, 1, 3, 0, 0):
        count = len(protection.tasks)
        again = task in protection.tasks
        protection.observe([parts[task]], task)
        seen = net.layers[0].context(parts[task], task)
        A = (1 - again / max(count, 1)) * A + seen.mT @ seen * 16 / seen.square().sum()
        assert float(A.trace()) == pytest.approx(16 * len(protection.tasks))
    assert protection.tasks.tolist() == [0, 1, 2, 3]
    eye = torch.eye(16, dtype=torch.float64)
    if math.isinf(strength):
        values, vectors = torch.linalg.eigh(A)
        expected = vectors @ torch.diag((values < 1e-9).double()) @ vectors.mT
    else:
        expected = torch.linalg.inv(eye + strength * A)
    assert torch.allclose(protection.subspaces[0].passed(eye[None]), expected[None], atol=1e-9)


def test_the_only_task_may_come_again_as_if_for_the_first_time() -> None:
    net = psp.superpose(nn.Linear(6, 3), psp.Binary(2))
    for rank in (None, 4):
        once, twice = (psp.protect(net, math.inf, rank=rank) for _ in range(2))
        x, other = torch.randn(2, 6), torch.randn(3, 6)
        once.observe([x], 5)
        twice.observe([other], 5)
        twice.observe([x], 5)
        assert once.used == pytest.approx(twice.used)


def test_a_strength_is_chosen_where_the_first_task_is_observed() -> None:
    net = psp.superpose(nn.Sequential(nn.Linear(12, 9), nn.Linear(9, 3)), psp.Binary(2))
    first, second = net.layers
    x = torch.randn(40, 12)
    seen = [first.context(x, 4)]
    seen.append(second.context(nn.functional.linear(seen[0], first.weight, first.bias), 4))
    spectra = [torch.linalg.svdvals(rows.double()).square().detach() for rows in seen]
    for rank in (None, 11):
        protection = psp.protect(net, tasks=7, rank=rank)
        assert protection.strength is None
        protection.observe([torch.zeros(0, 12)], task=8)  # of no use for the choice
        protection.observe(x.split(15), task=4)
        if rank is None:
            assert protection.strength == pytest.approx(capacity.balanced(spectra, 7), rel=1e-4)
        before = protection.strength
        protection.observe([torch.randn(40, 12)], task=5)
        assert protection.strength == before


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("strength", [0.3, math.inf])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_low_rank_is_exact_while_it_suffices_and_passes_more_beyond(
    dtype: torch.dtype, strength: float, groups: int
) -> None:
    net, _ = convolution(
        complexnn.Conv1d if dtype.is_complex else nn.Conv1d, {"kernel_size": 6, "groups": groups}, psp.Binary(1)
    )
    size, rank = 24 // groups, 7
    full, low = psp.protect(net, strength), psp.protect(net, strength, rank=rank)
    assert [buffer.shape for buffer in low.subspaces.buffers()] == [(groups, size, rank)]
    eye = torch.eye(size, dtype=dtype).expand(groups, size, size)
    for task in range(5):
        # Two images, of one patch each: two dimensions a task, so that the rank suffices for three tasks.
        images = torch.randn(2, 4, 6, dtype=dtype)
        full.observe(images.split(1), task)
        low.observe(images.split(1), task)
        more = low.subspaces[0].passed(eye) - full.subspaces[0].passed(eye)
        values = torch.linalg.eigvalsh((more + more.mH) / 2)
        if task < 3:
            assert torch.allclose(more, torch.zeros_like(more), atol=1e-9)
            assert low.used == pytest.approx(full.used)
        else:
            assert float(values.min()) > -1e-9
            assert float(values.max()) > 0.1
            assert low.used[0] < full.used[0]


def test_many_inputs_are_taken_in_by_a_low_rank_part_by_part() -> None:
    net = psp.superpose(nn.Linear(20, 3, dtype=torch.float64), psp.SignedPermutation(1))
    x = subspace(20, 4, 200, torch.float64)
    full, low = psp.protect(net, 0.5), psp.protect(net, 0.5, rank=6)
    for task in range(2):
        full.observe([x], task)
        low.observe(x.split(9), task)
        if task == 0:  # then of rank 4, and after it of 8
            assert low.used == pytest.approx(full.used)
    update = torch.randn(1, 3, 20, dtype=torch.float64)
    assert low.used[0] == pytest.approx(full.used[0], rel=0.2)
    V = low.subspaces[0].V[0]
    assert torch.allclose(low.subspaces[0].passed(update), update - update @ V @ V.mT)


def test_a_low_rank_holds_few_columns_while_it_takes_inputs_in() -> None:
    subspace = LowRank(torch.zeros(1, 3, 50), rank=4)
    for _ in range(30):
        subspace.add(torch.randn(1, 5, 50, dtype=torch.float64))
        assert sum(part.shape[-1] for part in subspace._parts) < 2 * 4 + 5


@pytest.mark.parametrize("rank", [None, 4])
def test_inputs_of_a_task_that_broke_off_do_not_count(rank: int | None) -> None:
    def breaks() -> Iterator[Tensor]:
        yield torch.randn(20, 9)
        raise KeyboardInterrupt

    net = psp.superpose(nn.Linear(9, 3), psp.Binary(0))
    one, other = (psp.protect(net, 1.0, rank=rank) for _ in range(2))
    x = torch.randn(20, 9)
    with pytest.raises(KeyboardInterrupt):
        one.observe(breaks(), 1)
    one.observe([x], 1)
    one.spectra([torch.randn(7, 9)], 3)
    one.observe([x], 2)
    other.observe([x], 1)
    other.observe([x], 2)
    assert all(torch.equal(a, b) for a, b in zip(one.buffers(), other.buffers(), strict=True))


def test_a_rank_of_a_layers_size_is_all_of_it() -> None:
    net = psp.superpose(nn.Sequential(nn.Linear(9, 4), nn.Linear(4, 2)), psp.Binary(0))
    assert [type(s).__name__ for s in psp.protect(net, rank=4).subspaces] == ["LowRank", "Dense"]


def test_updates_pass_through_it_every_few_steps() -> None:
    net = psp.superpose(nn.Linear(10, 3), psp.Binary(2))
    protection = psp.protect(net, strength=2.0, every=2)
    protection.observe([torch.randn(30, 10)], task=0)
    before = net.layers[0].weight.detach().clone()
    updates = torch.randn(2, 3, 10)
    for i, update in enumerate(updates):
        with torch.no_grad():
            net.layers[0].weight += update
        protection.stepped()
        expected = before + (update if i == 0 else updates.sum(0) @ protection.subspaces[0].P[0])
        assert torch.allclose(net.layers[0].weight, expected, atol=1e-6)


def test_until_a_task_is_finished_nothing_is_changed() -> None:
    plain, guarded = nn.Linear(6, 2), nn.Linear(6, 2)
    guarded.load_state_dict(plain.state_dict())
    nets = [psp.superpose(layer, psp.Binary(0)) for layer in (plain, guarded)]
    protection = psp.protect(nets[1], strength=1.0, every=2)
    optimizers = [torch.optim.Adam(net.parameters(), lr=0.1) for net in nets]
    protection.guard(optimizers[1])
    for _ in range(5):
        x = torch.randn(4, 6)
        for net, optimizer in zip(nets, optimizers, strict=True):
            step(net, optimizer, x, 0)
    assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True))


def test_what_all_tasks_share_stays_from_the_first_finished_task_on() -> None:
    net = psp.superpose(nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 2)), psp.Binary(0))
    protection = psp.protect(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    protection.guard(optimizer)
    shared = {name: p for name, p in net.named_parameters() if p.ndim == 1}
    assert len(shared) == 4
    before = {name: p.detach().clone() for name, p in shared.items()}
    step(net, optimizer, torch.randn(4, 6), 0)
    learned = {name: p.detach().clone() for name, p in shared.items()}
    assert not any(torch.equal(before[name], learned[name]) for name in shared)
    protection.observe([torch.randn(4, 6)], task=0)
    step(net, optimizer, torch.randn(4, 6), 1)
    assert all(torch.equal(shared[name], learned[name]) for name in shared)
    again = psp.superpose(nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 2)), psp.Binary(0))
    psp.protect(again).load_state_dict(protection.state_dict())
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in net.parameters()]


@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("every", [1, 4])
def test_it_goes_on_from_its_state_to_the_same_bits(every: int, rank: int | None) -> None:
    def fresh() -> tuple[psp.Superposed, psp.Protection, torch.optim.Optimizer]:
        torch.manual_seed(1)
        net = psp.superpose(nn.Linear(6, 2), psp.Binary(0))
        protection, optimizer = psp.protect(net, every=every, rank=rank), psp.RowRMSprop(net.parameters(), lr=0.1)
        protection.guard(optimizer)
        return net, protection, optimizer

    def learn(
        net: psp.Superposed, protection: psp.Protection, optimizer: torch.optim.Optimizer, first: int, last: int
    ) -> None:
        for i in range(first, last):
            g = torch.Generator().manual_seed(i)
            step(net, optimizer, torch.randn(4, 6, generator=g), i // 5)
            if i % 5 == 4:
                protection.observe([torch.randn(9, 6, generator=g)], task=i // 5 % 2)

    whole, first, second = fresh(), fresh(), fresh()
    learn(*whole, 0, 18)
    learn(*first, 0, 12)
    for a, b in zip(first, second, strict=True):
        b.load_state_dict(a.state_dict())
    learn(*second, 12, 18)
    assert all(torch.equal(a, b) for a, b in zip(whole[0].parameters(), second[0].parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(whole[1].buffers(), second[1].buffers(), strict=True))


def test_observing_leaves_the_network_as_it_was_and_keeps_no_data() -> None:
    net = psp.superpose(nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.Linear(5, 2)), psp.Binary(0)).train()
    protection = psp.protect(net)
    before = [p.detach().clone() for p in net.parameters()]
    size = sum(b.numel() for b in protection.buffers())
    protection.observe([torch.randn(100, 6)], task=3)
    size += 1  # the task's number
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert all(module.training for module in net.modules())
    assert not any(layer._forward_pre_hooks for layer in net.layers)
    assert sum(b.numel() for b in protection.buffers()) == size


def test_training_keeps_one_square_matrix_a_layer_more_than_without_protection() -> None:
    def kept(optimizer: torch.optim.Optimizer, net: psp.Superposed) -> int:
        step(net, optimizer, torch.randn(4, 40), 0)
        states = (state for state in optimizer.state.values())
        return sum(t.nbytes for state in states for t in state.values() if t.ndim)

    net = psp.superpose(nn.Sequential(nn.Linear(40, 30), nn.Linear(30, 20)), psp.Binary(0))
    protection = psp.protect(net)
    plain = kept(torch.optim.RMSprop(net.parameters()), net)
    guarded = kept(psp.RowRMSprop(net.parameters()), net)
    for task in range(9):
        protection.observe([torch.randn(50, 40)], task)
    guarded += sum(t.nbytes for t in protection.buffers())
    squares, units, tasks = 4 * (40**2 + 30**2), 4 * (30 + 20), 8 * 9
    assert guarded - plain == squares + units + tasks + 16  # strength and count of steps


def test_inputs_of_zeros_take_no_dimension_and_stay_finite() -> None:
    net = psp.superpose(nn.Linear(6, 2), psp.Binary(0))
    protection = psp.protect(net, every=1)
    protection.observe([torch.zeros(5, 6)], task=0)
    assert protection.used == [0.0]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    protection.guard(optimizer)
    step(net, optimizer, torch.zeros(5, 6), 1)
    assert all(bool(p.isfinite().all()) for p in net.parameters())


def test_bad_requests_are_refused() -> None:
    net = psp.superpose(nn.Linear(6, 2), psp.Binary(0))
    with pytest.raises(TypeError, match="expects a superposed network, got a Linear"):
        psp.protect(nn.Linear(6, 2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="strength must be above 0, got 0"):
        psp.protect(net, strength=0)
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        psp.protect(net, every=0)
    with pytest.raises(ValueError, match="rank must be at least 1, got 0"):
        psp.protect(net, rank=0)
    with pytest.raises(ValueError, match="tasks must be at least 1, got 0"):
        psp.protect(net, tasks=0)
    with pytest.raises(ValueError, match="task 3 needs at least one batch"):
        psp.protect(net).observe([], task=3)
    with pytest.raises(TypeError, match=r"every must be a whole number from 0, got 1\.5"):
        psp.protect(net, every=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"batches of inputs are expected, got one tensor \(5, 6\): put it in a list"):
        psp.protect(net).observe(torch.zeros(5, 6), task=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("rank", [None, 2])
def test_inputs_that_are_not_finite_are_refused_and_leave_nothing(rank: int | None) -> None:
    net = psp.superpose(nn.Linear(6, 2), psp.Binary(0))
    protection = psp.protect(net, strength=1.0, rank=rank)
    x = torch.randn(5, 6)
    with pytest.raises(ValueError, match="finite inputs are expected, got others in layer '' of task 3"):
        protection.observe([x, x * torch.inf], task=3)
    assert protection.used == [0.0]
    assert not len(protection.tasks)
    protection.observe([x], task=3)
    fresh = psp.protect(net, strength=1.0, rank=rank)
    fresh.observe([x], task=3)
    assert protection.used == fresh.used

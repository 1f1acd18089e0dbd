"""Contexts in use: costs, dtypes, gradients, copies, and what is refused."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import psp
from psp.contexts import Family, base
from tests.laws.conftest import Make, double, every_family, every_random_family, every_real_family

COMPLEX = pytest.mark.parametrize("make", [psp.Complex, psp.OnePower])


def signal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def single(family: Family) -> torch.dtype:
    return torch.complex64 if family.needs_complex else torch.float32


# What they cost, and what they are


@pytest.mark.parametrize("width", [1, 10, 256, 784])
def test_costs_are_those_of_table_1(width: int) -> None:
    paper = {psp.Rotation: width**2, psp.Binary: width, psp.Complex: width, psp.OnePower: 1}
    for make, cost in paper.items():
        assert make(seed=0).bind(width).cost == cost
    assert psp.Identity().bind(width).cost == 0  # nothing tells the tasks apart


def test_costs_of_families_that_are_not_in_the_paper_are_the_numbers_that_they_draw() -> None:
    assert psp.SignedPermutation().bind(20).cost == 2 * 20
    assert psp.Hadamard().bind(20).cost == 2 * 20
    assert psp.BlockRotation(block=5).bind(20).cost == 4 * 25
    assert psp.BlockRotation(block=6).bind(20).cost == 3 * 36 + 4
    assert psp.BlockRotation(block=64).bind(20).cost == 20**2
    assert psp.BlockRotation(block=1).bind(20).cost == 20


STAY = {
    psp.Binary: [1, -2, -3, 4, -5, 6],
    psp.SignedPermutation: [1, -6, -2, 5, -4, 3],
    psp.Hadamard: [
        -0.40824829046386335,
        0.6777958726856972,
        6.393271939179779,
        3.6742346141747677,
        -4.242640687119286,
        4.2426406871192865,
    ],
    psp.Rotation: [
        -0.8746344841976086,
        -5.471183711239757,
        1.8694245554496245,
        4.804091393252847,
        1.9874017567548705,
        5.456863136539223,
    ],
    psp.Complex: [
        -0.9821071343938017 - 0.18832306436757865j,
        -0.17535645645898998 + 1.992297696926377j,
        -2.3418641045779935 + 1.8750126708076165j,
        3.989076133502713 - 0.295417672320132j,
        4.044973521169851 + 2.93907965408132j,
        -5.5607720150042885 - 2.253400673902701j,
    ],
    psp.OnePower: [
        -0.796099514627472 + 0.6051657316883562j,
        0.6850617080273335 - 1.8790131601973075j,
        1.7214471303906413 + 2.4569533526849523j,
        -2.1123513040947213 - 3.3967590388617985j,
        -3.7387610285771506 - 3.319889451652378j,
        2.766872981294882 - 5.323947210987386j,
    ],
    partial(psp.LocalMix, period=10): [
        0.9798349021803118 + 0.1998088197985734j,
        1.978870669052705 - 0.2899497804153335j,
        2.737431829677907 - 1.2273821645544083j,
        3.3750968339293848 - 2.1467932740717828j,
        4.997910349445576 + 0.14454113222471174j,
        -5.1200813107870715 - 3.128061279919073j,
    ],
    partial(psp.Kernel, period=10): [
        0.30901699437494745 - 0.9510565162951535j,
        -1.6180339887498947 + 1.1755705045849465j,
        3,
        -3.2360679774997894 + 2.351141009169893j,
        1.5450849718747373 - 4.755282581475767j,
        -4.854101966249684 + 3.5267115137548393j,
    ],
}


@pytest.mark.parametrize("make", STAY)
def test_contexts_stay_what_they_are_from_release_to_release(make: Make) -> None:
    # A checkpoint is weights and a seed: other contexts would make every stored model unreadable.
    family = make(seed=1)
    x = torch.arange(1, 7).to(double(family))
    expected = torch.tensor(STAY[make], dtype=x.dtype)
    torch.testing.assert_close(family.bind(6, "fc1")(x, 2), expected, rtol=1e-12, atol=1e-12)


def test_families_are_values() -> None:
    assert psp.Binary(seed=3) == psp.Binary(3)
    assert psp.Binary(seed=3) != psp.Binary(seed=4)
    assert psp.Binary() != psp.SignedPermutation()
    assert psp.OnePower() != psp.Complex()
    assert psp.BlockRotation(0, 4) != psp.BlockRotation(0, 5)
    assert len({psp.Binary(), psp.Binary(), psp.Rotation()}) == 2
    assert dataclasses.replace(psp.BlockRotation(0, block=4), seed=2) == psp.BlockRotation(2, block=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        psp.Binary().seed = 2  # type: ignore[misc]


def test_reprs_show_the_configuration() -> None:
    assert repr(psp.BlockRotation(seed=2, block=4)) == "BlockRotation(seed=2, block=4)"
    assert repr(psp.Binary(seed=2).bind(5, layer="fc")) == "Binary(seed=2).bind(5, layer='fc')"


# What goes in and comes out


@pytest.mark.parametrize("task", [3, torch.tensor([0, 3, 3, 9])], ids=["int", "tensor"])
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.complex64, torch.complex128]
)
@every_family
def test_shape_and_dtype_are_kept(make: Make, dtype: torch.dtype, task: int | Tensor) -> None:
    family = make(seed=0)
    if family.needs_complex and not dtype.is_complex:
        dtype = dtype.to_complex() if dtype.itemsize > 2 else torch.complex64
    context = family.bind(10, "fc")
    x = signal(4, 2, 10, dtype=torch.complex128 if dtype.is_complex else torch.float64).to(dtype)
    for out in (context(x, task), context.inverse(x, task)):
        assert (out.shape, out.dtype) == (x.shape, dtype)
    weight = x[0]
    folded = context.fold(weight, 3)
    assert (folded.shape, folded.dtype) == (weight.shape, dtype)


@every_family
def test_matrix_takes_the_default_dtype_or_the_one_asked_for(make: Make) -> None:
    family = make(seed=0)
    context = family.bind(5)
    assert context.matrix(1).dtype == single(family)
    assert context.matrix(1, torch.float64).dtype == double(family)
    assert context.matrix(1, torch.complex64).dtype == torch.complex64
    assert context.matrix(1).is_contiguous()


@every_family
def test_any_memory_layout_and_no_samples_at_all_will_do(make: Make) -> None:
    family = make(seed=0)
    context = family.bind(12, "fc")
    x = signal(12, 3, 4, dtype=double(family))
    turned = x.permute(2, 1, 0)
    tasks = torch.tensor([5, 0, 5, 1])
    torch.testing.assert_close(context(turned, tasks), context(turned.contiguous(), tasks))
    torch.testing.assert_close(context(turned.conj(), 2), context(turned.conj().resolve_conj(), 2))
    expanded = x[:, 0, 0].expand(4, 3, 12)
    torch.testing.assert_close(context(expanded, 2), context(expanded.clone(), 2))
    assert context(x.new_empty(0, 12), 2).shape == (0, 12)
    assert context.inverse(x.new_empty(2, 0, 12), 2).shape == (2, 0, 12)


@every_family
def test_the_input_is_left_alone(make: Make) -> None:
    family = make(seed=0)
    context = family.bind(12, "fc")
    x = signal(3, 12, dtype=double(family))
    before = x.clone()
    for task in (2, torch.tensor([5, 0, 5])):
        context(x, task)
        context.inverse(x, task)
    context.fold(x, 2)
    assert torch.equal(x, before)


@pytest.mark.parametrize("task", [3, torch.tensor([0, 3, 3, 9])], ids=["int", "tensor"])
@pytest.mark.parametrize("complex", [False, True])
@every_family
def test_gradients_are_those_of_a_linear_map(make: Make, complex: bool, task: int | Tensor) -> None:
    family = make(seed=0)
    dtype = torch.complex128 if complex else double(family)
    context = family.bind(6, "fc")
    x = signal(4, 6, dtype=dtype).requires_grad_()
    for use in (context, context.inverse):
        assert torch.autograd.gradcheck(lambda z, use=use: use(z, task), x)
    assert torch.autograd.gradcheck(lambda z: context.fold(z, 3), x)
    assert torch.autograd.gradgradcheck(lambda z: context(z, task), x, fast_mode=True)


@every_family
def test_the_gradient_is_the_adjoint(make: Make) -> None:
    family = make(seed=0)
    context = family.bind(33, "fc")
    x = signal(4, 33, dtype=double(family)).requires_grad_()
    context(x, 3).backward(x.detach())
    torch.testing.assert_close(x.grad, context.inverse(x.detach(), 3))


@every_random_family
def test_contexts_first_used_in_inference_mode_serve_training_later(make: Make) -> None:
    family = make(seed=0)
    context = family.bind(12, "fc")
    x = signal(3, 12, dtype=double(family))
    tasks = torch.tensor([5, 0, 5])
    with torch.inference_mode():
        context(x, 2)
        context(x, tasks)
    for task in (2, tasks):
        leaf = x.clone().requires_grad_()
        context(leaf, task).abs().square().sum().backward()
        torch.testing.assert_close(leaf.grad, 2 * x)


# What is kept


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_CACHE_BYTES", 40_000)
    for family, bytes_each in ((psp.Rotation(0), 4 * 30**2), (psp.Binary(0), 4 * 30), (psp.SignedPermutation(0), 600)):
        context = family.bind(30, "fc")
        x = signal(1000, 30)
        first = context(x[0], 0)
        for task in range(400):
            context(x, task)
        context(x, torch.arange(1000))
        kept = list(context._cache.values())
        assert 0 < sum(part.nbytes for key in kept for part in key) <= 40_000
        assert len(kept) >= 40_000 // bytes_each - 1
        assert torch.equal(context(x[0], 0), first)


def test_a_context_larger_than_the_cache_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_CACHE_BYTES", 100)
    context = psp.Rotation(0).bind(30, "fc")
    x = signal(3, 30)
    torch.testing.assert_close(context.inverse(context(x, 1), 1), x)
    assert len(context._cache) == 1


@every_family
def test_copies_and_pickles_are_the_same_contexts_without_what_was_cached(make: Make) -> None:
    family = make(seed=5)
    context = family.bind(12, "fc")
    x = signal(3, 12, dtype=double(family))
    expected = context(x, 7)
    pickled = pickle.dumps(context)
    assert len(pickled) < 1000
    for other in (pickle.loads(pickled), copy.deepcopy(context), copy.copy(context)):
        assert other.family == family
        assert (other.width, other.layer) == (12, "fc")
        assert not other._cache
        assert torch.equal(other(x, 7), expected)


# What is refused


@every_family
@pytest.mark.parametrize(
    ("seed", "error"),
    [(-1, ValueError), (2**63, ValueError), (1.0, TypeError), (True, TypeError), ("0", TypeError), (None, TypeError)],
)
def test_a_seed_is_a_whole_number_below_two_to_the_63(make: Make, seed: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="seed must be"):
        make(seed=seed)
    assert make(seed=2**63 - 1).bind(3).matrix(0).shape == (3, 3)


@pytest.mark.parametrize(("block", "error"), [(0, ValueError), (-2, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_block_is_a_whole_number_from_1(block: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="block must be"):
        psp.BlockRotation(seed=0, block=block)


@pytest.mark.parametrize(("width", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_width_is_a_whole_number_from_1(width: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="width must be"):
        psp.Binary().bind(width)


@pytest.mark.parametrize("layer", [None, 3, b"fc"])
def test_a_layer_is_a_string(layer: Any) -> None:
    with pytest.raises(TypeError, match="layer must be the path of a layer"):
        psp.Binary().bind(3, layer)


BAD_TASKS = {
    "negative": (-1, ValueError),
    "fractional": (1.5, TypeError),
    "float": (1.0, TypeError),
    "bool": (True, TypeError),
    "str": ("1", TypeError),
    "None": (None, TypeError),
    "numpy float": (np.float64(1), TypeError),
    "list": ([0, 1, 2], TypeError),
    "array": (np.arange(3), TypeError),
    "negative tensor": (torch.tensor([0, -1, 2]), ValueError),
    "negative scalar tensor": (torch.tensor(-1), ValueError),
    "float tensor": (torch.tensor([0.0, 1.0, 2.0]), TypeError),
    "float scalar tensor": (torch.tensor(1.0), TypeError),
    "complex tensor": (torch.zeros(3, dtype=torch.complex64), TypeError),
    "bool tensor": (torch.tensor([True, False, True]), TypeError),
    "bool scalar tensor": (torch.tensor(True), TypeError),
    "empty tensor": (torch.zeros(0, dtype=torch.long), ValueError),
}
bad_tasks = pytest.mark.parametrize(("task", "error"), BAD_TASKS.values(), ids=BAD_TASKS)


@bad_tasks
@every_family
def test_a_task_is_a_whole_number_from_0(make: Make, task: Any, error: type[Exception]) -> None:
    family = make(seed=0)
    context = family.bind(6, "fc")
    x = signal(3, 6, dtype=double(family))
    for use in (context, context.inverse):
        with pytest.raises(error, match="task"):
            use(x, task)
    if not isinstance(task, Tensor):
        with pytest.raises(error, match="task"):
            context.fold(x, task)
        with pytest.raises(error, match="task"):
            context.matrix(task)


@pytest.mark.parametrize("shape", [(2,), (4,), (1,), (3, 2), (3, 1), (2, 5), (3, 5, 6)])
@every_family
def test_tasks_fit_the_leading_dimensions_of_the_input(make: Make, shape: tuple[int, ...]) -> None:
    family = make(seed=0)
    x = signal(3, 5, 6, dtype=double(family))
    with pytest.raises(ValueError, match=r"tasks of shape .* do not fit an input of shape \(3, 5, 6\)"):
        family.bind(6, "fc")(x, torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("shape", [(5,), (3, 5), (3, 7), (6, 3), ()])
@every_family
def test_an_input_has_the_width_of_the_layer(make: Make, shape: tuple[int, ...]) -> None:
    family = make(seed=0)
    context = family.bind(6, "net.fc")
    x = signal(*shape, dtype=double(family))
    uses: list[Callable] = [context, context.inverse, context.fold]
    for use in uses:
        with pytest.raises(ValueError, match=r"layer 'net\.fc' has width 6, got an input of shape"):
            use(x, 1)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
@every_family
def test_an_input_is_floating_or_complex(make: Make, dtype: torch.dtype) -> None:
    context = make(seed=0).bind(6)
    for use in (context, context.inverse):
        with pytest.raises(TypeError, match="floating or complex"):
            use(torch.ones(3, 6, dtype=dtype), 1)


@COMPLEX
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_complex_contexts_refuse_real_inputs_and_say_what_to_do(make: Make, dtype: torch.dtype) -> None:
    context = make(seed=0).bind(6)
    for use in (context, context.inverse, context.fold):
        with pytest.raises(TypeError, match=r"complexnn layers and feed it x\.to\(torch\.complex64\)"):
            use(torch.ones(3, 6, dtype=dtype), 1)


@every_real_family
def test_a_refused_call_changes_nothing(make: Make) -> None:
    context = make(seed=0).bind(6)
    x = signal(3, 6)
    before = context(x, 1)
    for bad in (-1, torch.tensor([0, 1, -1]), torch.tensor([0, 1])):
        with pytest.raises(ValueError):
            context(x, bad)
    assert torch.equal(context(x, 1), before)

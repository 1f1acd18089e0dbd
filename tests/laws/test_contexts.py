"""The laws of contexts: unitary matrices that depend on (seed, layer, task, width) alone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import psp
from psp import keys
from psp.contexts import Family
from psp.contexts.hadamard import flat_rotation
from psp.contexts.rotation import haar
from tests.laws.conftest import (
    MAKE,
    Make,
    double,
    every_family,
    every_independent_family,
    every_real_family,
    law,
    store,
)

WIDTHS = [1, 2, 3, 7, 64, 97, 100, 128, 513, 521, 784, 1026]  # odd factors above 512 go through an FFT

widths = st.integers(1, 40)
seeds = st.integers(0, 2**63 - 1)
layers = st.text(max_size=8)
tasks = st.integers(0, 12) | st.integers(0, 2**40) | st.integers(2**62, 2**70)
shapes = st.lists(st.integers(1, 3), max_size=3)


def signals(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def assert_close(actual: Tensor, expected: Tensor, eps: float = 1e-12) -> None:
    torch.testing.assert_close(actual, expected, rtol=eps, atol=eps)


def assert_equal(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


# Unitarity, and one matrix behind every way to use it


@every_family
@law
@given(width=widths, seed=seeds, layer=layers, task=tasks)
def test_every_matrix_is_unitary(make: Make, width: int, seed: int, layer: str, task: int) -> None:
    matrix = make(seed=seed).bind(width, layer).matrix(task, torch.float64)
    assert matrix.shape == (width, width)
    assert_close(matrix @ matrix.mH, torch.eye(width, dtype=matrix.dtype))


@pytest.mark.parametrize("width", WIDTHS)
@every_family
def test_every_matrix_is_unitary_at_any_kind_of_width(make: Make, width: int) -> None:
    context = make(seed=3).bind(width, "fc")
    matrix = context.matrix(5, torch.float64)
    assert_close(matrix @ matrix.mH, torch.eye(width, dtype=matrix.dtype), 1e-11)
    x = signals(2, width, dtype=matrix.dtype)
    assert_close(context.inverse(x, 5), x @ matrix.conj(), 1e-11)
    single = context.matrix(5)
    assert single.dtype in (torch.float32, torch.complex64)
    assert_close(single, matrix.to(single.dtype), 2e-6)


@every_family
@law
@given(width=widths, seed=seeds, layer=layers, task=tasks, shape=shapes)
def test_call_inverse_and_fold_are_products_with_the_matrix(
    make: Make, width: int, seed: int, layer: str, task: int, shape: list[int]
) -> None:
    family = make(seed=seed)
    context = family.bind(width, layer)
    matrix = context.matrix(task, torch.float64)
    x = signals(*shape, width, dtype=matrix.dtype)
    assert_close(context(x, task), x @ matrix.mT)
    assert_close(context.inverse(x, task), x @ matrix.conj())
    weight = signals(3, width, dtype=matrix.dtype, seed=1)
    assert_close(context.fold(weight, task), weight @ matrix)


@every_family
@law
@given(width=widths, seed=seeds, layer=layers, task=tasks, shape=shapes)
def test_inverse_undoes_the_call_and_the_call_the_inverse(
    make: Make, width: int, seed: int, layer: str, task: int, shape: list[int]
) -> None:
    context = make(seed=seed).bind(width, layer)
    x = signals(*shape, width, dtype=double(context.family))
    assert_close(context.inverse(context(x, task), task), x)
    assert_close(context(context.inverse(x, task), task), x)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
@every_family
def test_a_context_is_complex_linear(make: Make, dtype: torch.dtype) -> None:
    context = make(seed=0).bind(24, "fc")
    matrix = context.matrix(7, dtype)
    z, scale = signals(4, 24, dtype=dtype), 0.6 - 0.8j
    eps = 1e-5 if dtype == torch.complex64 else 1e-12
    for use, expected in ((context, z @ matrix.mT), (context.inverse, z @ matrix.conj())):
        assert_close(use(z, 7), expected, eps)
        assert_close(use(scale * z, 7), scale * expected, eps)
    assert_close(context.fold(z, 7), z @ matrix, eps)


@every_family
@law
@given(width=widths, seed=seeds, task=tasks)
def test_retrieval_of_one_stored_model_is_exact(make: Make, width: int, seed: int, task: int) -> None:
    context = make(seed=seed).bind(width, "fc")
    weight = signals(3, width, dtype=double(context.family))
    x = signals(5, width, dtype=weight.dtype, seed=1)
    stored = store(context, weight, task)
    assert_close(stored, weight @ context.matrix(task, torch.float64).mH)
    assert_close(context(x, task) @ stored.mT, x @ weight.mT)
    assert_close(context.fold(stored, task), weight)


def test_identity_changes_nothing() -> None:
    x = signals(3, 6)
    assert_equal(psp.Identity(seed=4).bind(6)(x, 9), x)
    assert_equal(psp.Identity(seed=4).bind(6).inverse(x, 9), x)
    assert_equal(psp.Identity(seed=4).bind(6).matrix(9), torch.eye(6))


# What a context depends on


def digest(make: Make) -> str:
    """A hash of keys, to the bit, of several layers, tasks and widths, drawn in one order."""
    hashed = hashlib.sha256()
    for seed, layer, task, width in [(0, "", 0, 1), (1, "fc1", 3, 24), (7, "layers.0", 2**40, 33), (2, "é", 2**65, 8)]:
        hashed.update(make(seed=seed).bind(width, layer).matrix(task, torch.float64).numpy().tobytes())
    return hashed.hexdigest()


def test_contexts_are_the_same_in_another_process() -> None:
    code = (
        "from tests.laws.conftest import MAKE\n"
        "from tests.laws.test_contexts import digest\n"
        "for make in reversed(MAKE.values()):\n"
        "    print(digest(make))\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    root = str(Path(__file__).parents[2])
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == [digest(make) for make in reversed(MAKE.values())]


@every_family
@law
@given(seed=seeds, layer=layers, order=st.permutations([0, 1, 2, 5, 2**31, 2**40, 2**63 + 1]))
def test_contexts_do_not_depend_on_the_order_of_drawing(make: Make, seed: int, layer: str, order: list[int]) -> None:
    context = make(seed=seed).bind(13, layer)
    drawn = {task: context.matrix(task, torch.float64) for task in order}
    for task in sorted(order):
        assert_equal(make(seed=seed).bind(13, layer).matrix(task, torch.float64), drawn[task])
        assert_equal(context.matrix(task, torch.float64), drawn[task])


@every_family
def test_contexts_do_not_depend_on_the_random_state_and_leave_it_alone(make: Make) -> None:
    def states() -> tuple[bytes, bytes]:
        return torch.get_rng_state().numpy().tobytes(), np.random.get_state()[1].tobytes()

    before = states()
    first = make(seed=0).bind(12, "fc").matrix(3)
    assert states() == before
    with torch.random.fork_rng():
        torch.manual_seed(1)
        assert_equal(make(seed=0).bind(12, "fc").matrix(3), first)


@every_family
@law
@given(width=st.integers(5, 40), task=tasks, shape=shapes, seed=seeds)
def test_the_batch_shape_does_not_matter(make: Make, width: int, task: int, shape: list[int], seed: int) -> None:
    context = make(seed=seed).bind(width, "fc")
    x = signals(*shape, width, dtype=double(context.family))
    rows = [context(row, task) for row in x.reshape(-1, width)]
    assert_close(context(x, task), torch.stack(rows).view(x.shape))


@every_family
@law
@given(task=st.integers(0, 2**40) | st.just(2**63 - 1), width=widths)
def test_a_task_is_its_number_whatever_its_type(make: Make, task: int, width: int) -> None:
    context = make(seed=0).bind(width, "fc")
    x = signals(3, width, dtype=double(context.family))
    expected = context(x, task)
    for other in (np.int64(task), np.uint64(task), torch.tensor(task)):
        assert_equal(context(x, other), expected)
    if task < 2**31:
        assert_equal(context(x, torch.tensor(task, dtype=torch.int32)), expected)
    assert_equal(context.matrix(np.int64(task)), context.matrix(task))


@every_family
@law
@given(
    width=widths,
    some=st.lists(tasks.filter(lambda task: task < 2**63), min_size=1, max_size=6),
    rest=st.lists(st.integers(1, 3), max_size=2),
)
def test_a_task_per_sample_is_the_tasks_one_by_one(make: Make, width: int, some: list[int], rest: list[int]) -> None:
    context = make(seed=1).bind(width, "fc")
    some = some + some[:2]  # repeated ones, too
    x = signals(len(some), *rest, width, dtype=double(context.family))
    mixed = torch.tensor(some)
    assert_close(context(x, mixed), torch.stack([context(row, task) for row, task in zip(x, some, strict=True)]))
    assert_close(context.inverse(context(x, mixed), mixed), x)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
@every_family
def test_tasks_may_have_every_leading_dimension_of_the_input(make: Make, dtype: torch.dtype) -> None:
    context = make(seed=1).bind(7, "fc")
    x = signals(2, 3, 4, 7, dtype=double(context.family))
    mixed = torch.tensor([[0, 5, 5], [200, 0, 1]])
    expected = torch.stack(
        [torch.stack([context(x[i, j], int(mixed[i, j])) for j in range(3)]) for i in range(2)],
    )
    assert_close(context(x, mixed.to(dtype)), expected)
    deeper = mixed[..., None].expand(2, 3, 4)
    assert_close(context(x, deeper), expected)


@pytest.mark.parametrize("width", [12, 33, 64])
@every_family
def test_single_precision_is_double_precision_rounded(make: Make, width: int) -> None:
    context = make(seed=0).bind(width, "fc")
    for task in (0, 3, 2**40):
        exact, single = context.matrix(task, torch.float64), context.matrix(task, torch.float32)
        if make is psp.Hadamard:  # a product of three, so rounded twice more
            assert_close(single, exact.float(), 1e-6)
        else:
            assert_equal(single, exact.to(single.dtype))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@every_real_family
def test_half_precision_is_computed_in_single(make: Make, dtype: torch.dtype) -> None:
    context = make(seed=0).bind(20, "fc")
    x = signals(6, 20).to(dtype)
    for task in (2**40, torch.tensor([1, 0, 2**40, 7, 1, 3])):
        assert_equal(context(x, task), context(x.float(), task).to(dtype))
        assert_equal(context.inverse(x, task), context.inverse(x.float(), task).to(dtype))
    assert_equal(context.fold(x, 9), context.fold(x.float(), 9).to(dtype))


# Independence: statistics over fixed seeds, at five standard errors


def ones(family: Family, width: int, layer: str, task: int) -> Tensor:
    return family.bind(width, layer)(torch.ones(width, dtype=double(family)), task)


WAYS: dict[str, Callable[[Make, int], Tensor]] = {
    # powers of two, whose differences are all different: contexts of OnePower depend on those alone
    "tasks": lambda make, i: ones(make(seed=0), 64, "fc", 2 ** (2 * i)),
    "layers": lambda make, i: ones(make(seed=0), 64, f"layers.{i}", 1),
    "seeds": lambda make, i: ones(make(seed=i), 64, "fc", 1),
    "large seeds": lambda make, i: ones(make(seed=2**62 + i), 64, "fc", 1),
    "widths": lambda make, i: ones(make(seed=0), 64 + i, "fc", 1)[:64],
}


@pytest.mark.parametrize("way", WAYS)
@every_independent_family
def test_contexts_of_different_tasks_layers_seeds_and_widths_are_uncorrelated(make: Make, way: str) -> None:
    # For every family alike, <C 1, C' 1> / M has mean zero and the variance 1 / M.
    count = 24
    vectors = torch.stack([WAYS[way](make, i) for i in range(count)])
    i, j = torch.triu_indices(count, count, 1)
    overlap = (vectors @ vectors.mH)[i, j] / 8  # times sqrt(M) / M
    assert overlap.abs().max() <= 5
    assert overlap.mean().abs() <= 5 * overlap.std() / len(i) ** 0.5
    square = overlap.abs().square()
    if way != "widths":  # where only a part of the vectors is seen
        assert (square.mean() - 1).abs() <= 5 * square.std() / len(i) ** 0.5
    assert vectors.mean().abs() <= 5 / vectors.numel() ** 0.5


@pytest.mark.parametrize("way", ["tasks", "layers", "seeds"])
def test_orders_of_different_signed_permutations_are_independent(way: str) -> None:
    # Two independent uniform orders agree in one place on average, with variance one.
    matrices = torch.stack([
        {
            "tasks": lambda i: psp.SignedPermutation(seed=0).bind(64, "fc").matrix(i),
            "layers": lambda i: psp.SignedPermutation(seed=0).bind(64, f"layers.{i}").matrix(1),
            "seeds": lambda i: psp.SignedPermutation(seed=i).bind(64, "fc").matrix(1),
        }[way](i)
        for i in range(40)
    ]).flatten(1)  # fmt: skip
    i, j = torch.triu_indices(40, 40, 1)
    agreeing = (matrices.abs() @ matrices.abs().T)[i, j]
    assert (agreeing.mean() - 1).abs() <= 5 / len(i) ** 0.5
    assert agreeing.max() <= 10  # the chance of more is below 1e-7 a pair


@pytest.mark.parametrize("way", ["tasks", "layers", "seeds"])
def test_signs_of_wide_contexts_are_uncorrelated_and_fair(way: str) -> None:
    width, count = 4096, 60
    draw = {
        "tasks": lambda i: psp.Binary(seed=0).bind(width, "fc")(torch.ones(width), i),
        "layers": lambda i: psp.Binary(seed=0).bind(width, f"{i}")(torch.ones(width), 0),
        "seeds": lambda i: psp.Binary(seed=i).bind(width, "fc")(torch.ones(width), 0),
    }[way]
    signs = torch.stack([draw(i) for i in range(count)])
    correlation = signs @ signs.T / width
    assert (correlation - torch.eye(count)).abs().max() <= 5 / width**0.5
    assert signs.mean(0).abs().max() <= 5 / count**0.5
    assert signs.mean().abs() <= 5 / signs.numel() ** 0.5
    # neighbours in one context
    assert (signs[:, 1:] * signs[:, :-1]).mean().abs() <= 5 / signs.numel() ** 0.5


def test_phases_are_uniform_on_the_circle() -> None:
    z = psp.Complex(seed=0).bind(20_000, "fc")(torch.ones(20_000, dtype=torch.complex128), 3)
    for harmonic in (1, 2, 3, 4, 8):
        moment = z.pow(harmonic).mean()
        assert moment.abs() <= 5 / 20_000**0.5


def test_signed_permutations_are_uniform() -> None:
    width, count = 6, 6000
    context = psp.SignedPermutation(seed=0).bind(width, "fc")
    eye = torch.eye(width).expand(count, width, width)
    matrices = context(eye, torch.arange(count))  # transposed, each
    where = matrices.abs()
    assert_equal(where.sum(1), torch.ones(count, width))
    p = 1 / width
    assert (where.mean(0) - p).abs().max() <= 5 * (p * (1 - p) / count) ** 0.5
    assert matrices.mean(0).abs().max() <= 5 * (p / count) ** 0.5
    # fixed points and pairs of places: a uniform permutation has one of the former, E[n (n - 1)] = 1
    fixed = where.diagonal(dim1=1, dim2=2).sum(1)
    assert (fixed.mean() - 1).abs() <= 5 * fixed.std() / count**0.5
    twice = fixed * (fixed - 1)
    assert (twice.mean() - 1).abs() <= 5 * twice.std() / count**0.5
    # signs are fair whatever the place
    signs = matrices.sum(1)
    assert (signs.mT @ signs / count - torch.eye(width)).abs().max() <= 5 / count**0.5


# OnePower is a group

exponents = st.integers(0, 2**40) | st.integers(0, 2**70)


@law
@given(a=exponents, b=exponents, seed=seeds, layer=layers, width=widths)
def test_onepower_group_law_is_exact_in_turns(a: int, b: int, seed: int, layer: str, width: int) -> None:
    family = psp.OnePower(seed=seed)
    turns = {k: family.turns(layer, width, k) for k in (a, b, a + b)}
    assert turns[a].dtype == np.uint64
    assert (turns[a] + turns[b] == turns[a + b]).all()


@law
@given(a=exponents, b=exponents, seed=seeds)
def test_onepower_group_law_holds_on_signals(a: int, b: int, seed: int) -> None:
    context = psp.OnePower(seed=seed).bind(9, "fc")
    z = signals(9, dtype=torch.complex128)
    assert_close(context(context(z, a), b), context(z, a + b), 1e-14)
    assert_close(context.inverse(context(z, a + b), b), context(z, a), 1e-14)


def test_onepower_task_0_is_the_identity_and_task_1_is_not() -> None:
    context = psp.OnePower(seed=0).bind(9, "fc")
    z = signals(9, dtype=torch.complex128)
    assert_equal(context(z, 0), z)
    assert (context(z, 1) - z).abs().max() > 0.1


def test_onepower_is_a_power_in_whole_numbers() -> None:
    turns = psp.OnePower(seed=5).turns("fc", 4, 1).tolist()
    for k in (2, 3, 1000, 10**6, 2**40, 3**40, 2**64 + 1):
        assert psp.OnePower(seed=5).turns("fc", 4, k).tolist() == [(k * turn) % 2**64 for turn in turns]


# Blocks


@law
@given(width=widths, seed=seeds, layer=layers, task=tasks)
def test_blocks_of_one_are_binary_and_a_full_block_is_a_rotation_to_the_bit(
    width: int, seed: int, layer: str, task: int
) -> None:
    def matrix(family: Family) -> Tensor:
        return family.bind(width, layer).matrix(task, torch.float64)

    assert_equal(matrix(psp.BlockRotation(seed=seed, block=1)), matrix(psp.Binary(seed=seed)))
    for block in (width, width + 1, 2**40):
        assert_equal(matrix(psp.BlockRotation(seed=seed, block=block)), matrix(psp.Rotation(seed=seed)))


@pytest.mark.parametrize(("width", "block"), [(12, 4), (14, 4), (13, 5), (7, 6)])
def test_blocks_stand_on_the_diagonal_alone_and_the_last_may_be_smaller(width: int, block: int) -> None:
    matrix = psp.BlockRotation(seed=0, block=block).bind(width).matrix(3)
    place = torch.arange(width) // block
    inside = place[:, None] == place
    assert (matrix[~inside] == 0).all()
    assert (matrix[inside] != 0).all()


# Haar


def sample(family: Family, width: int, count: int) -> Tensor:
    context = family.bind(width, "fc")
    return torch.stack([context.matrix(task, torch.float64) for task in range(count)])


def assert_mean(values: Tensor, expected: float) -> None:
    error = values.std(0) / len(values) ** 0.5
    assert ((values.mean(0) - expected).abs() <= 5 * error).all()


def test_rotations_have_the_moments_of_haar() -> None:
    width, count = 6, 5000
    q = sample(psp.Rotation(seed=0), width, count)
    assert_mean(q, 0)
    assert_mean(q.square(), 1 / width)
    w, x = signals(width), signals(width, seed=1)
    fourth = 3 * w.norm() ** 4 * x.norm() ** 4 / (width * (width + 2))
    assert_mean((q @ x @ w) ** 4, fourth)
    # products of entries that share a row, a column, neither (Collins and Sniady 2006)
    assert_mean(q[:, 0, 0] ** 2 * q[:, 0, 1] ** 2, 1 / (width * (width + 2)))
    assert_mean(q[:, 0, 0] ** 2 * q[:, 1, 1] ** 2, (width + 1) / (width * (width - 1) * (width + 2)))
    assert_mean(q[:, 0, 0] * q[:, 0, 1] * q[:, 1, 0] * q[:, 1, 1], -1 / (width * (width - 1) * (width + 2)))
    # the trace of a power is nearly normal (Diaconis and Shahshahani 1994): E tr Q = 0, E tr^2 Q = 1, E tr Q^2 = 1
    trace = q.diagonal(dim1=1, dim2=2).sum(1)
    assert_mean(trace, 0)
    assert_mean(trace**2, 1)
    assert_mean(trace**4, 3)
    assert_mean((q @ q).diagonal(dim1=1, dim2=2).sum(1), 1)
    # both components of O(M), evenly
    assert_mean(torch.linalg.det(q), 0)


def test_rotations_of_the_plane_have_uniform_angles() -> None:
    q = sample(psp.Rotation(seed=0), 2, 3000)
    first = torch.complex(q[:, 0, 0], q[:, 1, 0])
    for harmonic in (1, 2, 3, 4, 8):
        assert_mean(first.pow(harmonic).real, 0)
        assert_mean(first.pow(harmonic).imag, 0)


def test_blocks_have_the_moments_of_haar() -> None:
    q = sample(psp.BlockRotation(seed=0, block=4), 10, 3000)
    for block in (q[:, :4, :4], q[:, 4:8, 4:8], q[:, 8:, 8:]):
        trace = block.diagonal(dim1=1, dim2=2).sum(1)
        assert_mean(trace, 0)
        assert_mean(trace**2, 1)
        assert_mean((block @ block).diagonal(dim1=1, dim2=2).sum(1), 1)


def test_a_qr_decomposition_is_haar_only_with_its_signs_fixed() -> None:
    width, count = 16, 2000
    normals = np.random.default_rng(0).standard_normal((count, width, width))
    fixed = torch.from_numpy(haar(normals))
    assert_mean(fixed.diagonal(dim1=1, dim2=2), 0)
    biased = torch.linalg.qr(torch.from_numpy(normals))[0].diagonal(dim1=1, dim2=2).mean(1)
    assert biased.mean() < -20 * biased.std() / count**0.5


# Hadamard


def flat(width: int) -> Tensor:
    return flat_rotation(torch.eye(width, dtype=torch.float64))


def walsh(x: np.ndarray) -> np.ndarray:
    """The fast Walsh-Hadamard transform, the plain way."""
    x = x.copy()
    half = 1
    while half < len(x):
        x = x.reshape(-1, 2, half)
        x = np.stack([x[:, 0] + x[:, 1], x[:, 0] - x[:, 1]], 1).reshape(-1)
        half *= 2
    return x / len(x) ** 0.5


@pytest.mark.parametrize("width", [1, 2, 4, 32, 64, 128, 2048, 4096, 8192])
def test_at_powers_of_two_the_flat_rotation_is_hadamards(width: int) -> None:
    x = signals(2, width)
    expected = torch.stack([torch.from_numpy(walsh(row.numpy())) for row in x])
    assert_close(flat_rotation(x), expected)


@pytest.mark.parametrize("width", [3, 5, 97, 511, 513, 521])
def test_at_odd_widths_the_flat_rotation_is_hartleys(width: int) -> None:
    place = torch.arange(width, dtype=torch.float64)
    angle = 2 * torch.pi / width * (place[:, None] * place % width)
    assert_close(flat(width), (angle.cos() + angle.sin()) / width**0.5, 1e-11)


@pytest.mark.parametrize(("power", "odd"), [(2, 3), (4, 3), (2, 97), (16, 49), (128, 3), (2, 513)])
def test_at_other_widths_the_flat_rotation_is_their_kronecker_product(power: int, odd: int) -> None:
    assert_close(flat(power * odd), torch.kron(flat(power), flat(odd)), 1e-11)


@pytest.mark.parametrize("width", [1, 2, 3, 12, 64, 97, 100, 513, 784, 1026])
def test_the_flat_rotation_is_symmetric_and_its_own_inverse(width: int) -> None:
    h = flat(width)
    assert_close(h, h.mT, 1e-11)
    assert_close(h @ h, torch.eye(width, dtype=torch.float64), 1e-11)


@law
@given(width=widths, seed=seeds, task=tasks)
def test_hadamard_is_the_flat_rotation_between_two_sign_vectors(width: int, seed: int, task: int) -> None:
    matrix = psp.Hadamard(seed=seed).bind(width, "fc").matrix(task, torch.float64)
    bits = keys.signs(keys.words(seed, "fc", task, width, 2 * width))
    before, after = torch.from_numpy(bits[:width]), torch.from_numpy(bits[width:])
    assert_close(matrix, after[:, None] * flat(width) * before)

"""P = (I + strength A)^-1: against the inverse, in any order of tasks, and without ever losing its sign."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from psp.subspace import faded, faded_columns, leading, root, shrink, shrink_by_moment, taken_by

DTYPES = [torch.float64, torch.complex128]


def rows_of(count: int, size: int, dtype: torch.dtype, seed: int = 0, rank: int | None = None) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    if rank is None:
        return torch.randn(count, size, dtype=dtype, generator=g)
    return torch.randn(count, rank, dtype=dtype, generator=g) @ torch.randn(rank, size, dtype=dtype, generator=g)


def moment(rows: Tensor) -> Tensor:
    return rows.mT @ rows.conj()


def close(a: Tensor, b: Tensor, atol: float = 1e-10) -> bool:
    return torch.allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    size=st.integers(1, 12),
    counts=st.lists(st.integers(0, 15), min_size=1, max_size=4),
    weight=st.floats(1e-3, 1e3),
    seed=st.integers(0, 2**31),
)
def test_it_is_the_inverse_task_by_task_in_both_forms(
    dtype: torch.dtype, size: int, counts: list[int], weight: float, seed: int
) -> None:
    eye = torch.eye(size, dtype=dtype)
    by_rows = by_moments = eye
    total = torch.zeros_like(eye)
    for task, count in enumerate(counts):
        rows = rows_of(count, size, dtype, seed + task)
        total = total + moment(rows)
        by_rows, by_moments = shrink(by_rows, rows, weight), shrink_by_moment(by_moments, moment(rows), weight)
    expected = torch.linalg.inv(eye + weight * total)
    assert close(by_rows, expected, 1e-8)
    assert close(by_moments, expected, 1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["rows", "moment"])
def test_an_infinite_strength_projects_on_what_no_task_uses(dtype: torch.dtype, form: str) -> None:
    size, ranks = 20, (3, 5, 4)
    P = torch.eye(size, dtype=dtype)
    tasks = [rows_of(30, size, dtype, seed, rank) for seed, rank in enumerate(ranks)]
    for rows in tasks:
        P = shrink(P, rows, math.inf) if form == "rows" else shrink_by_moment(P, moment(rows), math.inf)
    for rows in tasks:
        assert close(P @ rows.mT, torch.zeros_like(rows.mT))
    assert close(P @ P, P)
    assert close(P, P.mH)
    assert abs(float(P.diagonal().sum().real) - (size - sum(ranks))) < 1e-9
    # The same task once more takes nothing more.
    again = shrink(P, tasks[0], math.inf) if form == "rows" else shrink_by_moment(P, moment(tasks[0]), math.inf)
    assert close(again, P)


def test_an_update_is_the_best_compromise_between_itself_and_old_outputs() -> None:
    rows, update = rows_of(6, 9, torch.float64), rows_of(4, 9, torch.float64, 1)
    passed = (update @ shrink(torch.eye(9, dtype=torch.float64), rows, 0.7)).requires_grad_()
    lost = (passed - update).square().sum() + 0.7 * (passed @ rows.T).square().sum()
    (gradient,) = torch.autograd.grad(lost, passed)
    assert close(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize("count", [4, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_it_stays_positive_definite_over_a_thousand_tasks_kept_in_single_precision(
    count: int, dtype: torch.dtype
) -> None:
    size = 24
    wide = torch.complex128 if dtype.is_complex else torch.float64
    P = torch.eye(size, dtype=dtype)
    total = torch.eye(size, dtype=wide)
    for task in range(1000):
        rows = rows_of(count, size, wide, task)
        total += moment(rows) / count
        grown = (
            shrink(P.to(wide), rows, 1 / count)
            if count < size
            else shrink_by_moment(P.to(wide), moment(rows), 1 / count)
        )
        P = grown.to(dtype)
    values = torch.linalg.eigvalsh(P.to(wide))
    assert float(values.min()) > 0
    expected = torch.linalg.inv(total)
    assert float((P.to(wide) - expected).abs().max()) < 1e-3 * float(expected.abs().max())


@pytest.mark.parametrize("dtype", DTYPES)
@given(share=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_what_fades_is_a_share_of_the_moment(dtype: torch.dtype, share: float, seed: int) -> None:
    rows = rows_of(5, 8, dtype, seed)
    eye = torch.eye(8, dtype=dtype)
    P, V = shrink(eye, rows, 0.4), taken_by(rows.mT, rows, 0.4)
    expected = torch.linalg.inv(eye + (1 - share) * 0.4 * moment(rows))
    assert close(faded(P, share), expected, 1e-8)
    columns = faded_columns(V, share)
    assert close(eye - columns @ columns.mH, expected, 1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_infinite_strength_does_not_fade_but_altogether(dtype: torch.dtype) -> None:
    P = shrink(torch.eye(8, dtype=dtype), rows_of(3, 8, dtype), math.inf)
    assert close(faded(P, 0.9), P)
    assert close(faded(P, 1.0), torch.eye(8, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_leading_columns_are_the_best_of_their_number(dtype: torch.dtype) -> None:
    V = rows_of(9, 6, dtype).mT
    found = leading(V, 4)
    values = torch.linalg.eigvalsh(V @ V.mH)
    assert found.shape == (6, 4)
    assert close(torch.linalg.matrix_norm(V @ V.mH - found @ found.mH), values[:2].square().sum().sqrt())
    assert leading(V, 9) is V


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_root_squared_is_the_matrix(dtype: torch.dtype) -> None:
    P = shrink(torch.eye(7, dtype=dtype), rows_of(5, 7, dtype), 2.0)
    assert close(root(P) @ root(P), P)
    assert close(root(P), root(P).mH)

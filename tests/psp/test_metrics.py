"""Metrics: hand-made matrices, the laws that tie them together, and bytes counted one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from torch import nn

import psp
from psp import metrics
from psp.methods import EWC, SI, Method, Replay, Supermasks
from psp.networks import MLP
from psp.streams import PermutedPixels, load
from psp.train import Measurement, Training
from tests.laws.conftest import law

NAN = math.nan
# Three tasks, measured as the loop does: all before, then those seen and the next one, all at the end.
R = np.array([[0.1, 0.2, 0.1], [0.9, 0.3, NAN], [0.7, 0.8, 0.2], [0.6, 0.85, 1.0]])

matrices = st.integers(2, 12).flatmap(lambda t: arrays(np.float64, (t + 1, t), elements=st.floats(0, 1)))


def test_a_hand_made_matrix_has_the_metrics_worked_out_by_hand() -> None:
    assert metrics.average_accuracy(R) == pytest.approx((0.6 + 0.85 + 1.0) / 3)
    assert metrics.last_ten(R) == pytest.approx((0.85 + 1.0) / 2)
    assert metrics.forgetting(R) == pytest.approx(((0.9 - 0.6) + (0.8 - 0.85)) / 2)
    assert metrics.backward_transfer(R) == pytest.approx(((0.6 - 0.9) + (0.85 - 0.8)) / 2)
    assert metrics.forward_transfer(R) == pytest.approx(((0.3 - 0.2) + (0.2 - 0.1)) / 2)


def test_the_matrix_of_a_run_is_what_the_loop_measured() -> None:
    stream = PermutedPixels(load("digits"), seed=0, tasks=3, steps=4)
    torch.manual_seed(0)
    run = Training(Method(psp.superpose(MLP(784, 8, 1, 10), psp.Binary(0))), stream, lr=1e-3, every=2, matrix=True)
    while run.step < run.steps:
        run.advance()
    matrix = metrics.accuracy_matrix(run.measured, 3, 4)
    assert np.isnan(matrix).tolist() == np.isnan(R).tolist()
    assert matrix[-1].tolist() == [m.accuracy for m in run.measured if m.step == 12]
    assert all(math.isfinite(f(matrix)) for f in (metrics.forgetting, metrics.forward_transfer))


def test_a_run_without_a_matrix_has_its_last_row_and_column() -> None:
    measured = [Measurement(2, 0, 0.5), Measurement(4, 0, 0.9), Measurement(8, 0, 0.6), Measurement(8, 1, 0.8)]
    matrix = metrics.accuracy_matrix(measured, 2, 4)
    np.testing.assert_array_equal(matrix, [[NAN, NAN], [0.9, NAN], [0.6, 0.8]])
    assert metrics.forgetting(matrix) == pytest.approx(0.3)
    assert math.isnan(metrics.forward_transfer(matrix))


@law
@given(matrices)
def test_forgetting_is_at_least_what_backward_transfer_lost(matrix: np.ndarray) -> None:
    assert metrics.forgetting(matrix) >= -metrics.backward_transfer(matrix) - 1e-12


@law
@given(matrices, st.floats(0, 1))
def test_forgetting_and_transfer_do_not_feel_a_shift_of_all_accuracies(matrix: np.ndarray, shift: float) -> None:
    for metric in (metrics.forgetting, metrics.backward_transfer, metrics.forward_transfer):
        assert metric(matrix + shift) == pytest.approx(metric(matrix), abs=1e-12)
    for metric in (metrics.average_accuracy, metrics.last_ten):
        assert metric(matrix + shift) == pytest.approx(metric(matrix) + shift)


@law
@given(st.integers(2, 12))
def test_nothing_is_forgotten_where_accuracy_never_falls(tasks: int) -> None:
    matrix = np.linspace(0, 1, tasks + 1)[:, None].repeat(tasks, 1)
    assert metrics.forgetting(matrix) < 0 < metrics.backward_transfer(matrix)


def test_what_an_untrained_network_got_right_by_chance_is_not_forgotten() -> None:
    assert metrics.forgetting(np.array([[1.0, 0.0], [0.9, 0.1], [0.5, 0.9]])) == pytest.approx(0.9 - 0.5)


def test_the_last_ten_of_fifty_are_ten() -> None:
    assert metrics.last_ten(np.arange(50.0)[None]) == 44.5
    assert metrics.last_ten(np.arange(3.0)[None]) == 1.5


def test_one_task_has_nothing_to_forget_or_transfer() -> None:
    for metric in (metrics.forgetting, metrics.backward_transfer, metrics.forward_transfer):
        assert math.isnan(metric(np.array([[0.1], [0.9]])))


def test_a_stream_that_comes_round_again_leaves_out_the_task_visited_last() -> None:
    matrix = np.array([[0.0, 0.0], [0.9, 0.1], [0.5, 0.9], [0.8, 0.6]])  # tasks 0, 1, 0
    assert metrics.forgetting(matrix) == pytest.approx(0.9 - 0.6)
    assert metrics.backward_transfer(matrix) == pytest.approx(0.6 - 0.9)


def test_an_interval_is_that_of_student() -> None:
    values = [0.91, 0.93, 0.95, 0.92, 0.90]
    mean, half = metrics.mean_interval(values)
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert metrics.mean_interval([0.5])[0] == 0.5 and math.isnan(metrics.mean_interval([0.5])[1])
    assert all(math.isnan(v) for v in metrics.mean_interval([0.5, NAN]))


def test_an_interval_holds_the_mean_19_times_of_20() -> None:
    # 2,000 intervals from 4 normal values each: standard error sqrt(0.95 x 0.05 / 2000) = 0.0049, rejected at five.
    values = np.random.default_rng(0).standard_normal((2000, 4))
    found = [metrics.mean_interval(v) for v in values]
    assert abs(np.mean([abs(mean) < half for mean, half in found]) - 0.95) < 0.025


def test_what_makes_no_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one measurement"):
        metrics.accuracy_matrix([], 2, 4)
    with pytest.raises(ValueError, match="tasks must be below 2, got a measurement of task 2"):
        metrics.accuracy_matrix([Measurement(0, 2, 0.5)], 2, 4)
    with pytest.raises(ValueError, match="at least 3 after visits, got 3"):
        metrics.forgetting(R[:-1])
    with pytest.raises(ValueError, match="at least one value"):
        metrics.mean_interval([])


def test_bytes_are_counted_one_by_one() -> None:
    net = MLP(6, 5, 1, 3)
    weights = 6 * 5 + 5 + 5 * 3 + 3
    superposed = psp.superpose(net, psp.Binary(0))
    assert metrics.kept_bytes(superposed) == 4 * weights + 8  # and the seed
    assert metrics.kept_bytes(EWC(superposed, 1.0)) == 3 * 4 * weights + 8
    assert metrics.kept_bytes(SI(superposed, 1.0)) == 4 * 4 * weights + 8
    assert metrics.kept_bytes(Supermasks(net, 10)) == 4 * (30 + 15) + 10 * (4 + 2) + 8
    complexes = psp.superpose(MLP(6, 5, 1, 3, complex=True), psp.Complex(0))
    assert metrics.kept_bytes(EWC(complexes, 1.0)) == (8 + 4 + 8) * weights + 8
    replay = Replay(superposed, 7)
    replay.loss(torch.zeros(2, 6), torch.zeros(2, dtype=torch.int64), 0, 0)
    replay.after_step()
    assert metrics.kept_bytes(replay) == 4 * weights + 8 + 7 * (6 * 4 + 8 + 8) + 8
    tied = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    tied[1].weight = tied[0].weight
    assert metrics.kept_bytes(tied) == 36

"""What a run's measurements say: accuracy, forgetting and transfer, as the field defines them, and bytes.

The matrix R has a row before any training and one after every visit of a task, and a column a task: R[i, j] is the
accuracy on task j after i visits, NaN where it was not measured. T is the number of tasks, each visited once; in a
stream that visits them again, the last row is that after the last visit, and what a task's own visit left is taken
after its first one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from psp.train import Measurement

Matrix = NDArray[np.float64]


def accuracy_matrix(measured: Sequence[Measurement], tasks: int, steps: int) -> Matrix:
    """R (visits + 1, tasks) from measurements; those in the middle of a visit are left out.

    Args:
        measured: such as ``Training(..., matrix=True).measured``.
        tasks: in the stream.
        steps: of one visit.

    Raises:
        ValueError: no measurement, or one of a task that there is not.

    Example:
        >>> accuracy_matrix([Measurement(0, 0, 0.1), Measurement(5, 0, 0.9), Measurement(7, 0, 0.8)], tasks=2, steps=5)
        array([[0.1, nan],
               [0.9, nan]])
    """
    if not measured:
        raise ValueError("a matrix needs at least one measurement, got none")
    if max(m.task for m in measured) >= tasks:
        raise ValueError(f"tasks must be below {tasks}, got a measurement of task {max(m.task for m in measured)}")
    matrix = np.full((max(m.step for m in measured) // steps + 1, tasks), math.nan)
    for m in measured:
        if m.step % steps == 0:
            matrix[m.step // steps, m.task] = m.accuracy
    return matrix


def average_accuracy(matrix: Matrix) -> float:
    """A = 1/T sum_j R[last, j] (Lopez-Paz 2017, eq. 2).

    Example:
        >>> average_accuracy(np.array([[0.5, 0.5], [1.0, 0.5], [0.5, 1.0]]))
        0.75
    """
    return float(matrix[-1].mean())


def last_ten(matrix: Matrix) -> float:
    """The mean of R[last] over the last ten tasks (Cheung 2019, Fig. 3), or over the last half if that is fewer.

    Example:
        >>> last_ten(np.array([[0.0, 0.25, 0.5, 1.0]]))
        0.75
    """
    return float(matrix[-1, -last_tasks(matrix.shape[1]) :].mean())


def last_tasks(tasks: int) -> int:
    """How many of so many tasks are the last ones: ten, or half of them if that is fewer."""
    return min(10, -(-tasks // 2))


def forgetting(matrix: Matrix) -> float:
    """F = 1/(T-1) sum_j max_i R[i, j] - R[last, j], over all tasks but the last visited (Chaudhry 2018, sec. 3).

    i runs over the measured rows after at least one visit and before the last. NaN with one task.

    Example:
        >>> forgetting(np.array([[0.5, 0.5], [1.0, 0.5], [0.75, 1.0]]))
        0.25
    """
    earlier = _earlier(matrix)
    best = [_max(matrix[1:-1, task]) for task in earlier]
    return _mean(best - matrix[-1, earlier])


def backward_transfer(matrix: Matrix) -> float:
    """BWT = 1/(T-1) sum_j R[last, j] - R[j + 1, j], over all tasks but the last visited (Lopez-Paz 2017, eq. 3).

    Row j + 1 is that after the visit of task j. NaN with one task.

    Example:
        >>> backward_transfer(np.array([[0.5, 0.5], [1.0, 0.5], [0.75, 1.0]]))
        -0.25
    """
    earlier = _earlier(matrix)
    return _mean(matrix[-1, earlier] - matrix[[task + 1 for task in earlier], earlier])


def forward_transfer(matrix: Matrix) -> float:
    """FWT = 1/(T-1) sum_(j>0) R[j, j] - R[0, j] (Lopez-Paz 2017, eq. 4).

    Row j is that right before task j is visited first, row 0 that before any training. NaN with one task.

    Example:
        >>> forward_transfer(np.array([[0.5, 0.5], [1.0, 0.75], [0.75, 1.0]]))
        0.25
    """
    later = list(range(1, matrix.shape[1]))
    return _mean(matrix[later, later] - matrix[0, later])


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean over seeds and half the width of its 95 % interval, t_0.975(n-1) s / sqrt(n), by Student's t.

    The half width is NaN for one seed. A NaN among the values makes both NaN.

    Raises:
        ValueError: no value.

    Example:
        >>> mean, half = mean_interval([0.5, 0.75])
        >>> mean, round(half, 3)
        (0.625, 1.588)
    """
    n = len(values)
    if n == 0:
        raise ValueError("an interval needs at least one value, got none")
    mean = float(np.mean(values))
    if n == 1:
        return mean, math.nan
    return mean, float(stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n))


def kept_bytes(method: nn.Module) -> int:
    """The bytes of all that a method, or a network, keeps: its ``state_dict``, whatever is tied counted once.

    That holds weights, Fisher information and paths, replayed samples, packed masks; contexts, gates and fixed random
    weights are pure functions of their seed and take none. The optimiser's state is not counted.

    Example:
        >>> kept_bytes(nn.Linear(3, 2))
        32
    """
    return sum({(t.data_ptr(), t.nbytes): t.nbytes for t in method.state_dict().values()}.values())


def _earlier(matrix: Matrix) -> list[int]:
    """All tasks but the last visited."""
    visits, tasks = len(matrix) - 1, matrix.shape[1]
    if visits < tasks:
        raise ValueError(
            f"a matrix of {tasks} tasks has a row before training and at least {tasks} after visits, got {len(matrix)}"
        )
    return [task for task in range(tasks) if task != (visits - 1) % tasks]


def _max(column: Matrix) -> float:
    """The largest of what was measured."""
    found = column[~np.isnan(column)]
    return float(found.max()) if len(found) else math.nan


def _mean(differences: Matrix) -> float:
    return float(differences.mean()) if len(differences) else math.nan

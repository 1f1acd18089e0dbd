"""Each layer in each library, forward plus backward: pytest --benchmark-only tests/benchmarks"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.benchmarks.layers import DOUBLED, REAL, layers, prepare
from tests.benchmarks.rows import PEERS, ROWS, Row

PAIRS = [(row, library) for row in ROWS for library in layers(row) if library != DOUBLED]


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.filterwarnings("ignore")  # the peers' own
@pytest.mark.parametrize(("row", "library"), PAIRS, ids=[f"{row.name}-{library}" for row, library in PAIRS])
def test_forward_and_backward(row: Row, library: str, benchmark, one_thread) -> None:
    if library in PEERS:
        pytest.importorskip(library)
    step, figure = prepare(row, library, layers(row)[library])
    if step is None:
        assert library in PEERS, figure.failure
        pytest.skip(figure.failure)
    benchmark.group = row.name
    benchmark(step)
    assert library != REAL or not figure.remarks


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_complexnn_is_right_where_it_is_timed(row: Row) -> None:
    step, figure = prepare(row, "complexnn", row.complexnn)
    assert step is not None and not figure.remarks, figure

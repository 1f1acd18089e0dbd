"""The examples run, and say what they promise."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def one_thread_and_generator() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)


def test_the_tour_runs_and_its_figures_hold(capsys):
    runpy.run_path(str(EXAMPLES / "tour.py"), run_name="__main__")
    shape, moments, error = capsys.readouterr().out.splitlines()
    assert shape == "torch.Size([16, 8, 4, 4]) torch.complex64"
    assert moments == "power 1.00, pseudo-power 0.00"
    assert float(re.search(r"\S+$", error)[0]) < 1e-2


def test_the_tour_is_short():
    assert len((EXAMPLES / "tour.py").read_text().splitlines()) <= 40


def test_the_fourier_cnn_learns_in_a_few_epochs(capsys):
    main = runpy.run_path(str(EXAMPLES / "fourier_cnn.py"))["main"]
    assert main(["--epochs", "2"]) > 0.75
    assert "held-out digits" in capsys.readouterr().out

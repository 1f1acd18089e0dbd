"""The examples run, and say what they promise."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_tour_runs_and_its_figures_hold(capsys):
    with torch.random.fork_rng(devices=[]):
        runpy.run_path(str(EXAMPLES / "tour.py"), run_name="__main__")
    shape, moments, error = capsys.readouterr().out.splitlines()
    assert shape == "torch.Size([16, 8, 4, 4]) torch.complex64"
    assert moments == "power 1.00, pseudo-power 0.00"
    assert float(re.search(r"\S+$", error)[0]) < 1e-2


def test_the_tour_is_short():
    assert len((EXAMPLES / "tour.py").read_text().splitlines()) <= 40


def test_the_fourier_cnn_learns_in_a_few_epochs(capsys):
    main = runpy.run_path(str(EXAMPLES / "fourier_cnn.py"))["main"]
    with torch.random.fork_rng(devices=[]):
        assert main(["--epochs", "2"]) > 0.75
    assert "held-out digits" in capsys.readouterr().out

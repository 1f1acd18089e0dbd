"""The record in docs/record: every run in it is one of today's, and docs/results.md says what it found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from psp.config import Config
from psp.experiments import base
from psp.experiments.fig4 import last_turn
from psp.reproduce import TRAINED, planned
from psp.run import Result, finished, run

DOCS = Path(__file__).parents[2] / "docs"
RECORD = DOCS / "record"
FOLDERS = sorted((RECORD / TRAINED).iterdir())


def read(folder: Path) -> Result:
    assert finished(folder)  # or it would be trained
    return run(Config(**json.loads((folder / "config.json").read_text())["run"]), folder, resume=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_record_is_whole_and_of_the_run_that_its_name_says(folder: Path) -> None:
    result = read(folder)
    assert {path.name for path in folder.iterdir()} >= {"config.json", "metrics.csv", "result.json"}
    assert folder.name == base.folder(result.config)
    assert len(result.final()) == min(result.config.tasks, 100)
    assert [step for step, _ in result.curve()] == list(
        range(result.config.every, result.config.total + 1, result.config.every)
    )
    assert all(0 <= m.accuracy <= 1 for m in result.measured)


def test_figure_5_right_is_told_as_recorded() -> None:
    said = (DOCS / "results.md").read_text().split("### Figure 5, right")[1].split("\n### ")[0]
    for label, configs in planned("fig5-right", False, 3, RECORD).items():
        results = [read(folder) for folder in configs]
        low, high = (base.percent(of(last_turn(result)) for result in results) for of in (min, max))
        in_all = base.percent(result.summary()["all"] for result in results)
        (row,) = [line for line in said.splitlines() if line.startswith(f"| {label} |")]
        assert f"| {low} to {high} | {in_all} |" in row

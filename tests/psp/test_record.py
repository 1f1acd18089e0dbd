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


def row(section: str, label: str) -> str:
    said = (DOCS / "results.md").read_text().split(f"### {section}")[1].split("\n### ")[0]
    (line,) = [line for line in said.splitlines() if line.startswith(f"| {label} |")]
    return line


@pytest.mark.parametrize(
    ("name", "section", "stream", "suffix", "recorded"),
    [
        ("fig5-right", "Figure 5, right", "rotating-fashion-mnist", "", 7),
        ("fig5-left", "Figure 5, left", "rotating-mnist", ", MNIST", 3),
    ],
)
def test_rotating_images_are_told_as_recorded(name: str, section: str, stream: str, suffix: str, recorded: int) -> None:
    plan = planned(name, False, 3, RECORD, {"stream": stream})
    whole = {label: configs for label, configs in plan.items() if all(map(finished, configs))}
    assert len(whole) == recorded
    for label, configs in whole.items():
        results = [read(folder) for folder in configs]
        at_0 = base.percent(result.final()[0] for result in results)
        low, high = (base.percent(of(last_turn(result)) for result in results) for of in (min, max))
        in_all = base.percent(result.summary()["all"] for result in results)
        assert f"| {at_0} | {low} to {high} | {in_all} |" in row(section, label + suffix)


def test_figure_2_is_told_as_recorded() -> None:
    told = 0
    for label, configs in planned("fig2", False, 3, RECORD).items():
        recorded = {seed: read(folder) for seed, folder in enumerate(configs) if finished(folder)}
        if recorded:
            seeds = row("Figure 2", label).split("|")[4].split(",")
            for seed, result in recorded.items():
                assert seeds[seed].strip() == base.percent([result.final()[0]])
                told += 1
    assert told == 16


def test_figure_6_with_images_of_full_size_is_told_as_recorded() -> None:
    scale = {"width": 16, "batch_size": 64, "steps": 600, "every": 200}
    recorded = {}
    for label, configs in planned("fig6", False, 3, RECORD, scale).items():
        if results := [read(folder) for folder in configs if finished(folder)]:
            found = [(base.learned(r), r.final()[0], r.final()[-1], r.summary()["all"]) for r in results]
            kind = label.split("-ResNet18, static")[0]
            assert f"| {' | '.join(map(base.percent, zip(*found, strict=True)))} |" in row("Figure 6", f"{kind}, 32x32")
            recorded[kind] = len(found)
    assert recorded == {"pspBinary": 3, "multi-head": 3, "standard": 1}

"""The paper's figures and tables: every configuration is one that can be run, and small ones are, end to end."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from psp import choice, metrics
from psp import reproduce as module
from psp.errors import UserError
from psp.experiments import EXPERIMENTS, equal_bytes, fig4, jobs, table1
from psp.experiments.base import config, curves, learned, percent
from psp.networks import MLP
from psp.report import report
from psp.reproduce import planned, reproduce
from psp.run import Result, Stopped, run
from psp.train import Measurement
from tests.psp.images import write_tree
from tests.psp.small import EXPERIMENT, SMALL


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPERIMENTS, "small", EXPERIMENT)


@pytest.mark.parametrize(
    "name", ["fig2", "fig3", "table", "fig4", "fig5-left", "fig5-right", "fig6", "table1", "equal-bytes"]
)
@pytest.mark.parametrize("quick", [True, False])
def test_every_figure_of_the_paper_has_configurations_that_can_be_run(name: str, quick: bool) -> None:
    plan = planned(name, quick, 2, Path("runs"))
    folders = [folder for configs in plan.values() for folder in configs]
    assert len(set(folders)) == len(folders)
    assert all(sorted(c.seed for c in configs.values()) == [1, 2] for configs in plan.values())
    assert bool(plan) == (name != "table1")


def test_figures_share_what_they_have_in_common() -> None:
    fig2, fig3 = (
        {folder for configs in planned(name, False, 1, Path()).values() for folder in configs}
        for name in ("fig2", "fig3")
    )
    assert len(fig2 & fig3) == 3  # identity, binary and binary protected at 256 units


@pytest.mark.parametrize("width", [1, 5, 32, 256])
def test_bytes_are_what_the_methods_keep(width: int) -> None:
    assert equal_bytes.widest(equal_bytes.network(width)) == width
    assert equal_bytes.widest(equal_bytes.network(width) - 1) == width - 1
    for label, (times, changes) in (equal_bytes.KINDS | {"protected": (0, equal_bytes.PROTECTED)}).items():
        net = choice.network(chosen := config(width=width, **changes), lambda: MLP(784, width, 2, 10))
        kept = metrics.kept_bytes(choice.method(chosen, net))
        numbers = times * equal_bytes.network(width) if times else equal_bytes.protected(width)
        assert 4 * numbers <= kept <= 4 * numbers + 100, label


@pytest.mark.parametrize("label", table1.FAMILIES)
def test_table_1_counts_as_its_formulas_do(label: str) -> None:
    _, first, more = table1.FAMILIES[label]
    assert table1.counted(label) == (table1.stated(first), table1.stated(more))


def test_a_figure_leaves_its_picture_its_numbers_and_what_they_say(tmp_path: Path) -> None:
    found = reproduce("small", quick=True, seeds=2, side_by_side=2, out=tmp_path)
    folder = tmp_path / "small"
    assert {path.name for path in folder.iterdir()} == {f"small.{kind}" for kind in ("png", "svg", "csv", "md", "json")}
    assert (folder / "small.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "small.svg").read_text()
    with open(folder / "small.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    measured = sum(len(result.measured) for results in found.values() for result in results)
    assert len(rows) == measured == 4 * (5 + 2)
    assert {(row["label"], row["seed"]) for row in rows} == {(label, s) for label in ("with", "without") for s in "12"}
    said = (folder / "small.md").read_text()
    assert "Shortened: all of it" in said
    assert percent(r.summary()["all"] for r in found["with"]) in said
    assert "±" in said
    assert json.loads((folder / "small.json").read_text())["quick"] is True


def test_runs_side_by_side_are_the_runs_one_by_one(tmp_path: Path) -> None:
    one, two = (reproduce("small", True, 2, n, tmp_path / str(n)) for n in (1, 2))
    for label in one:
        assert [r.measured for r in one[label]] == [r.measured for r in two[label]]


def test_finished_runs_are_taken_as_they_are(tmp_path: Path) -> None:
    first = reproduce("small", True, 1, 1, tmp_path)
    models = {path: path.stat().st_mtime_ns for path in tmp_path.glob("trained/*/model.safetensors")}
    again = reproduce("small", True, 1, 1, tmp_path)
    assert first == again
    assert models == {path: path.stat().st_mtime_ns for path in models}


def test_a_stopped_figure_goes_on_to_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longer = {"with": config(**SMALL | {"steps": 1500, "every": 1000})}  # long enough to be stopped in between
    monkeypatch.setitem(EXPERIMENTS, "small", dataclasses.replace(EXPERIMENT, entries=lambda quick: longer))
    whole = reproduce("small", True, 1, 1, tmp_path / "whole")
    seen: list[int] = []
    with pytest.raises(Stopped):
        reproduce("small", True, 1, 1, tmp_path / "stopped", on_progress=lambda _, step: seen.append(step),
                  asked_to_stop=lambda: bool(seen))  # fmt: skip
    with pytest.raises(UserError, match="--resume"):
        reproduce("small", True, 1, 1, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "small").exists()
    went_on = reproduce("small", True, 1, 1, tmp_path / "stopped", resume=True)
    assert {label: [r.measured for r in rs] for label, rs in whole.items()} == {
        label: [r.measured for r in rs] for label, rs in went_on.items()
    }


def test_one_failure_stops_all_and_is_told(tmp_path: Path) -> None:
    runs = {tmp_path / "a": config(**SMALL), tmp_path / "b": config(**SMALL | {"stream": "permuted-mnist"})}
    with pytest.raises(UserError, match="--data"):
        jobs.run_all(runs, 2)


def test_bad_requests_are_refused() -> None:
    with pytest.raises(UserError, match="unknown figure or table fig9: known are fig2"):
        planned("fig9", False, 1, Path())
    with pytest.raises(UserError, match="seeds must be at least 1, got 0"):
        planned("fig2", False, 0, Path())


def test_a_figure_can_be_made_at_another_scale_and_says_so(tmp_path: Path) -> None:
    changes = {"width": 6, "tasks": 3, "device": "cpu"}
    found = reproduce("small", True, 2, 2, tmp_path, changes=changes)
    assert {(r.config.width, r.config.tasks, r.config.seed) for r in found["with"]} == {(6, 3, 1), (6, 3, 2)}
    said = (tmp_path / "small" / "small.md").read_text()
    assert "Shortened: all of it. Changed: width 6 instead of 12, tasks 3 instead of 2." in said
    reproduce("small", True, 1, 1, tmp_path / "same", changes={"width": 12})
    assert "width" not in (tmp_path / "same" / "small" / "small.md").read_text()
    for field, changed in (("context", "binary"), ("seed", 5)):
        with pytest.raises(UserError, match=f"small compares runs by their {field}"):
            planned("small", True, 1, tmp_path, {field: changed})
    with pytest.raises(UserError, match="width must be at least 1, got 0"):
        planned("small", True, 1, tmp_path, {"width": 0})
    resnets = planned("small", True, 1, tmp_path, {"stream": "incremental-digits"})["with"].values()
    assert [config.size_in_words for config in resnets] == ["ResNet-18 of 12 channels"]
    with pytest.raises(UserError, match="hidden is for an mlp: incremental-digits is learned by a ResNet-18, got 3"):
        planned("small", True, 1, tmp_path, {"stream": "incremental-digits", "hidden": 3})


def test_what_was_learned_is_measured_when_the_first_visit_ends_or_soon_after(tmp_path: Path) -> None:
    (result,) = reproduce("small", True, 1, 1, tmp_path, changes={"every": 10})["with"]
    assert learned(result) == dict(result.curve())[20]
    (result,) = reproduce("small", True, 1, 1, tmp_path)["with"]
    assert learned(result) == dict(result.curve())[15]


def test_the_report_holds_everything_in_one_page(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing reproduced"):
        report(tmp_path)
    reproduce("small", True, 1, 1, tmp_path)
    reproduce("table1", True, 1, 1, tmp_path)
    page = report(tmp_path).read_text()
    assert page.count('src="data:image/png;base64,') == page.count("<img") == 2
    assert "A small one" in page
    assert "2M(N+0.5)" in page
    assert "<table>" in page
    assert "permuted-digits" in page
    assert "torch 2" in page
    assert "http" not in page


def test_a_quick_table_1_says_so_without_a_run(tmp_path: Path) -> None:
    assert reproduce("table1", True, 1, 1, tmp_path) == {}
    said = (tmp_path / "table1" / "table1.md").read_text()
    assert "All counts agree" in said


def test_curves_draw_the_mean_and_the_interval_of_the_seeds(tmp_path: Path) -> None:
    found = reproduce("small", True, 2, 2, tmp_path)
    axes = Figure().subplots()
    curves(axes, found, ["with"])
    (line,) = axes.get_lines()
    means = [50 * (a + b) for (_, a), (_, b) in zip(*(result.curve() for result in found["with"]), strict=True)]
    assert list(line.get_ydata()) == pytest.approx(means)
    assert len(axes.collections) == 1


def test_figure_5_says_which_images_turn(tmp_path: Path) -> None:
    EXPERIMENTS["fig5-left"].draw(figure := Figure(), reproduce("small", True, 1, 1, tmp_path))
    assert figure.axes[0].get_title() == "permuted-digits, at 0 degrees"


def test_the_last_turn_is_told_by_its_end_its_lowest_and_its_highest() -> None:
    of = config(**SMALL | {"tasks": 2, "steps": 10, "cycles": 2})
    at_0 = {5: 0.1, 10: 0.2, 15: 0.15, 20: 0.9, 25: 0.5, 30: 0.75, 35: 0.25, 40: 0.6}  # the last turn is from 21 on
    measured = [Measurement(step, 0, accuracy) for step, accuracy in at_0.items()] + [Measurement(40, 1, 0.0)]
    one = Result(of, measured, cost=0, weights=0, kept=0, told="task", strength=None, seconds=0.0)
    assert fig4.turns({"a": [one]}) == "a: 60.0 after the last turn, within it between 25.0 and 75.0"


def test_a_run_folder_names_what_it_holds() -> None:
    one, other = config(**SMALL), config(**SMALL | {"lr": 1e-2})
    from psp.experiments.base import folder

    assert folder(one) != folder(other)
    assert folder(one) == folder(dataclasses.replace(one))
    assert folder(one) != folder(dataclasses.replace(one, share=0.5, context="xdg")) != folder(config(context="xdg"))
    needed = {field.name for field in dataclasses.fields(one) if field.default is dataclasses.MISSING}
    assert set(one.chosen()) == needed | {"hidden"}  # of every MLP, named or not
    assert folder(config(**SMALL | {"hidden": 2})) == folder(config(**SMALL | {"hidden": None}))
    assert dataclasses.replace(one, cycles=3).chosen() == one.chosen() | {"cycles": 3}
    assert folder(one).startswith("permuted-digits-binary-fine-tuning-1x12-seed1-")
    assert module.TRAINED not in folder(one)


@pytest.mark.parametrize("label", EXPERIMENTS["fig6"].entries(True))
def test_every_network_of_figure_6_runs_and_goes_on_to_the_same_bits(label: str, tmp_path: Path) -> None:
    write_tree(tmp_path / "cifar10", [f"c{i}" for i in range(10)], each=2, size=(8, 8))
    write_tree(tmp_path / "cifar100", [f"{i}_x" for i in range(10, 20)], each=2, size=(8, 8))
    less = {"tasks": 2, "steps": 2, "batch_size": 10, "width": 4, "size": 8, "every": 1}
    small = dataclasses.replace(EXPERIMENTS["fig6"].entries(True)[label], **less)
    whole = run(small, tmp_path / "whole", tmp_path)
    assert [m.task for m in whole.measured] == [0, 0, 0, 0, 1]
    with pytest.raises(Stopped):
        run(small, tmp_path / "parts", tmp_path, on_step=lambda training: training.step == 3)
    assert run(small, tmp_path / "parts", tmp_path, resume=True) == whole

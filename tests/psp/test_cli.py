"""The commands that other tests do not start: figures, the report, TensorBoard."""

from __future__ import annotations

import csv
import json
import re
import sys
import types
from pathlib import Path
from typing import ClassVar

import pytest

from psp.cli import tensorboard
from psp.experiments import EXPERIMENTS
from tests.psp.small import EXPERIMENT
from tests.psp.test_run import FLAGS, command


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXPERIMENTS, "small", EXPERIMENT)


def test_a_figure_and_the_report_are_one_command_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "small", "--quick", "--seeds", "1", "--jobs", "2", "--out", tmp_path]
    assert command(monkeypatch, *words, "--set", "width=8", "--set", "lr=2e-3") == 0
    said = capsys.readouterr().out
    assert "Shortened: all of it. Changed: width 8 instead of 12, lr 0.002 instead of 0.001." in said
    assert f"figure: {tmp_path / 'small' / 'small'}.png" in said
    assert command(monkeypatch, "report", tmp_path) == 0
    assert capsys.readouterr().out == f"report: {tmp_path / 'report.html'}\n"
    assert "A small one" in (tmp_path / "report.html").read_text()


def test_a_protected_run_says_its_strength(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "permuted-digits", "--context", "binary", "--protect", "--tasks", 2, "--steps", 5, "--width", 8]
    assert command(monkeypatch, *words, "--out", tmp_path / "chosen") == 0
    said = re.search(r"strength of binary: ([\d.]+)", capsys.readouterr().out)
    assert said is not None
    described = json.loads((tmp_path / "chosen" / "result.json").read_text())
    assert float(said[1]) == pytest.approx(described["strength"], rel=5e-3)
    assert command(monkeypatch, *words, "--out", tmp_path / "chosen", "--resume") == 0
    assert said[0] in capsys.readouterr().out
    assert command(monkeypatch, *words, "--strength", 0.7, "--out", tmp_path / "named") == 0
    assert "strength of binary: 0.7\n" in capsys.readouterr().out


def test_a_run_with_a_matrix_says_what_tasks_do_to_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "permuted-digits", "--tasks", 2, "--steps", 20, "--width", 16, "--lr", 1e-3, "--seed", 3]
    both = ["--context", "binary", "--context", "identity"]
    assert command(monkeypatch, *words, *both, "--out", tmp_path / "plain") == 0
    assert "Forgetting" not in capsys.readouterr().out
    assert command(monkeypatch, *words, *both, "--matrix", "--out", tmp_path / "matrix") == 0
    said = capsys.readouterr().out.split("Forgetting and transfer")[1]
    rows = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.strip()}
    for context in ("binary", "identity"):
        with open(tmp_path / "matrix" / context / "metrics.csv", newline="") as file:
            found = {(int(r["step"]), int(r["task"])): 100 * float(r["accuracy"]) for r in csv.DictReader(file)}
        fell, ahead = found[20, 0] - found[40, 0], found[20, 1] - found[0, 1]
        assert rows[context] == [f"{fell:.1f}", f"{-fell:.1f}", f"{ahead:.1f}"]
    assert command(monkeypatch, *words, "--tasks", 1, *both[:2], "--matrix", "--out", tmp_path / "one") == 0
    assert re.search(r"binary +- +- +- *\n", capsys.readouterr().out)


def test_room_is_foreseen_from_the_first_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["capacity", "permuted-digits", "--width", 16, "--steps", 20, "--tasks", 3, "--tasks", 30]
    assert command(monkeypatch, *words, "--out", tmp_path / "made" / "trade.svg") == 0
    said = capsys.readouterr().out
    rows = [[float(number) for number in re.findall(r"[\d.]+", line)] for line in said.splitlines() if "│" in line]
    assert [row[0] for row in rows] == [3, 30]
    assert [len(row) for row in rows] == [2 + 2 * 3] * 2
    assert all(few < many for few, many in zip(rows[0][2::2], rows[1][2::2], strict=True))  # used
    assert "<svg" in (tmp_path / "made" / "trade.svg").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reproduce", "fig9"], "unknown figure or table fig9"),
        (["reproduce", "small", "--seeds", "0"], "seeds must be at least 1, got 0"),
        (["reproduce", "small", "--jobs", "0"], "jobs must be at least 1, got 0"),
        (["reproduce", "small", "--set", "width"], "--set expects FIELD=VALUE with a field among stream, context"),
        (["reproduce", "small", "--set", "matrix=1"], "--set expects FIELD=VALUE"),
        (["reproduce", "small", "--set", "width=wide"], "width must be a number (int), got wide"),
        (["reproduce", "small", "--set", "context=binary"], "small compares runs by their context"),
        (["capacity", "permuted-digits", "--tasks", "0"], "tasks must be at least 1, got 0"),
        (["capacity", "permuted-digits", "--context", "xdg"], "protected is for contexts of a family"),
        (["report", "nowhere"], "nowhere holds nothing reproduced"),
        (["run", "permuted-digits", "--context", "binary", "--protect", "--method", "si"], "--method must not be si"),
        (["run", "permuted-digits", "--context", "xdg", "--protect"], "protected is for contexts of a family"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


class Writer:
    """In the place of TensorBoard's."""

    written: ClassVar[list[tuple[str, float, int]]] = []
    closed: ClassVar[list[str]] = []

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.written.append((name, value, step))

    def close(self) -> None:
        self.closed.append(self.folder)


def test_every_measurement_is_logged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(tensorboard.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(Writer, "written", [])
    run = ["run", "permuted-digits", "--context", "binary", *FLAGS, "--out", tmp_path / "run", "--tensorboard"]
    assert command(monkeypatch, *run) == 0
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()[1:]
    expected = [(f"accuracy/task {t}", float(a), int(s)) for s, t, a in (row.split(",") for row in rows)]
    assert Writer.written == expected
    assert Writer.closed[-1] == str(tmp_path / "run" / "tensorboard")


def test_without_tensorboard_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tensorboard.importlib.util, "find_spec", lambda name: None)
    run = ["run", "permuted-digits", "--context", "binary", *FLAGS, "--out", tmp_path / "run", "--tensorboard"]
    assert command(monkeypatch, *run) == 2
    assert "pip install 'complexnn-psp[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()

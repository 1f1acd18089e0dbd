"""Runs from the command line: the files they leave, what they refuse, and how they go on."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from psp import files, plots
from psp.cli import main
from psp.config import Config
from psp.errors import UserError
from psp.run import Result, Stopped, build, run
from psp.train import Measurement

CONFIG = Config(
    stream="permuted-digits",
    context="binary",
    tasks=2,
    cycles=1,
    width=8,
    hidden=1,
    steps=10,
    seed=1,
    batch_size=64,
    lr=1e-3,
    every=5,
    matrix=False,
    threads=1,
    device="cpu",
)
FLAGS = [
    f"--{name}={getattr(CONFIG, name.replace('-', '_'))}"
    for name in ("tasks", "width", "hidden", "steps", "batch-size", "lr", "every", "threads")
]


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["psp", *map(str, words)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def outcome(folder: Path) -> tuple[str, dict[str, torch.Tensor]]:
    return (folder / "metrics.csv").read_text(), files.read_tensors(folder / "model.safetensors")[0]


def same(a: Path, b: Path) -> bool:
    (metrics_a, model_a), (metrics_b, model_b) = outcome(a), outcome(b)
    return metrics_a == metrics_b and all(torch.equal(model_a[n], model_b[n]) for n in model_a | model_b)


def test_a_run_leaves_its_configuration_metrics_figure_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    assert command(monkeypatch, "run", "permuted-digits", "--context", "binary", *FLAGS, "--out", out) == 0
    left = ["config.json", "figure.png", "metrics.csv", "model.safetensors", "result.json"]
    assert sorted(p.name for p in out.iterdir()) == left
    described = json.loads((out / "config.json").read_text())
    assert Config(**described["run"]) == CONFIG
    assert described["versions"]["torch"] == torch.__version__
    rows = (out / "metrics.csv").read_text().splitlines()
    assert rows[0] == "step,task,accuracy"
    assert [row.split(",")[:2] for row in rows[1:]] == [["5", "0"], ["10", "0"], ["15", "0"], ["20", "0"], ["20", "1"]]
    tensors, metadata = files.read_tensors(out / "model.safetensors")
    weights = 784 * 8 + 8 + 8 * 10 + 10
    assert metadata == {"family": "Binary(seed=1)"}
    facts = json.loads((out / "result.json").read_text())
    assert facts.pop("seconds") > 0
    assert facts == {
        "cost": 784 + 8,
        "weights": weights,
        "kept": 4 * weights + 8,
        "told": "task",
        "strength": None,
    }
    net = build(CONFIG, None, False).method.net
    net.load_state_dict(tensors)
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_several_contexts_share_a_folder_and_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "permuted-digits", "--context", "Identity", "--context", "signed-permutation", *FLAGS]
    assert command(monkeypatch, *words, "--out", tmp_path) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figure.png", "identity", "signedpermutation"]
    printed = capsys.readouterr().out
    assert "figure.png" in printed
    assert "1,584" in printed


@pytest.mark.parametrize("stream", ["permuted-digits", "rotating-digits", "labels-digits"])
@pytest.mark.parametrize("context", ["local-mix", "kernel"])
def test_a_stream_of_several_cycles_ends_after_the_last(
    context: str, stream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["run", stream, "--context", context, *FLAGS, "--tasks", "3", "--cycles", "2", "--out", tmp_path]
    assert command(monkeypatch, *words) == 0
    rows = [row.split(",")[:2] for row in (tmp_path / "metrics.csv").read_text().splitlines()]
    assert rows[-4:] == [["55", "0"], ["60", "0"], ["60", "1"], ["60", "2"]]
    assert "period=3" in files.read_tensors(tmp_path / "model.safetensors")[1]["family"]


@pytest.mark.parametrize(
    ("network", "context", "hidden", "weights"),
    [
        ("mlp", "complex", ["--hidden", "1"], 2 * (784 * 8 + 8 + 8 * 2 + 2)),
        ("mlp", "binary", [], 784 * 8 + 8 + 8 * 8 + 8 + 8 * 2 + 2),
        ("resnet18", "binary", [], 9 * (8 + 4 * 64 + 128 + 3 * 256 + 512 + 3 * 1024 + 2048 + 3 * 4096) + 2688 + 130),
    ],
)
def test_split_digits_are_learned_by_either_network(
    network: str, context: str, hidden: list[str], weights: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = [flag for flag in FLAGS if not flag.startswith("--hidden")]
    words = ["--network", network, "--context", context, *flags, *hidden, "--tasks", "5", "--steps", "2"]
    assert command(monkeypatch, "run", "incremental-digits", *words, "--out", tmp_path) == 0
    assert json.loads((tmp_path / "result.json").read_text())["weights"] == weights
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 1 + 1 + 5


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    a = run(CONFIG, tmp_path / "a")
    b = run(CONFIG, tmp_path / "b")
    c = run(Config(**vars(CONFIG) | {"seed": 2}), tmp_path / "c")
    assert same(tmp_path / "a", tmp_path / "b")
    assert a == b
    assert not same(tmp_path / "a", tmp_path / "c")
    assert c.measured != a.measured


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = run(CONFIG, tmp_path / "whole")
    for stop in (1, 9, 15):
        with pytest.raises(Stopped):
            run(CONFIG, tmp_path / "parts", resume=True, on_step=lambda t, stop=stop: t.step >= stop)  # type: ignore[misc]
        assert (tmp_path / "parts" / "checkpoint.safetensors").exists()
    assert run(CONFIG, tmp_path / "parts", resume=True) == whole
    assert same(tmp_path / "whole", tmp_path / "parts")
    assert not (tmp_path / "parts" / "checkpoint.safetensors").exists()


def test_a_finished_run_is_read_not_repeated(tmp_path: Path) -> None:
    found = run(CONFIG, tmp_path)
    before = (tmp_path / "model.safetensors").stat().st_mtime_ns
    assert run(CONFIG, tmp_path, resume=True) == found
    assert (tmp_path / "model.safetensors").stat().st_mtime_ns == before
    (tmp_path / "model.safetensors").unlink()
    assert run(CONFIG, tmp_path, resume=True) == found
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "metrics.csv", "result.json"]


def test_a_record_from_before_a_field_is_still_that_of_its_run(tmp_path: Path) -> None:
    found = run(CONFIG, tmp_path)
    described = json.loads((tmp_path / "config.json").read_text())
    assert described["run"].pop("norm") == "static"
    (tmp_path / "config.json").write_text(json.dumps(described))
    assert run(CONFIG, tmp_path, resume=True) == found
    described["run"]["norm"] = "per-task"
    (tmp_path / "config.json").write_text(json.dumps(described))
    with pytest.raises(UserError, match="norm is per-task there, static here"):
        run(CONFIG, tmp_path, resume=True)


CHILD = """
import psp.run
from psp.cli import main
psp.run._SAVE_EVERY = 0.02
main()
"""


def start(out: Path, *more: str) -> subprocess.Popen[str]:
    # Long enough that a kill falls somewhere inside: before, in or after a checkpoint.
    words = ["run", "permuted-digits", "--context", "complex", *FLAGS, "--steps", "150", "--out", str(out), *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *words],
        env=environment,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


def finish(child: subprocess.Popen[str]) -> None:
    _, said = child.communicate(timeout=120)
    assert child.returncode == 0, said


def wait_for(path: Path, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    finish(start(tmp_path / "whole"))
    chance = random.Random(0)
    killed = 0
    for _ in range(3):
        child = start(tmp_path / "killed", "--resume")
        wait_for(tmp_path / "killed" / "config.json", child)
        time.sleep(chance.uniform(0.0, 0.5))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        killed += child.returncode == -signal.SIGKILL
    assert killed > 0
    finish(start(tmp_path / "killed", "--resume"))
    assert same(tmp_path / "whole", tmp_path / "killed")


def test_ctrl_c_stops_between_two_steps_and_says_how_to_go_on(tmp_path: Path) -> None:
    child = start(tmp_path / "run", "--steps", "100000")
    wait_for(tmp_path / "run" / "checkpoint.safetensors", child)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert said == "psp: stopped; the same command with --resume goes on\n"
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["permuted-digits", "--context", "trinary"], "unknown context trinary"),
        (["rotated-digits", "--context", "binary"], "unknown stream rotated-digits"),
        (["permuted-imagine", "--context", "binary", "--data", "."], "unknown dataset imagine"),
        (["permuted-mnist", "--context", "binary"], "--data"),
        (["permuted-mnist", "--context", "binary", "--data", "no/where"], "cannot read MNIST from no/where"),
        (["permuted-digits", "--context", "binary", "--tasks", "0"], "tasks must be at least 1, got 0"),
        (["incremental-cifar", "--context", "complex"], "learned by a real ResNet: context complex needs a complex"),
        (["incremental-digits", "--context", "binary"], "the 10 classes of digits cannot be split into 50 tasks"),
        (["permuted-digits", "--context", "binary", "--network", "resnet18"], "resnet18 is for images with a shape"),
        (
            ["permuted-digits", "--context", "binary", "--network", "vgg"],
            "unknown network vgg: known are mlp, resnet18",
        ),
        (["permuted-digits", "--context", "binary", "--norm", "per-task"], "norm per-task is for networks with norms"),
        (["permuted-digits", "--context", "binary", "--norm", "none"], "unknown norm none: known are static, per-task"),
        (["permuted-digits", "--context", "binary", "--size", "0"], "size must be at least 1, got 0"),
        (["permuted-digits", "--context", "binary", "--cycles", "0"], "cycles must be at least 1, got 0"),
        (["permuted-digits", "--context", "binary", "--tasks", "-3"], "tasks must be at least 1, got -3"),
        (["permuted-digits", "--context", "binary", "--seed", "-1"], "seed must be a whole number from 0"),
        (["permuted-digits", "--context", "binary", "--lr", "0"], "lr must be above 0"),
        (["permuted-digits", "--context", "binary", "--hidden", "-1"], "hidden must be at least 0"),
        (["incremental-digits", "--context", "xdg", "--hidden", "2"], "hidden is for an mlp"),
        (["permuted-digits", "--context", "binary", "--device", "nowhere"], "device nowhere cannot be used"),
        (["permuted-digits", "--context", "binary", "--context", "Binary"], "named twice"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_sentence(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, "run", *words, "--out", tmp_path / "out") == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    run(CONFIG, tmp_path / "run")
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}
    other = Config(**vars(CONFIG) | {"tasks": 3, "seed": 5})
    with pytest.raises(UserError, match=r"holds another run \(tasks is 2 there, 3 here; seed is 1 there, 5 here\)"):
        run(other, tmp_path / "run", resume=True)
    with pytest.raises(UserError, match="--resume goes on with it"):
        run(CONFIG, tmp_path / "run")
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("mine")
    with pytest.raises(UserError, match=r"no run folder, it holds diary.txt"):
        run(CONFIG, tmp_path / "notes", resume=True)
    (tmp_path / "notes" / "diary.txt").rename(tmp_path / "notes" / "config.json")
    with pytest.raises(UserError, match="not the description of a run"):
        run(CONFIG, tmp_path / "notes", resume=True)
    assert (tmp_path / "notes" / "config.json").read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="holds a file"):
        run(CONFIG, tmp_path / "file")


def test_the_summary_is_the_first_the_last_and_all_tasks() -> None:
    accuracy = [0.5, 0.25, 0.75, 1.0]
    measured = [Measurement(10, 0, 0.9), *(Measurement(40, task, a) for task, a in enumerate(accuracy))]
    result = Result(Config(**vars(CONFIG) | {"tasks": 4}), measured, 1, 1, 1, "task", None, 1.0)
    assert result.summary() == {"first": 0.5, "last": 0.875, "all": 0.625}
    assert result.curve() == [(10, 0.9), (40, 0.5)]


def test_the_last_ten_of_fifty_are_ten() -> None:
    measured = [Measurement(500, task, float(task >= 40)) for task in range(50)]
    result = Result(Config(**vars(CONFIG) | {"tasks": 50}), measured, 1, 1, 1, "task", None, 1.0)
    assert result.summary()["last"] == 1.0


def test_a_figure_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(CONFIG, tmp_path / "run")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        plots.remembered([result], tmp_path / "figure.png")
    assert not (tmp_path / "figure.png").exists()


def test_the_figure_of_a_run_names_its_network_and_places_every_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "save", lambda figure, path: drawn.append(figure))
    many = dataclasses.replace(CONFIG, tasks=150, steps=1)  # every other one is measured in the end
    split = dataclasses.replace(CONFIG, stream="incremental-digits", tasks=5, steps=1, size=4, hidden=None)
    for config, network, places in (
        (many, "1 x 8 units", list(range(1, 151, 2))),
        (split, "ResNet-18 of 8 channels", [1, 2, 3, 4, 5]),
    ):
        result = run(config, tmp_path / config.stream)
        plots.remembered([result], tmp_path / "figure.png")
        assert network in drawn[-1].get_suptitle()
        (line,) = drawn[-1].axes[1].get_lines()
        assert list(line.get_xdata()) == places
        assert list(line.get_ydata()) == [100 * accuracy for accuracy in result.final()]

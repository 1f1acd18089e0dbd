"""Methods in the online loop: they go on from a file to the same bits, and do what they are for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from psp import Binary, metrics, protect, superpose
from psp.choice import APART, FAMILIES, METHODS, SHARES, STRENGTHS, TOLD
from psp.config import Config
from psp.errors import UserError
from psp.methods import Protected
from psp.run import build, run
from psp.streams import load
from psp.train import Training
from psp.tune import Tuned, held_out, tune
from tests.psp.test_run import CONFIG, command

PAIRS = [
    *[(context, method) for method in METHODS for context in ("identity", "complex")],
    *[(context, method) for method in METHODS for context in ("multihead", "xdg") if method != "protected"],
    *[(context, "fine-tuning") for context in APART],
]


def config(context: str, method: str = "fine-tuning", **options: object) -> Config:
    strength = 10.0 if method in STRENGTHS else None
    changes = {"context": context, "method": method, "strength": strength} | options
    return dataclasses.replace(CONFIG, **changes)  # type: ignore[arg-type]


def finished(training: Training, stop: int | None = None) -> Training:
    while training.step < (training.steps if stop is None else stop):
        training.advance()
    return training


@pytest.mark.parametrize(("context", "method"), PAIRS)
@pytest.mark.parametrize("stop", [8, 13, 20])
def test_a_run_that_goes_on_from_a_file_ends_in_the_same_bits(
    context: str, method: str, stop: int, tmp_path: Path
) -> None:
    same_in_parts(config(context, method, tasks=3), stop, tmp_path)


@pytest.mark.parametrize("stop", [8, 25, 38])
def test_protection_goes_on_where_tasks_come_again_and_chooses_its_strength(stop: int, tmp_path: Path) -> None:
    parts = same_in_parts(config("binary", "protected", strength=None, tasks=2, cycles=2), stop, tmp_path)
    assert parts.method.protection.tasks.tolist() == [0, 1]
    assert 0.001 < parts.method.protection.strength < 10


def same_in_parts(chosen: Config, stop: int, tmp_path: Path) -> Training:
    whole = finished(build(chosen, None, False))
    finished(build(chosen, None, False), stop).save(tmp_path / "checkpoint")
    parts = build(chosen, None, False)
    parts.restore(tmp_path / "checkpoint")
    finished(parts)
    assert parts.measured == whole.measured
    a, b = parts.method.state_dict(), whole.method.state_dict()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    return parts


# Too few units for eight tasks, so that fine-tuning forgets: 0.28 of an accuracy of 0.95.
SMALL = {"tasks": 8, "width": 16, "hidden": 2, "steps": 100, "lr": 3e-3, "every": 1000, "matrix": True, "seed": 3}


def matrix(context: str, method: str = "fine-tuning", **options: object) -> metrics.Matrix:
    training = finished(build(config(context, method, **SMALL | options), None, False))
    return metrics.accuracy_matrix(training.measured, 8, 100)


@pytest.fixture(scope="module")
def forgetful() -> metrics.Matrix:
    return matrix("identity")


@pytest.mark.parametrize(
    ("method", "strength"),
    [("ewc", 1.0), ("online-ewc", 1.0), ("si", 1.0), ("replay", None), ("joint", None), ("protected", 1.0)],
)
def test_methods_forget_less_than_fine_tuning(method: str, strength: float | None, forgetful: metrics.Matrix) -> None:
    found = matrix("identity", method, strength=strength)
    assert metrics.forgetting(found) < metrics.forgetting(forgetful) - 0.1
    assert metrics.average_accuracy(found) > metrics.average_accuracy(forgetful) + 0.05


@pytest.mark.parametrize("context", TOLD)
def test_networks_that_are_told_the_task_forget_less(context: str, forgetful: metrics.Matrix) -> None:
    found = matrix(context, width=64 if context == "xdg" else 16)  # of 64 units 13 are on
    if context in APART:
        assert metrics.forgetting(found) == 0
    else:
        assert metrics.forgetting(found) < metrics.forgetting(forgetful) - 0.05
    if context in ("separate", "multihead"):
        assert metrics.average_accuracy(found) > metrics.average_accuracy(forgetful) + 0.05


def test_protection_observes_so_many_of_the_last_inputs() -> None:
    net = superpose(nn.Linear(6, 2), Binary(0))
    method = Protected(net, strength=1.0, samples=25)
    batches = [(torch.randn(10, 6), torch.zeros(10)) for _ in range(5)]
    method.finish(0, iter(batches))
    expected = protect(net, strength=1.0)
    expected.observe([x for x, _ in batches[:3]], 0)
    assert method.protection.used == expected.used


def test_gates_and_ewc_go_together() -> None:
    gated, both = matrix("xdg", width=64), matrix("xdg", "ewc", width=64, strength=1.0)
    assert metrics.forgetting(both) < metrics.forgetting(gated) - 0.02


@pytest.mark.parametrize(("context", "method"), [("separate", "fine-tuning"), ("identity", "replay"), ("xdg", "si")])
def test_a_result_says_what_was_kept_and_told(context: str, method: str, tmp_path: Path) -> None:
    chosen = config(context, method)
    result = run(chosen, tmp_path)
    assert run(chosen, tmp_path, resume=True) == result
    assert result.cost == (result.weights // chosen.tasks if context == "separate" else 0)
    assert result.kept == metrics.kept_bytes(finished(build(chosen, None, False)).method)
    assert result.kept > 4 * result.weights - 1
    assert result.told == ("nothing" if context == "identity" else "task")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"context": "xgd"}, "unknown context xgd"),
        ({"method": "ewx"}, "unknown method ewx"),
        ({"context": "supsup", "method": "replay"}, "supsup keeps its tasks apart by itself"),
        ({"context": "separate", "method": "joint"}, "separate keeps its tasks apart by itself"),
        ({"method": "ewc"}, "method ewc needs a strength"),
        ({"context": "xdg", "method": "protected", "strength": 1.0}, "protected is for contexts of a family"),
        ({"method": "protected", "strength": 0.0}, r"strength of protected must be above 0, got 0\.0"),
        ({"strength": 1.0}, "method fine-tuning has no strength"),
        ({"method": "si", "strength": -1.0}, r"strength must be a number from 0, got -1\.0"),
        ({"share": 0.5}, "context binary has no share"),
        ({"context": "xdg", "share": 1.5}, r"share must be above 0 and below 1, got 1\.5"),
        ({"context": "xdg", "hidden": 0}, "xdg gates hidden layers"),
    ],
)
def test_a_choice_without_sense_is_refused(choice: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        dataclasses.replace(CONFIG, **choice)


def test_every_choice_with_sense_can_be_built() -> None:
    for context in (*FAMILIES, *TOLD):
        for method in METHODS:
            apart, unprotected = context in APART, context in TOLD and method == "protected"
            if not unprotected and (not apart or method == "fine-tuning"):
                built = build(config(context, method), None, False)
                built.advance()
    for share, expected in (
        (0.3, {"xdg": 0.3, "supsup": 0.3, "kernel": 0.9}),
        (None, SHARES | {"kernel": 3 * SHARES["kernel"]}),
    ):
        nets = {name: build(config(name, share=share, tasks=3), None, False).method.net for name in SHARES}
        of = {name: net.family.bandwidth if name == "kernel" else net.share for name, net in nets.items()}
        assert of == pytest.approx(expected)


def test_tuning_takes_the_best_strength_on_images_that_are_not_the_test_ones() -> None:
    images = load("digits")
    part = held_out(images, 5)
    assert len(part.test) == 1437 // 6 and len(part.train) + len(part.test) == 1437
    rows = torch.cat([part.train, part.test]).flatten(1)
    assert torch.equal(rows.unique(dim=0), images.train.flatten(1).unique(dim=0))
    short = config("identity", "ewc", **SMALL | {"tasks": 3, "width": 8})
    seen: list[tuple[float, float]] = []
    found = tune(short, [0.0, 1.0, 1e9], on_value=lambda s, a: seen.append((s, a)))
    assert found == tune(short, [0.0, 1.0, 1e9])
    assert list(found.accuracy.items()) == seen
    assert found.steps == 3 * 3 * 100
    assert found.best == 1.0
    assert Tuned({3.0: 0.5, 1.0: 0.5, 2.0: 0.4}, 1).best == 1.0
    with pytest.raises(UserError, match="at least one strength"):
        tune(short, [])
    with pytest.raises(UserError, match="strength must be a number from 0"):
        tune(short, [1.0, -1.0])


def test_tuning_takes_the_mean_of_what_is_measured_in_the_end() -> None:
    tried = config("xdg", tasks=150, steps=1, cycles=2, width=8)  # of 150 tasks, every other one
    found = tune(tried, [0.2, 0.7], "share")
    assert found.steps == 2 * 300
    for share, accuracy in found.accuracy.items():
        training = build(
            dataclasses.replace(tried, share=share), None, False, lambda images: held_out(images, tried.seed)
        )
        while training.step < training.steps:
            training.advance()
        accuracies = [training.measure(task).accuracy for task in range(0, 150, 2)]
        assert accuracy == pytest.approx(sum(accuracies) / 75)


def test_tuning_does_not_see_the_test_images(monkeypatch: pytest.MonkeyPatch) -> None:
    short = config("identity", "si", tasks=2)
    found = tune(short, [0.0, 1.0])
    images = load("digits")
    ruined = dataclasses.replace(images, test=images.test * 0, test_labels=images.test_labels * 0)
    monkeypatch.setattr("psp.streams.named.load", lambda *_: ruined)
    assert tune(short, [0.0, 1.0]) == found


def test_the_tune_command_names_the_best(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["permuted-digits", "--method", "si", "--strength", "0", "--strength", "2"]
    flags = ["--tasks=2", "--width=8", "--hidden=1", "--steps=5", "--threads=1"]
    assert command(monkeypatch, "tune", *words, *flags) == 0
    printed = capsys.readouterr().out
    assert "strength 2: " in printed and "best: " in printed and "(2 runs, 20 steps in all)" in printed
    assert command(monkeypatch, "tune", "permuted-digits", "--method", "replay", "--strength", "2") == 2
    kernels = ["rotating-digits", "--context", "kernel", "--share", "0.1", "--share", "0.3", "--cycles=2"]
    assert command(monkeypatch, "tune", *kernels, *flags) == 0
    printed = capsys.readouterr().out
    assert "share 0.3: " in printed and "(2 runs, 40 steps in all)" in printed
    for words, said in (([], "got none"), ([*kernels[3:-1], "--strength=1", "--strength=2"], "not of both")):
        assert command(monkeypatch, "tune", "rotating-digits", *words) == 2
        assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("words", [["--network=mlp"], ["--network=resnet18", "--norm=per-task"]])
def test_a_strength_is_tuned_for_the_network_that_is_asked_for(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of = {"network": words[0].split("=")[1], "norm": "per-task" if words[1:] else "static", "hidden": None, "size": 8}
    tried = config("identity", "si", **of, stream="incremental-digits", tasks=2, width=4, steps=3)
    expected = tune(tried, [1.0])
    flags = ["--strength=1", "--size=8", "--tasks=2", "--width=4", "--steps=3", "--threads=1", "--seed=1"]
    others = ["--lr=1e-3", "--batch-size=64"]
    assert command(monkeypatch, "tune", "incremental-digits", "--method=si", *words, *flags, *others) == 0
    assert f"strength 1: {100 * expected.accuracy[1.0]:.2f} %" in capsys.readouterr().out

"""The online loop: it learns, measures what it says, and goes on from a file to the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import psp
from psp import train as module
from psp.contexts import Family
from psp.methods import Method
from psp.networks import MLP
from psp.streams import PermutedPixels, load
from psp.train import Training


def training(family: Family, tasks: int = 2, steps: int = 12, **options: object) -> Training:
    stream = PermutedPixels(load("digits"), seed=0, tasks=tasks, steps=steps)
    torch.manual_seed(0)
    network = MLP(*stream.shape, 16, 1, stream.classes, complex=family.needs_complex)
    method = Method(psp.superpose(network, family))
    return Training(method, stream, **{"lr": 1e-3, "every": 5} | options)  # type: ignore[arg-type]


def finish(run: Training) -> Training:
    while run.step < run.steps:
        run.advance()
    return run


@pytest.mark.parametrize("family", [psp.Binary(0), psp.Complex(0)])
def test_a_network_learns_its_tasks(family: Family) -> None:
    run = finish(training(family, steps=60))
    assert [m.task for m in run.measured[-2:]] == [0, 1]
    assert all(m.accuracy > 0.7 for m in run.measured[-2:])


def test_the_first_task_is_measured_every_few_steps_and_all_tasks_at_the_end() -> None:
    run = finish(training(psp.Binary(0)))
    assert [(m.step, m.task) for m in run.measured] == [(5, 0), (10, 0), (15, 0), (20, 0), (24, 0), (24, 1)]


def test_the_matrix_holds_every_task_before_the_first_and_after_each() -> None:
    run = finish(training(psp.Binary(0), matrix=True, every=1000))
    assert [(m.step, m.task) for m in run.measured] == [(0, 0), (0, 1), (12, 0), (12, 1), (24, 0), (24, 1)]


def test_of_many_tasks_a_hundred_are_measured_at_the_end() -> None:
    run = finish(training(psp.Binary(0), tasks=250, steps=1, every=1000))
    assert [(m.step, m.task) for m in run.measured] == [(250, task) for task in range(0, 250, 3)]


def test_accuracy_is_the_share_of_right_answers() -> None:
    run = training(psp.Binary(0))
    x, y = run.stream.test(1)
    with torch.no_grad():
        right = [
            int(run.method.net(image[None], task=1).argmax()) == int(label) for image, label in zip(x, y, strict=True)
        ]
    assert run.measure(1).accuracy == sum(right) / len(right)


def test_measuring_changes_nothing() -> None:
    often, seldom = finish(training(psp.Binary(0), every=1)), finish(training(psp.Binary(0), every=1000))
    assert all(
        torch.equal(a, b) for a, b in zip(often.method.net.parameters(), seldom.method.net.parameters(), strict=True)
    )


def test_training_follows_rmsprop_on_the_network_under_its_context() -> None:
    run = training(psp.Binary(0), lr=1e-2)
    weight = run.method.net.network.get_parameter("layers.0.weight")
    before = weight.detach().clone()
    x, y, task = run.stream.batch(0)
    torch.nn.functional.cross_entropy(run.method.net(x, task=task), y).backward()
    assert weight.grad is not None
    square = 0.01 * weight.grad**2
    expected = before - 1e-2 * weight.grad / (square.sqrt() + 1e-8)
    run.advance()
    assert torch.allclose(weight, expected, atol=1e-6)


@pytest.mark.parametrize("family", [psp.Binary(0), psp.Complex(0), psp.Rotation(0)])
@pytest.mark.parametrize("stop", [1, 13, 24])
def test_a_run_that_goes_on_from_a_file_ends_in_the_same_bits(family: Family, stop: int, tmp_path: Path) -> None:
    whole = finish(training(family))
    first = training(family)
    while first.step < stop:
        first.advance()
    first.save(tmp_path / "checkpoint.safetensors")
    second = training(family)
    second.restore(tmp_path / "checkpoint.safetensors")
    finish(second)
    assert second.measured == whole.measured
    for a, b in zip(whole.method.net.parameters(), second.method.net.parameters(), strict=True):
        assert torch.equal(a, b)


def test_sets_that_are_sorted_by_class_are_measured_in_mixed_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TOGETHER", 7)
    run = training(psp.Binary(0))
    x, y = run.stream.test(0)
    order = y.argsort()
    monkeypatch.setattr(run.stream, "test", lambda task: (x[order], y[order]))
    passes: list[torch.Tensor] = []
    monkeypatch.setattr(run.method, "forward", lambda part, task: passes.append(part) or one_hot(part))
    labels = {tuple(image.tolist()): int(label) for image, label in zip(x, y, strict=True)}

    def one_hot(part: torch.Tensor) -> torch.Tensor:
        return torch.eye(10)[[labels[tuple(image.tolist())] for image in part]]

    assert run.measure(0).accuracy == 1
    assert sum(map(len, passes)) == len(y)
    assert all(6 <= len(part) <= 7 for part in passes)
    assert all(one_hot(part).sum(0).max() <= 2 for part in passes)

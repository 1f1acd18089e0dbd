"""Incremental classes: a set of images a task; trees of image files; streams by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from psp.errors import UserError
from psp.streams import Images, IncrementalClasses, load, stream
from tests.psp.images import small, write_tree


def sets(*counts: int, shape: tuple[int, ...] = (3, 4, 4)) -> list[Images]:
    return [small(n, shape=shape, seed=i) for i, n in enumerate(counts)]


def test_every_task_shows_its_own_images_in_bytes_scaled_to_plus_and_minus_1() -> None:
    given = sets(50, 40, 30)
    incremental = IncrementalClasses(given, seed=0, steps=5, batch_size=16)
    assert (incremental.tasks, incremental.classes, incremental.shape) == (3, 3, (3, 4, 4))
    for task, images in enumerate(given):
        x, y = incremental.test(task)
        torch.testing.assert_close(x, images.test.float() / 127.5 - 1)
        assert torch.equal(y, images.test_labels)
    for step in range(30):
        x, y, task = incremental.batch(step)
        assert task == step // 5 % 3
        pixels, labels = given[task].train.flatten(1).tolist(), given[task].train_labels.tolist()
        stored = {tuple(row): label for row, label in zip(pixels, labels, strict=True)}
        shown = ((x + 1) * 127.5).round().flatten(1).to(torch.uint8).tolist()
        assert [stored[tuple(row)] for row in shown] == y.tolist()


def test_a_task_has_epochs_of_its_own_that_go_on_at_its_next_visit() -> None:
    given = sets(50, 40)
    incremental = IncrementalClasses(given, seed=0, steps=5, batch_size=10)  # epochs of 5 and of 4 batches
    visits = {
        task: [incremental.batch(10 * visit + 5 * task + i)[0] for visit in range(4) for i in range(5)]
        for task in (0, 1)
    }
    for task, length in ((0, 5), (1, 4)):
        for first in range(0, 20, length):
            epoch = torch.cat(visits[task][first : first + length]).flatten(1)
            whole = incremental.scaled(given[task].train).flatten(1)
            assert sorted(epoch.tolist()) == sorted(whole.tolist())
        assert not torch.equal(visits[task][0], visits[task][length])


def test_a_batch_is_a_pure_function_of_its_step() -> None:
    forward, backward = (IncrementalClasses(sets(50, 40), seed=1, steps=3, batch_size=16) for _ in range(2))
    a = {step: forward.batch(step) for step in range(24)}
    b = {step: backward.batch(step) for step in reversed(range(24))}
    assert all(torch.equal(a[s][0], b[s][0]) and torch.equal(a[s][1], b[s][1]) for s in a)


def test_sets_of_different_shapes_or_dtypes_are_refused() -> None:
    with pytest.raises(ValueError, match="sets of one shape and dtype are expected, got none"):
        IncrementalClasses([], 0, 5)
    for other in (sets(50, shape=(3, 4, 5)), [load("digits")]):
        with pytest.raises(ValueError, match="sets of one shape and dtype are expected, got"):
            IncrementalClasses(sets(50) + other, 0, 5)


def test_grey_images_have_one_channel_and_other_numbers_than_bytes_mean_0_and_variance_1() -> None:
    digits = load("digits")
    incremental = IncrementalClasses([digits, digits], seed=0, steps=5)
    x, _ = incremental.test(1)
    assert (incremental.shape, x.shape[1:]) == ((1, 28, 28), (1, 28, 28))
    mean, std = digits.train.double().mean(), digits.train.double().std(correction=0)
    torch.testing.assert_close(x[:, 0], ((digits.test - mean) / std).float(), rtol=1e-5, atol=1e-5)


# Parts of sets, and smaller ones


def test_some_classes_are_counted_from_0() -> None:
    images = small(200, 60, classes=10)
    part = images.only(3, 4)
    chosen = (images.train_labels >= 3) & (images.train_labels < 7)
    assert torch.equal(part.train, images.train[chosen])
    assert torch.equal(part.train_labels, images.train_labels[chosen] - 3)
    assert sorted(set(part.test_labels.tolist())) == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(8, 8), (3, 8, 8)])
def test_shrunk_images_are_means_of_areas(shape: tuple[int, ...]) -> None:
    images = small(1100, 20, shape=shape)
    halved = images.shrunk(4)
    mean = images.train.double().unflatten(-1, (4, 2)).unflatten(-3, (4, 2)).mean((-1, -3))
    assert halved.train.dtype == torch.uint8
    assert (halved.train.double() - mean).abs().max() <= 0.5
    assert torch.equal(halved.test_labels, images.test_labels)
    assert torch.equal(images.shrunk(8).test, images.test)
    assert abs(float(load("digits").shrunk(14).train.mean()) - float(load("digits").train.mean())) < 1e-4
    for size in (0, 9):
        with pytest.raises(ValueError, match=f"size must be from 1 to 8, got {size}"):
            images.shrunk(size)


# Trees of image files


def test_a_tree_of_files_is_read_whole(tmp_path: Path) -> None:
    write_tree(tmp_path / "flags", ["blue", "green", "red"])
    for images in (load("flags", tmp_path), load(str(tmp_path / "flags"))):
        assert images.train.dtype == torch.uint8
        assert images.train.shape == images.test.shape == (9, 3, 4, 6)
        assert images.train_labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        expected = [[label, number, 7] for label in range(3) for number in range(3)]
        assert images.train[:, :, 2, 3].tolist() == expected
        assert images.classes == 3


def test_class_folders_that_start_with_their_numbers_are_named_by_them(tmp_path: Path) -> None:
    write_tree(tmp_path / "flags", ["10_green", "12_red", "9_blue"], each=1)
    images = load("flags", tmp_path)
    colours = images.train[:, 0, 0, 0].tolist()
    assert dict(zip(colours, images.train_labels.tolist(), strict=True)) == {0: 10, 1: 12, 2: 9}


def test_a_tree_comes_before_a_dataset_of_its_name(tmp_path: Path) -> None:
    write_tree(tmp_path / "cifar10", ["cat", "dog"], kind="jpg")
    assert load("cifar10", tmp_path).train.shape == (6, 3, 4, 6)


def test_trees_that_cannot_be_read_are_told_in_one_sentence(tmp_path: Path) -> None:
    write_tree(tmp_path / "mixed", ["a"], each=2)
    write_tree(tmp_path / "mixed", ["b"], each=2, size=(5, 6))
    with pytest.raises(UserError, match=r"images of one size are needed in .*0000.png has 6x5 pixels, others 6x4"):
        load("mixed", tmp_path)
    write_tree(tmp_path / "broken", ["a"], each=2)
    (tmp_path / "broken" / "train" / "a" / "0001.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(UserError, match=r"cannot read the image .*0001.png"):
        load("broken", tmp_path)
    for part in ("train", "test"):
        (tmp_path / "empty" / part / "a").mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot read images from .*train: ") as error:
        load("empty", tmp_path)
    assert "\n" not in str(error.value)


# By name


def write_cifar(root: Path, hundred: int) -> None:
    write_tree(root / "cifar10", [f"c{i}" for i in range(10)], size=(4, 4))
    write_tree(root / "cifar100", [f"{i}_x" for i in range(10, 10 + hundred)], each=2, size=(4, 4))


def test_incremental_cifar_is_cifar_10_and_then_tens_of_cifar_100(tmp_path: Path) -> None:
    write_cifar(tmp_path, 40)
    incremental = stream("incremental-cifar", tmp_path, False, seed=0, tasks=5, steps=4, batch_size=8)
    assert (incremental.tasks, incremental.classes, incremental.shape) == (5, 10, (3, 4, 4))
    for task in range(5):
        x, y = incremental.test(task)
        first = 0 if task == 0 else 10 * (task - 1)  # the first colour is the place of the class in the tree
        place = ((x[:, 0, 0, 0] + 1) * 127.5).round().long()
        assert torch.equal(place, y + first)
        assert torch.equal(y.unique(), torch.arange(10))
    small = stream("incremental-cifar", tmp_path, False, 0, 2, 4, size=2)
    assert (small.tasks, small.shape) == (2, (3, 2, 2))


def test_what_incremental_cifar_lacks_is_said(tmp_path: Path) -> None:
    write_cifar(tmp_path, 25)
    assert stream("incremental-cifar", tmp_path, False, 0, 3, 4).tasks == 3
    with pytest.raises(UserError, match=r"cifar100 in .* lacks the classes 40 to 49"):
        stream("incremental-cifar", tmp_path, False, 0, 5, 4)
    with pytest.raises(UserError, match=r"has 5 tasks, .* got 6"):
        stream("incremental-cifar", tmp_path, False, 0, 6, 4)
    with pytest.raises(UserError, match="cannot read CIFAR10 from"):
        stream("incremental-cifar", tmp_path / "cifar10", False, 0, 5, 4)


@pytest.mark.parametrize("tasks", [1, 2, 5, 10])
def test_the_classes_of_a_dataset_are_split_into_tasks(tasks: int) -> None:
    digits, split = load("digits"), stream("incremental-digits", None, False, seed=0, tasks=tasks, steps=4)
    each = 10 // tasks
    assert (split.tasks, split.classes) == (tasks, each)
    for task in range(tasks):
        x, y = split.test(task)
        own = digits.test_labels // each == task
        torch.testing.assert_close(x[:, 0] * split.std + split.mean, digits.test[own], rtol=1e-5, atol=1e-4)
        assert torch.equal(y + each * task, digits.test_labels[own])
        assert torch.equal(split.sets[task].train, digits.train[digits.train_labels // each == task])


@pytest.mark.parametrize("tasks", [3, 4, 20])
def test_classes_that_cannot_be_split_evenly_are_refused(tasks: int) -> None:
    with pytest.raises(UserError, match=f"the 10 classes of digits cannot be split into {tasks} tasks of as many each"):
        stream("incremental-digits", None, False, 0, tasks, 4)


def test_a_split_names_the_classes_that_a_tree_lacks(tmp_path: Path) -> None:
    write_tree(tmp_path / "some", [f"{i}_x" for i in (0, 1, 4, 5)], each=1)
    with pytest.raises(UserError, match=r"some in .* lacks the classes 2 to 3"):
        stream("incremental-some", tmp_path, False, 0, 3, 4)


@pytest.mark.parametrize("kind", ["permuted", "rotating", "labels"])
def test_a_name_is_a_kind_and_a_dataset(kind: str) -> None:
    named = stream(f"{kind}-digits", None, False, seed=3, tasks=4, steps=5, batch_size=6)
    x, y, task = named.batch(7)
    assert kind in type(named).__name__.lower()
    assert (x.shape, y.shape, task) == ((6, 784), (6,), 1)
    assert (named.seed, named.tasks, named.steps) == (3, 4, 5)
    assert stream(f"{kind}-digits", None, False, 3, 4, 5, size=7).shape == (49,)
    with pytest.raises(UserError, match="size must be from 1 to 28, got 29"):
        stream(f"{kind}-digits", None, False, 3, 4, 5, size=29)


@pytest.mark.parametrize("name", ["rotated-digits", "digits", "permuted-", "permuted", "incremental", ""])
def test_unknown_streams_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=f"unknown stream {name}: known are permuted-DATASET, .*incremental-cifar"):
        stream(name, None, False, 0, 2, 3)


def test_a_tree_of_files_makes_a_stream(tmp_path: Path) -> None:
    write_tree(tmp_path / "flags", ["blue", "green", "red"])
    rotating = stream("rotating-flags", tmp_path, False, 0, 2, 3, batch_size=4)
    assert rotating.batch(0)[0].shape == (4, 3 * 4 * 6)
    assert np.isfinite(rotating.test(1)[0].numpy()).all()

"""Streams: batches are pure functions of the step, tasks shuffle pixels and nothing else."""

from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from psp.errors import UserError
from psp.streams import Images, PermutedLabels, PermutedPixels, RotatingImages, Stream, load
from tests.psp.images import small


def test_task_0_is_unpermuted_and_scaled_to_mean_0_and_variance_1() -> None:
    images = small(n=64)
    stream = PermutedPixels(images, seed=3, tasks=2**50, steps=4, batch_size=16)
    seen = torch.cat([stream.batch(step)[0] for step in range(4)])
    assert abs(float(seen.mean())) < 1e-6
    assert abs(float(seen.std(correction=0)) - 1) < 1e-6
    raw = images.test.flatten(1).float()
    x, y = stream.test(0)
    assert torch.equal(y, images.test_labels)
    assert torch.allclose((x - x[0, 0]) * raw.std() / x.std(), raw - raw[0, 0], atol=1e-3)


@pytest.mark.parametrize("task", [1, 7, 2**40])
def test_a_task_shuffles_the_pixels_of_every_image_alike(task: int) -> None:
    stream = PermutedPixels(small(), seed=3, tasks=2**50, steps=5)
    plain, _ = stream.test(0)
    x, _ = stream.test(task)
    order = stream.permutation(task)
    assert order is not None
    assert sorted(order.tolist()) == list(range(12))
    assert torch.equal(x, plain[:, order])


def test_tasks_and_seeds_have_permutations_of_their_own() -> None:
    orders = {
        tuple(PermutedPixels(small(), seed, 50, 5).permutation(task).tolist())  # type: ignore[union-attr]
        for seed in range(5)
        for task in range(1, 6)
    }
    assert len(orders) == 25


def test_training_and_test_images_of_a_task_share_its_permutation() -> None:
    images = small()
    same = Images(images.train, images.train_labels, images.train, images.train_labels)
    stream = PermutedPixels(same, seed=0, tasks=2**50, steps=1, batch_size=50)
    x, y, task = stream.batch(1)
    tested, labels = stream.test(1)
    assert task == 1
    assert torch.equal(x.sum(0).sort().values, tested.sum(0).sort().values) or torch.allclose(
        x.double().sum(0), tested.double().sum(0), atol=1e-4
    )
    key = {tuple(row): label for row, label in zip(tested.tolist(), labels.tolist(), strict=True)}
    assert all(key[tuple(row)] == label for row, label in zip(x.tolist(), y.tolist(), strict=True))


def test_an_epoch_shows_every_image_once_and_ignores_task_switches() -> None:
    images = small(n=50)
    stream = PermutedPixels(images, seed=1, tasks=2**50, steps=3, batch_size=16)  # 4 batches an epoch, the last of 2
    for epoch in range(3):
        labels = torch.cat([stream.batch(4 * epoch + b)[1] for b in range(4)])
        assert len(labels) == 50
        assert torch.equal(labels.sort().values, images.train_labels.sort().values)
    assert [stream.batch(step)[2] for step in range(7)] == [0, 0, 0, 1, 1, 1, 2]
    orders = [torch.cat([stream._orders[0](4 * epoch + b) for b in range(4)]).tolist() for epoch in range(3)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert orders[0] != orders[1] != orders[2]


EVERY = pytest.mark.parametrize("make", [PermutedPixels, PermutedLabels, RotatingImages])


@EVERY
def test_a_batch_is_a_pure_function_of_its_step(make: type[Stream]) -> None:
    forward = make(small(), 1, 4, 3, 16)
    backward = make(small(), 1, 4, 3, 16)
    steps = list(range(30))
    a = {step: forward.batch(step) for step in steps}
    b = {step: backward.batch(step) for step in reversed(steps)}
    assert all(torch.equal(a[s][0], b[s][0]) and torch.equal(a[s][1], b[s][1]) for s in steps)
    assert [a[s][2] for s in steps[:14]] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0]


@EVERY
def test_another_task_in_a_steps_place_shows_the_same_images_as_that_task_does(make: type[Stream]) -> None:
    images = small()
    stream = make(images, 1, 4, 3, 16)
    for step in (0, 4, 11):
        chosen = stream._orders[0](step)
        drawn = images.train[chosen], images.train_labels[chosen]
        for task in range(4):
            x, y, named = stream.batch(step, task)
            expected, labels = stream.present(*drawn, task, step % 3)
            assert named == task
            assert torch.equal(x, expected)
            assert torch.equal(y, labels)


@EVERY
def test_streams_leave_the_images_as_they_are(make: type[Stream]) -> None:
    floating = load("digits")
    before = floating.test.clone(), floating.train.clone(), floating.test_labels.clone()
    stream = make(floating, 0, 3, 2)
    for step in range(3):
        stream.batch(step)
        stream.test(step)
    assert torch.equal(floating.test, before[0])
    assert torch.equal(floating.train, before[1])
    assert torch.equal(floating.test_labels, before[2])


@EVERY
def test_images_are_flat_and_in_the_default_dtype(make: type[Stream]) -> None:
    stream = make(small(shape=(3, 5, 4)), 0, 3, 2, 16)
    assert stream.shape == (60,)
    try:
        torch.set_default_dtype(torch.float64)
        double = stream.batch(2)[0]
    finally:
        torch.set_default_dtype(torch.float32)
    single = stream.batch(2)[0]
    assert (double.dtype, single.dtype) == (torch.float64, torch.float32)
    assert double.shape == single.shape == (16, 60)
    torch.testing.assert_close(single, double.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("numbers", "error", "said"),
    [
        ((0, 0, 3, 16), ValueError, "tasks must be at least 1, got 0"),
        ((0, 2, -1, 16), ValueError, "steps must be a whole number from 0, got -1"),
        ((0, 2, 3, 1.5), TypeError, "batch_size must be a whole number"),
        ((-1, 2, 3, 16), ValueError, "seed must be a whole number from 0, got -1"),
    ],
)
@EVERY
def test_numbers_that_are_not_whole_or_too_small_are_refused(
    make: type[Stream], numbers: tuple, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        make(small(), *numbers)


@EVERY
def test_tasks_that_the_stream_lacks_are_refused(make: type[Stream]) -> None:
    stream = make(small(), 0, 3, 2, 16)
    for task in (-1, 3):
        with pytest.raises(ValueError, match=f"task must be from 0 to 2, got {task}"):
            stream.test(task)
        with pytest.raises(ValueError, match=f"task must be from 0 to 2, got {task}"):
            stream.batch(0, task)


# Permuted labels


def test_labels_of_task_0_stay_and_those_of_others_are_renamed() -> None:
    images = small(classes=10)
    stream = PermutedLabels(images, seed=3, tasks=2**50, steps=4, batch_size=16)
    plain, labels = stream.test(0)
    assert torch.equal(labels, images.test_labels)
    assert torch.equal(plain, PermutedPixels(images, 3, 1, 1).test(0)[0])
    names = set()
    for task in (1, 2, 7, 2**40):
        x, y = stream.test(task)
        order = stream.permutation(task)
        assert order is not None
        assert sorted(order.tolist()) == list(range(10))
        assert torch.equal(x, plain)
        assert torch.equal(y, order[labels])
        names.add(tuple(order.tolist()))
    assert len(names) == 4


def test_training_and_test_labels_of_a_task_are_renamed_alike() -> None:
    stream = PermutedLabels(small(classes=10), seed=3, tasks=5, steps=4, batch_size=16)
    for step in range(20):
        _, y, task = stream.batch(step)
        order = stream.permutation(task)
        before = stream.sets[0].train_labels[stream._orders[0](step)]
        assert torch.equal(y, before if order is None else order[before])


# Datasets


def test_digits_are_embedded_whole_and_split_by_class() -> None:
    digits = load("Digits")
    assert digits.train.shape == (1437, 28, 28)
    assert digits.test.shape == (360, 28, 28)
    assert digits.classes == 10
    assert int(digits.test_labels.bincount().min()) >= 34
    assert torch.equal(load("digits").train, digits.train)


def write_idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def mnist_folder(tmp_path: Path) -> Path:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, n in (("train", 30), ("t10k", 10)):
        write_idx(raw / f"{part}-images-idx3-ubyte", rng.integers(0, 256, (n, 28, 28)))
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.arange(n) % 10)
    return tmp_path


@pytest.mark.parametrize("name", ["mnist", "MNIST"])
def test_torchvision_datasets_are_read_from_their_files(mnist_folder: Path, name: str) -> None:
    images = load(name, mnist_folder)
    assert images.train.shape == (30, 28, 28)
    assert images.test_labels.tolist() == list(range(10))


def test_missing_data_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read FashionMNIST from .*--download"):
        load("fashion-mnist", tmp_path)


def write_cifar(root: Path) -> np.ndarray:
    """CIFAR-10 in torchvision's form, with 2 images a batch, and all its training images."""
    rng = np.random.default_rng(0)
    base = root / "cifar-10-batches-py"
    base.mkdir(parents=True)
    parts = {}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        parts[name] = rng.integers(0, 256, (2, 3072), dtype=np.uint8)
        (base / name).write_bytes(pickle.dumps({"data": parts[name], "labels": [3, 9]}))
    (base / "batches.meta").write_bytes(pickle.dumps({"label_names": [str(i) for i in range(10)]}))
    return np.concatenate([parts[f"data_batch_{i}"] for i in range(1, 6)]).reshape(-1, 3, 32, 32)


def test_colours_come_before_height_and_width(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    stored = write_cifar(tmp_path)
    images = load("cifar10", tmp_path)
    assert np.array_equal(images.train.numpy(), stored)
    assert images.train.is_contiguous()
    assert images.test.shape == (2, 3, 32, 32)
    assert images.train_labels.tolist() == [3, 9] * 5


@pytest.mark.parametrize(("split", "first"), [("letters", 1), ("balanced", 0)])
def test_the_parts_of_emnist_are_datasets_of_their_own(tmp_path: Path, split: str, first: int) -> None:
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "test"):
        write_idx(raw / f"emnist-{split}-{part}-images-idx3-ubyte", np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256)
        write_idx(raw / f"emnist-{split}-{part}-labels-idx1-ubyte", np.array([5, 1, 26]))
    images = load(f"emnist-{split}", tmp_path)
    assert images.train.flatten().tolist() == [i % 256 for i in range(3 * 28 * 28)]
    assert images.train_labels.tolist() == images.test_labels.tolist() == [5 - first, 1 - first, 26 - first]


def test_datasets_whose_parts_are_named_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat
    from torchvision.datasets import STL10

    monkeypatch.setattr("torchvision.datasets.svhn.check_integrity", lambda *_: True)
    monkeypatch.setattr(STL10, "_check_integrity", lambda self: True)
    rng = np.random.default_rng(0)
    numbers, pictures = rng.integers(0, 256, (3, 3, 32, 32)), rng.integers(0, 256, (3, 3, 96, 96))
    labels = np.array([10, 1, 9])  # SVHN writes 0 as 10, STL-10 counts from 1
    (tmp_path / "stl10_binary").mkdir()
    for part, n in (("train", 3), ("test", 2)):
        stored = {"X": numbers[:n].transpose(2, 3, 1, 0).astype(np.uint8), "y": labels[:n, None].astype(np.uint8)}
        savemat(tmp_path / f"{part}_32x32.mat", stored)
        turned = pictures[:n].transpose(0, 1, 3, 2).astype(np.uint8)
        (tmp_path / "stl10_binary" / f"{part}_X.bin").write_bytes(turned.tobytes())
        (tmp_path / "stl10_binary" / f"{part}_y.bin").write_bytes(labels[:n].astype(np.uint8).tobytes())
    for name, images, expected in (("svhn", numbers, [0, 1, 9]), ("stl10", pictures, [9, 0, 8])):
        read = load(name, tmp_path)
        assert np.array_equal(read.train.numpy(), images)
        assert np.array_equal(read.test.numpy(), images[:2])
        assert read.train_labels.tolist() == expected
        assert read.test_labels.tolist() == expected[:2]


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_truncated_data_is_said_in_one_sentence(mnist_folder: Path, file: str) -> None:
    path = mnist_folder / "MNIST" / "raw" / file
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"cannot read MNIST from .* missing or damaged") as error:
        load("mnist", mnist_folder)
    assert "\n" not in str(error.value)


def test_a_missing_set_is_said_to_be_one_of_torchvision_or_a_tree(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read CIFAR10 from .*/cifar10 does not hold train/CLASS/FILE.jpg"):
        load("cifar10", tmp_path)


def test_labels_that_do_not_match_the_images_are_refused(mnist_folder: Path) -> None:
    write_idx(mnist_folder / "MNIST" / "raw" / "train-labels-idx1-ubyte", np.zeros(29))
    with pytest.raises(UserError, match="30 images have 29 labels"):
        load("mnist", mnist_folder)


def test_a_compressed_file_in_place_of_a_raw_one_is_refused(mnist_folder: Path) -> None:
    path = mnist_folder / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(UserError, match="cannot read MNIST"):
        load("mnist", mnist_folder)


def test_unknown_datasets_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown dataset imagine: known are digits, MNIST"):
        load("imagine", tmp_path)
    with pytest.raises(UserError, match="--data"):
        load("mnist")

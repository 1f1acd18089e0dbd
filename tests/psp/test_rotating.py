"""Rotating images: a rotation of the plane, read bilinearly, a bit further on at every step."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from psp.streams import RotatingImages
from psp.streams.rotating import reads, turned
from tests.psp.images import small

law = settings(max_examples=25, deadline=None, derandomize=True, database=None)
sizes = st.integers(1, 9)
angles = st.floats(-720, 720)


def rotate(images: torch.Tensor, angle: float) -> torch.Tensor:
    """Images (n, height, width), turned, in float64."""
    index, weight = reads(*images.shape[1:], [angle], torch.float64)
    return turned(images.flatten(1), index[0], weight[0]).reshape(images.shape)


def signals(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def scipys(image: torch.Tensor, angle: float) -> torch.Tensor:
    """The same by scipy, whose borders "grid-constant" stand in an endless background."""
    return torch.from_numpy(ndimage.rotate(image.numpy(), angle, order=1, reshape=False, mode="grid-constant"))


@law
@given(size=st.integers(1, 12), turns=st.integers(-5, 5))
def test_quarter_turns_are_exact_and_counter_clockwise(size: int, turns: int) -> None:
    images = signals(2, size, size)
    expected = torch.rot90(images, turns, dims=(1, 2))
    torch.testing.assert_close(rotate(images, 90.0 * turns), expected, rtol=1e-12, atol=1e-12)


@law
@given(height=sizes, width=sizes)
def test_no_turn_leaves_every_image_as_it_is_to_the_bit(height: int, width: int) -> None:
    images = signals(3, height, width)
    assert torch.equal(rotate(images, 0.0), images)


@law
@given(height=sizes, width=sizes, angle=angles)
def test_a_turn_is_scipys_bilinear_rotation(height: int, width: int, angle: float) -> None:
    images = signals(2, height, width)
    expected = torch.stack([scipys(image, angle) for image in images])
    torch.testing.assert_close(rotate(images, angle), expected, rtol=1e-9, atol=1e-9)


@law
@given(height=sizes, width=sizes, angle=st.integers(-360, 360))
def test_whole_turns_change_nothing(height: int, width: int, angle: int) -> None:
    images = signals(2, height, width)
    torch.testing.assert_close(rotate(images, angle), rotate(images, angle + 360), rtol=1e-10, atol=1e-10)


@law
@given(height=sizes, width=sizes, angle=angles)
def test_turns_are_linear_and_never_brighten(height: int, width: int, angle: float) -> None:
    images = signals(2, height, width)
    both = rotate(images[:1] + 2 * images[1:], angle)
    torch.testing.assert_close(both, rotate(images[:1], angle) + 2 * rotate(images[1:], angle))
    _, weight = reads(height, width, [angle], torch.float64)
    assert weight.min() >= 0
    assert weight.sum(-1).max() <= 1 + 1e-12


# The stream


@pytest.mark.parametrize("shape", [(6, 6), (3, 6, 6)])
def test_batches_turn_once_in_all_tasks_and_grey_of_0_is_the_background(shape: tuple[int, ...]) -> None:
    images = small(n=64, shape=shape)
    stream = RotatingImages(images, seed=0, tasks=4, steps=5, batch_size=16)
    for step in (0, 1, 7, 12, 15, 19, 20, 33):
        x, y, task = stream.batch(step)
        chosen = stream._orders[0](step)
        raw = images.train[chosen].double().reshape(-1, 6, 6)
        expected = torch.stack([scipys(image, 18.0 * step) for image in raw]).reshape(16, -1)
        torch.testing.assert_close(x.double(), (expected - stream.mean) / stream.std, rtol=0, atol=1e-5)
        assert torch.equal(y, images.train_labels[chosen])
        assert task == step // 5 % 4


def test_task_k_is_tested_where_its_window_starts_and_task_0_unturned() -> None:
    images = small(shape=(5, 5))
    stream = RotatingImages(images, seed=0, tasks=4, steps=7)
    for task in range(4):
        x, y = stream.test(task)
        expected = torch.rot90(images.test, task, dims=(1, 2)).flatten(1).float()
        torch.testing.assert_close(x * stream.std + stream.mean, expected, rtol=0, atol=1e-3)
        assert torch.equal(y, images.test_labels)


def test_a_turn_of_a_thousand_steps_is_the_same_in_ten_tasks_and_in_a_thousand() -> None:
    slow = RotatingImages(small(shape=(5, 5)), seed=0, tasks=10, steps=100, batch_size=16)
    fast = RotatingImages(small(shape=(5, 5)), seed=0, tasks=1000, steps=1, batch_size=16)
    for step in (0, 99, 100, 512, 999, 1234):
        assert torch.equal(slow.batch(step)[0], fast.batch(step)[0])
        assert fast.batch(step)[2] == step % 1000
        assert slow.degrees(*divmod(step % 1000, 100)) == fast.degrees(step % 1000) == 0.36 * (step % 1000)


def test_images_without_a_height_and_a_width_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a height and a width are expected, got \(50, 12\)"):
        RotatingImages(small(shape=(12,)), 0, 2, 3)

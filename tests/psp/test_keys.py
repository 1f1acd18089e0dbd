"""Random bits: what they are made of, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from psp import keys

WORDS = 20_000

GOLDEN = [
    ["0x337201078e1f3295", "0xfcae4da03ad5e19a", "0xc5b993788f5ba9a1", "0x3ca313cd1768a617"],
    ["0x270e432d7a7aacc8", "0x759d157b5779701e"],
    ["0x1cf77f0d4a2eb320", "0xb393f7d9ff55a48f"],
]


def test_words_stay_what_they_are_from_release_to_release() -> None:
    # A checkpoint is weights and a seed: other words would make every stored model unreadable.
    assert [hex(word) for word in keys.words(0, "fc1", 3, 256, 4)] == GOLDEN[0]
    assert [hex(word) for word in keys.words(2**63 - 1, "layers.0", 2**40, 784, 2)] == GOLDEN[1]
    assert [hex(word) for word in keys.words(0, "", None, 1, 2)] == GOLDEN[2]


def test_a_shorter_draw_is_the_start_of_a_longer_one() -> None:
    long = keys.words(4, "fc", 5, 6, 100)
    assert long.dtype == np.uint64
    for count in (0, 1, 7, 100):
        assert (keys.words(4, "fc", 5, 6, count) == long[:count]).all()


def test_every_stream_is_its_own() -> None:
    names = itertools.product(
        [0, 1, 11, 2**62], ["", "1", "1/1", "fc", "fc.1", "shared", "é"], [None, 0, 1, 11], [1, 11]
    )
    streams = [tuple(keys.words(*name, 2).tolist()) for name in names]
    assert len(set(streams)) == len(streams) == 4 * 7 * 4 * 2


def test_every_bit_is_fair_and_independent_of_the_others() -> None:
    bits = np.unpackbits(keys.words(0, "fc", 0, 1, WORDS).view(np.uint8).reshape(WORDS, 8), axis=1) * 2.0 - 1
    correlation = bits.T @ bits / WORDS
    assert np.abs(bits.mean(0)).max() <= 5 / WORDS**0.5
    assert np.abs(correlation - np.eye(64)).max() <= 5 / WORDS**0.5
    assert np.abs((bits[1:] * bits[:-1]).mean(0)).max() <= 5 / WORDS**0.5


def test_signs_are_those_of_the_normals() -> None:
    words = keys.words(0, "fc", 0, 1, WORDS)
    signs = keys.signs(words)
    assert signs.dtype == np.float64
    assert (np.abs(signs) == 1).all()
    assert (np.sign(keys.normals(words)) == signs).all()


def test_normals_are_standard() -> None:
    normals = keys.normals(keys.words(1, "fc", 0, 1, WORDS))
    assert stats.kstest(normals, "norm").pvalue > 1e-4
    for power, (moment, variance) in {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}.items():
        assert abs((normals**power).mean() - moment) <= 5 * (variance / WORDS) ** 0.5


def test_normals_are_finite_and_never_zero_at_the_ends() -> None:
    ends = np.array([0, 2**63 - 1, 2**63, 2**64 - 1], dtype=np.uint64)
    normals = keys.normals(ends)
    assert np.isfinite(normals).all()
    assert (np.sign(normals) == [-1, -1, 1, 1]).all()
    assert -9 < normals[0] < -8
    assert 8 < normals[3] < 9


def test_phasors_are_points_of_the_circle() -> None:
    quarters = np.array([0, 2**62, 2**63, 3 * 2**62, 2**61], dtype=np.uint64)
    np.testing.assert_allclose(keys.phasors(quarters), [1, 1j, -1, -1j, (1 + 1j) / 2**0.5], rtol=0, atol=2e-16)
    assert keys.phasors(quarters)[0] == 1
    random = keys.phasors(keys.words(0, "fc", 0, 1, WORDS))
    np.testing.assert_allclose(np.abs(random), 1, rtol=0, atol=1e-15)


def test_angles_keep_their_precision_near_a_whole_turn() -> None:
    close = np.array([2**20, 2**64 - 2**20], dtype=np.uint64)  # +-2^20 / 2^64 of a turn
    angle = 2 * np.pi * 2.0**-44
    np.testing.assert_allclose(keys.phasors(close).imag, [angle, -angle], rtol=1e-14)


def test_permutations_sort_the_words() -> None:
    words = keys.words(0, "fc", 0, 1, 500)
    order = keys.permutation(words)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(500))
    assert (np.diff(words[order].astype(object)) > 0).all()


@pytest.mark.parametrize("value", [0, 1, 2**70, np.int32(7), np.uint64(2**63), np.int64(0)])
def test_whole_numbers_become_ints(value: object) -> None:
    number = keys.whole(value, "task")
    assert type(number) is int
    assert number == value


@pytest.mark.parametrize("value", [1.0, 0.5, True, False, np.float64(1), np.True_, "1", None, 1j, [1], (1,)])
def test_what_is_not_a_whole_number_is_refused_by_type(value: object) -> None:
    with pytest.raises(TypeError, match=r"task must be a whole number from 0, got .*of type"):
        keys.whole(value, "task")


@pytest.mark.parametrize("value", [-1, -(2**70), np.int64(-3)])
def test_negative_numbers_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=f"task must be a whole number from 0, got {value}"):
        keys.whole(value, "task")

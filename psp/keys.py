"""Random bits as a pure function of (seed, layer, task, width).

A counter-based generator (Philox) is keyed by a hash (BLAKE2b) of the four, so that nothing depends on the order in
which contexts are made, on how many tasks there are, on the process, the device or the dtype, and nothing is stored.
"""

from __future__ import annotations

import hashlib
from numbers import Integral

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri


def whole(value: object, name: str) -> int:
    """``value`` as an int, if it is a whole number from 0 (True and 1.0 are not)."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number from 0, got {value!r} of type {type(value).__name__}")
    if value < 0:
        raise ValueError(f"{name} must be a whole number from 0, got {value}")
    return int(value)


def at_least_one(value: object, name: str) -> int:
    """``value`` as an int, if it is a whole number from 1."""
    number = whole(value, name)
    if number == 0:
        raise ValueError(f"{name} must be at least 1, got 0")
    return number


def words(seed: int, layer: str, task: int | None, width: int, count: int) -> NDArray[np.uint64]:
    """The first ``count`` 64-bit words of the stream that belongs to (seed, layer, task, width).

    ``task=None`` is a stream of its own, for what all the tasks of a layer share.

    Example:
        >>> bool((words(0, "fc1", 3, 256, 8) == words(0, "fc1", 3, 256, 16)[:8]).all())
        True
    """
    name = f"psp/{seed}/{'shared' if task is None else task}/{width}/{layer}"
    digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
    key = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
    return np.random.Philox(key=key).random_raw(count)


def signs(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A fair +-1 from the top bit of each word."""
    return np.where(bits >> np.uint64(63), 1.0, -1.0)


def normals(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A standard normal from each word, by inversion; its sign is that of :func:`signs`."""
    # 52 bits and a half are exact in a float64: the ends stay off 0 and 1, and the middle off 1/2.
    return ndtri(((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)


def phasors(turns: NDArray[np.uint64]) -> NDArray[np.complex128]:
    """exp(2 pi j u / 2^64) for angles u in unsigned 64-bit fractions of a turn."""
    angle = turns.view(np.int64) * (2 * np.pi / 2.0**64)
    return np.cos(angle) + 1j * np.sin(angle)


def permutation(bits: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The uniform random permutation that sorts the words."""
    return np.argsort(bits, kind="stable")

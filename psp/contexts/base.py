"""The contract that every family of contexts keeps.

A family draws, for a layer of some width, one invertible matrix C_k a task k. The matrices are orthogonal or unitary;
a model W_k is stored as W_k C_k^-1 in the layer's weight W = sum_k W_k C_k^-1 and read back as W C_k (Cheung et al.
2019, eqs. 1 and 2), or, what is the same, by transforming the layer's input: y = W (C_k x) (eq. 3).
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from psp import keys

Key = tuple[Tensor, ...]
_CACHE_BYTES, _CACHE_KEYS = 32 * 2**20, 4096  # of drawn keys, a layer


@dataclasses.dataclass(frozen=True)
class Family(ABC):
    """A way to draw contexts: a pure function of (seed, layer, task, width)."""

    seed: int = 0

    needs_complex: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if keys.whole(self.seed, "seed") >= 2**63:
            raise ValueError(f"seed must be below 2**63, got {self.seed}")

    def bind(self, width: int, layer: str = "") -> Context:
        """The contexts of one layer: of inputs of ``width`` numbers, at the path ``layer`` of the network."""
        return Context(self, width, layer)

    @abstractmethod
    def draw(self, layer: str, width: int, task: int) -> tuple[np.ndarray, ...]:
        """The arrays that stand for C_task, in float64, complex128 or int64."""

    @abstractmethod
    def apply(self, x: Tensor, key: Key) -> Tensor:
        """C x over the last dimension; the tensors of ``key`` broadcast over the leading ones."""

    @abstractmethod
    def unapply(self, x: Tensor, key: Key) -> Tensor:
        """C^-1 x over the last dimension."""

    @abstractmethod
    def cost(self, width: int) -> int:
        """Parameters that one more model costs in a layer of this width (Cheung et al. 2019, Table 1)."""


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Keys ready to use: one for all samples, one a sample, or, where those would be large, one a group of samples."""

    key: Key = ()
    batch: tuple[int, ...] = ()  # shape of the tasks, which the leading dimensions of the input must match
    groups: tuple[tuple[Tensor, Key], ...] = ()  # rows of the flattened batch, and the key of their task


class Context:
    """The contexts of one layer: ``context(x, task)`` is C_k x, ``context.inverse(x, task)`` is C_k^-1 x.

    ``x`` has any leading shape and ``width`` last; float32, float64, bfloat16, float16 (the last two computed in
    float32), complex64 or complex128. ``task`` is a whole number from 0, or an integer tensor of one task a sample,
    whose shape is that of the leading dimensions of ``x`` or of the first of them.

    Raises:
        TypeError: a task that is not whole; a real input to a family of complex contexts.
        ValueError: a negative task, a tensor of tasks that does not fit the input, an input of another width.

    Example:
        >>> from psp.contexts.binary import Binary
        >>> context = Binary(seed=0).bind(4, layer="fc1")
        >>> x = torch.ones(2, 4)
        >>> torch.equal(context.inverse(context(x, task=3), task=3), x)
        True
    """

    def __init__(self, family: Family, width: int, layer: str = "") -> None:
        keys.at_least_one(width, "width")
        if not isinstance(layer, str):
            raise TypeError(f"layer must be the path of a layer, a string, got {layer!r}")
        self.family = family
        self.width = width
        self.layer = layer
        self._cache: OrderedDict[tuple, Key] = OrderedDict()

    def __repr__(self) -> str:
        return f"{self.family!r}.bind({self.width}, layer={self.layer!r})"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_cache": OrderedDict()}

    @property
    def cost(self) -> int:
        """Parameters that one more model costs here, as Table 1 of the paper counts them."""
        return self.family.cost(self.width)

    def __call__(self, x: Tensor, task: int | Tensor) -> Tensor:
        """C_k x."""
        return self.apply(x, self.draw(task, x))

    def inverse(self, x: Tensor, task: int | Tensor) -> Tensor:
        """C_k^-1 x."""
        return self._transform(x, self.draw(task, x), self.family.unapply)

    def fold(self, weight: Tensor, task: int | Tensor) -> Tensor:
        """W C_k for a weight of shape (outputs, width): the model of one task, read out (eq. 2)."""
        return self.fold_drawn(weight, self.draw(_checked(task), weight))

    def fold_drawn(self, weight: Tensor, drawn: Drawn) -> Tensor:
        """W C for keys of one task, drawn before."""
        # C is unitary, so row by row W C = (C^T W^T)^T with C^T v = conj(C^-1 conj v).
        if not weight.is_complex():
            return self._transform(weight, drawn, self.family.unapply)
        # Conjugated in memory, not lazily: optimisers take no lazily conjugated gradient.
        return self._transform(weight.conj_physical(), drawn, self.family.unapply).conj_physical()

    def matrix(self, task: int | Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """C_k as a (width, width) matrix, in ``dtype`` or torch's default (made complex where C_k is)."""
        dtype = dtype or torch.get_default_dtype()
        eye = torch.eye(self.width, dtype=dtype.to_complex() if self.family.needs_complex else dtype)
        return self(eye, _checked(task)).mT.contiguous()

    def apply(self, x: Tensor, drawn: Drawn) -> Tensor:
        """C x for keys drawn before: the part of a call that a compiled graph holds."""
        return self._transform(x, drawn, self.family.apply)

    @torch.compiler.disable
    def draw(self, task: int | Tensor, like: Tensor, grouped: bool = False) -> Drawn:
        """The keys of ``task`` for inputs like ``like``; with ``grouped`` one group for every task that occurs."""
        if not isinstance(task, Tensor) or task.ndim == 0:
            return Drawn(self._key(_checked(task), like))
        occurring, index = _occurring(task)
        drawn = [self._key(k, like) for k in occurring]
        if not grouped and all(part.ndim == 1 for part in drawn[0]):
            where = index.to(like.device)
            return Drawn(tuple(torch.stack(parts)[where] for parts in zip(*drawn, strict=True)), tuple(task.shape))
        rows = [(index.flatten() == i).nonzero().flatten().to(like.device) for i in range(len(occurring))]
        return Drawn(batch=tuple(task.shape), groups=tuple(zip(rows, drawn, strict=True)))

    def _key(self, task: int, like: Tensor) -> Key:
        dtype = torch.float64 if like.dtype in (torch.float64, torch.complex128) else torch.float32
        name = (task, dtype, like.device)
        if name in self._cache:
            self._cache.move_to_end(name)
            return self._cache[name]
        with torch.inference_mode(False):  # what is cached must serve training, too
            key = tuple(_tensor(part, dtype, like.device) for part in self.family.draw(self.layer, self.width, task))
        self._cache[name] = key
        size = sum(part.nbytes for part in key)
        while len(self._cache) > max(1, min(_CACHE_KEYS, _CACHE_BYTES // max(1, size))):
            self._cache.popitem(last=False)
        return key

    def _transform(self, x: Tensor, drawn: Drawn, transform: Callable[[Tensor, Key], Tensor]) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.width:
            raise ValueError(f"layer {self.layer!r} has width {self.width}, got an input of shape {tuple(x.shape)}")
        if not (x.is_floating_point() or x.is_complex()):
            raise TypeError(f"a context acts on floating or complex numbers, got {x.dtype}")
        if self.family.needs_complex and not x.is_complex():
            raise TypeError(
                f"{type(self.family).__name__} contexts need a complex network, got a {x.dtype} input: "
                "build the network from complexnn layers and feed it x.to(torch.complex64)"
            )
        if x.dtype in (torch.bfloat16, torch.float16):
            return self._transform(x.float(), drawn, transform).to(x.dtype)
        tasks = len(drawn.batch)
        if tasks > x.ndim - 1 or x.shape[:tasks] != torch.Size(drawn.batch):
            raise ValueError(
                f"tasks of shape {tuple(drawn.batch)} do not fit an input of shape {tuple(x.shape)}: "
                "one task a sample is expected"
            )
        if not drawn.groups:
            fill = [1] * (x.ndim - 1 - tasks)
            return transform(
                x, tuple(part.reshape(*drawn.batch, *fill, -1) for part in drawn.key) if tasks else drawn.key
            )
        flat = x.flatten(0, tasks - 1)
        out = [transform(flat.index_select(0, rows), key) for rows, key in drawn.groups]
        order = torch.cat([rows for rows, _ in drawn.groups]).argsort()
        return torch.cat(out).index_select(0, order).view(x.shape)


def _checked(task: int | Tensor) -> int:
    if isinstance(task, Tensor):
        if task.is_floating_point() or task.is_complex() or task.dtype == torch.bool:
            raise TypeError(f"task must be whole numbers from 0, got a tensor of {task.dtype}")
        if task.ndim:
            raise ValueError(f"one task is expected here, got a tensor of shape {tuple(task.shape)}")
        task = int(task)
    return keys.whole(task, "task")


def _occurring(tasks: Tensor) -> tuple[list[int], Tensor]:
    """The different tasks of a tensor, in order, and the place in that list of every entry."""
    if tasks.is_floating_point() or tasks.is_complex() or tasks.dtype == torch.bool:
        raise TypeError(f"task must be whole numbers from 0, got a tensor of {tasks.dtype}")
    if tasks.numel() == 0:
        raise ValueError(f"task must name at least one sample, got a tensor of shape {tuple(tasks.shape)}")
    values, index = torch.unique(tasks.cpu(), return_inverse=True)
    return [keys.whole(k, "task") for k in values.tolist()], index


def _tensor(array: np.ndarray, dtype: torch.dtype, device: torch.device) -> Tensor:
    """An array of keys as a tensor: indices stay whole, real and complex numbers take the precision of ``dtype``."""
    if array.dtype == np.int64:
        return torch.from_numpy(array).to(device)
    return torch.from_numpy(array).to(device, dtype.to_complex() if np.iscomplexobj(array) else dtype)


def on_parts(transform: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A real linear map on a real tensor, or on both parts of a complex one."""
    if x.is_complex():
        return torch.complex(transform(x.real), transform(x.imag))
    return transform(x)

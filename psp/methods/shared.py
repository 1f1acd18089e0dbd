"""What several methods need: the linear maps of a network, its trained parameters, and a check of the task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from psp import keys

MAPS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)  # complexnn's are subclasses of them


def linear_maps(net: nn.Module) -> dict[str, Any]:
    """The Linear and Conv1d/2d/3d layers of a network by their paths, in the order of its modules.

    Raises:
        ValueError: there is none.
    """
    found = {path: layer for path, layer in net.named_modules() if isinstance(layer, MAPS)}
    if not found:
        raise ValueError(f"a network with a Linear or ConvNd layer is expected, got {type(net).__name__} with none")
    return found


def trained(net: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that an optimiser changes, by their names."""
    return {name: p for name, p in net.named_parameters() if p.requires_grad}


def numbers(tensors: Iterable[Tensor]) -> int:
    """How many real numbers tensors hold: a complex one is two."""
    return sum(tensor.numel() * (2 if tensor.is_complex() else 1) for tensor in tensors)


def one_of(task: int, tasks: int) -> int:
    """``task`` as an int, if it is a whole number from 0 below ``tasks``."""
    task = keys.whole(task, "task")
    if task >= tasks:
        raise ValueError(f"task must be below {tasks}, the tasks that the network was made for, got {task}")
    return task


def a_share(value: float) -> float:
    """``value``, if it lies between 0 and 1, neither of them included."""
    if not 0 < value < 1:
        raise ValueError(f"share must be above 0 and below 1, got {value}")
    return value

"""What to feed a module, and how to run it so that two runs can be compared."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

# torch's attribute names, and the number of dimensions that follow the named size in the input.
_WIDTHS = ("in_features", "in_channels", "num_features", "num_channels", "normalized_shape", "num_parameters")


def example_input(module: nn.Module, batch: int = 3, seed: int = 0) -> Tensor:
    """A complex normal input for ``module``, guessed from torch's attribute names.

    The first submodule with ``in_features``, ``in_channels``, ``num_features``, ``num_channels``,
    ``normalized_shape`` or a ``num_parameters`` above one tells the width, and the ending of its class name (1d, 2d,
    3d) how many dimensions of size 7 follow. A module with none of these gets five channels. The dtype is that of the
    first complex parameter, or the complex twin of the first floating one, or that of torch's default dtype.

    Args:
        module: any module of one input.
        batch: the number of samples.
        seed: of the numbers.

    Example:
        >>> example_input(torch.nn.Linear(6, 2, dtype=torch.complex128)).shape
        torch.Size([3, 6])
    """
    shape: tuple[int, ...] = (5,)
    spatial = 0
    for submodule in module.modules():
        name = next((name for name in _WIDTHS if getattr(submodule, name, None) not in (None, 1)), None)
        ending = re.search(r"([123])d$", type(submodule).__name__)
        if name or ending:
            width = getattr(submodule, name) if name else 5
            shape = tuple(width) if isinstance(width, Sequence) else (width,)
            spatial = int(ending[1]) if ending else 0
            break
    dtypes = [p.dtype for p in module.parameters() if p.is_floating_point() or p.is_complex()]
    dtype = next((d for d in dtypes if d.is_complex), dtypes[0] if dtypes else torch.get_default_dtype()).to_complex()
    generator = torch.Generator().manual_seed(seed)
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    return torch.randn(batch, *shape, *[7] * spatial, dtype=dtype, generator=generator).to(device)


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a module's output: itself, or those of a tuple, list or dictionary, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from tensors(entry)
    elif isinstance(value, (tuple, list)):
        for entry in value:
            yield from tensors(entry)


def run(
    module: nn.Module, inputs: Sequence[Tensor], seed: int = 0, parameters: dict[str, Tensor] | None = None
) -> list[Tensor]:
    """The module's outputs, each time with the same buffers and random numbers, which are left as they were."""
    if any(is_lazy(tensor) for tensor in module.parameters()):
        module = copy.deepcopy(module)
        module(*inputs)
    state = {name: buffer.clone() for name, buffer in module.named_buffers()} | (parameters or {})
    devices = {tensor.device for tensor in inputs if tensor.is_cuda}
    with torch.random.fork_rng(devices=list(devices)):
        torch.default_generator.manual_seed(seed)  # a hundred times faster than torch.manual_seed
        if devices:
            torch.cuda.manual_seed_all(seed)
        return list(tensors(functional_call(module, state, tuple(inputs))))


def probe(outputs: Sequence[Tensor]) -> Tensor | None:
    """A generic real linear functional of what can be differentiated; None where nothing can.

    Linear and taken from the parts, so that it adds no kink, no zero and no modulus to what it tests.
    """
    generator = torch.Generator().manual_seed(0)
    terms = []
    for output in outputs:
        if output.requires_grad:
            parts = torch.view_as_real(output.resolve_conj()) if output.is_complex() else output
            weights = torch.randn(parts.shape, dtype=torch.float64, generator=generator).to(parts.device)
            terms.append((parts.double() * weights).sum())
    return torch.stack(terms).sum() if terms else None


def rounding(dtype: torch.dtype) -> float:
    """The relative error allowed to two ways of computing one thing: 2000 units of rounding of ``dtype``."""
    return 2000 * torch.finfo(dtype).eps


def deviation(actual: Tensor, expected: Tensor) -> float:
    """max |actual - expected| over max |expected|; infinite where shapes or dtypes differ, or, unless the two are
    equal, where anything is NaN or infinite."""
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return float("inf")
    if not actual.numel():
        return 0.0
    if not (actual.is_complex() or actual.is_floating_point()):
        return 0.0 if torch.equal(actual, expected) else float("inf")
    if torch.equal(actual, expected):
        return 0.0
    actual, expected = actual.detach(), expected.detach()
    error = (actual - expected).abs().max() / expected.abs().max()
    return float(error.nan_to_num(torch.inf, torch.inf))

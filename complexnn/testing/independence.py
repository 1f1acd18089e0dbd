"""Independence of samples, or of channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn.testing.inputs import deviation, example_input, probe, rounding, run


def _disturbed(tensor: Tensor, dim: int, value: float | None) -> Tensor:
    """The tensor with its first slice replaced: by other numbers of its own, or by ``value``."""
    if not (tensor.is_complex() or tensor.is_floating_point()):
        return tensor
    first = tensor.narrow(dim, 0, 1)
    if value is not None:
        other = torch.full_like(first, value)
    else:  # a real number may have to be positive, as a variance has: it keeps its sign
        other = first.flip(tuple(range(tensor.ndim))) * 1.7
        other = 0.3 - other if tensor.is_complex() else other
    return torch.cat([other, tensor.narrow(dim, 1, tensor.shape[dim] - 1)], dim)


def assert_independent(
    module: nn.Module, *inputs: Tensor, dim: int = 0, rtol: float | None = None, seed: int = 0
) -> None:
    """Assert that no slice of the output along ``dim`` depends on another slice of the input.

    With ``dim=0`` that is independence of the samples, which everything but batch normalisation should have; with
    ``dim=1`` that of the channels, which activations, pooling and dropout should have. The first slice of all inputs
    is replaced, by other numbers and by infinities: the other slices of the output must stay as they were, and their
    gradient with respect to the first slice must be zero.

    Args:
        module: the module; its inputs and outputs have the same size along ``dim``, at least two.
        *inputs: what it is called with; by default :func:`example_input`.
        dim: the dimension whose slices are apart.
        rtol: the largest error allowed, over the largest output; by default 2000 units of rounding.
        seed: of the random numbers that the module draws.

    Raises:
        AssertionError: a slice depends on another.
        ValueError: an input or an output has fewer than two slices, or they have different numbers of them.

    Example:
        >>> assert_independent(torch.nn.Linear(3, 2), torch.randn(4, 3))
        >>> assert_independent(torch.nn.BatchNorm1d(3), torch.randn(4, 3))
        Traceback (most recent call last):
        ...
        AssertionError: BatchNorm1d(3, ...) mixes slices of dimension 0: ...
    """
    inputs = inputs or (example_input(module),)
    leaves = [_leaf(tensor) for tensor in inputs]
    outputs = run(module, leaves, seed)
    sizes = {tensor.shape[dim] if tensor.ndim > dim else 0 for tensor in (*leaves, *outputs)}
    if len(sizes) != 1 or min(sizes) < 2:
        raise ValueError(f"expected two or more slices along dimension {dim} in inputs and outputs, got {sizes}")
    rest = sizes.pop() - 1
    for value in (None, torch.inf):
        with torch.no_grad():
            disturbed = run(module, [_disturbed(tensor, dim, value) for tensor in inputs], seed)
        for number, (actual, output) in enumerate(zip(disturbed, outputs, strict=True)):
            output = output.detach()
            error = deviation(actual.narrow(dim, 1, rest), output.narrow(dim, 1, rest))
            floating = output.is_complex() or output.is_floating_point()
            limit = rtol if rtol is not None else rounding(output.dtype) if floating else 0.0
            if error > limit:
                change = "other numbers" if value is None else "infinities"
                raise AssertionError(
                    f"{module} mixes slices of dimension {dim}: with {change} in the first slice, the others of "
                    f"output {number} move by {error:.2g} of their largest value; {limit:.2g} is allowed"
                )
    _check_gradient(module, leaves, outputs, dim, rest)


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().requires_grad_(tensor.is_complex() or tensor.is_floating_point())


def _check_gradient(module: nn.Module, leaves: list[Tensor], outputs: list[Tensor], dim: int, rest: int) -> None:
    wanted = [tensor for tensor in leaves if tensor.requires_grad]
    head = probe([output.narrow(dim, 1, rest) for output in outputs])
    if not wanted or head is None:
        return
    for gradient in torch.autograd.grad(head, wanted, allow_unused=True):
        if gradient is not None and (leak := float(gradient.narrow(dim, 0, 1).abs().max())) != 0:
            raise AssertionError(
                f"{module} mixes slices of dimension {dim} backward: the gradient of the others with respect to the "
                f"first slice reaches {leak:.2g}"
            )

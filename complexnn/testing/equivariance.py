"""Equivariance under global phase and under conjugation."""

from __future__ import annotations

import cmath
from collections.abc import Callable

import torch
from torch import Tensor, nn

from complexnn.testing.inputs import deviation, example_input, rounding, run

# Generic angles: a map that only respects quarter turns (any odd split function) is not phase-equivariant.
_ANGLES = (0.7, 2.2, -1.3, cmath.pi / 2)


def _rotation(angle: float) -> Callable[[Tensor], Tensor]:
    phasor = cmath.rect(1, angle)
    return lambda tensor: tensor * phasor if tensor.is_complex() else tensor


def _conjugation(tensor: Tensor) -> Tensor:
    return tensor.conj().resolve_conj() if tensor.is_complex() else tensor


def assert_equivariant(
    module: nn.Module, *inputs: Tensor, group: str = "phase", rtol: float | None = None, seed: int = 0
) -> None:
    """Assert that a module commutes with a group: f(g z) = g f(z) for its elements g.

    ``"phase"`` is U(1): g z = e^{ja} z, tested at three generic angles and a quarter turn. ``"conjugation"`` is
    g z = conj z. The group acts on every complex tensor among inputs and outputs and leaves real and integer ones as
    they are, so a real output of an equivariant module is invariant. The module is run as it stands, in training or
    in evaluation, on copies with the same random numbers.

    Args:
        module: the module.
        *inputs: what it is called with, at least one of them complex; by default :func:`example_input`.
        group: ``"phase"`` or ``"conjugation"``.
        rtol: the largest error allowed, over the largest output; by default 2000 units of rounding.
        seed: of the random numbers that the module draws.

    Raises:
        AssertionError: the module is not equivariant; by how much, and under which element.
        TypeError: no input is complex.
        ValueError: the group is unknown.

    Example:
        >>> import complexnn
        >>> assert_equivariant(complexnn.ModReLU(), group="phase")
        >>> assert_equivariant(complexnn.CReLU(), group="phase")
        Traceback (most recent call last):
        ...
        AssertionError: CReLU() is not phase-equivariant: ...
    """
    inputs = inputs or (example_input(module),)
    if not any(tensor.is_complex() for tensor in inputs):
        raise TypeError(f"expected a complex input, got {', '.join(str(tensor.dtype) for tensor in inputs)}")
    if group == "phase":
        actions = {f"a phase of {angle:.2f} rad": _rotation(angle) for angle in _ANGLES}
    elif group == "conjugation":
        actions = {"conjugation": _conjugation}
    else:
        raise ValueError(f"group must be 'phase' or 'conjugation', got {group!r}")
    with torch.no_grad():
        outputs = run(module, inputs, seed)
        for name, act in actions.items():
            turned = run(module, [act(tensor) for tensor in inputs], seed)
            for number, (actual, output) in enumerate(zip(turned, outputs, strict=True)):
                error = deviation(actual, act(output))
                floating = output.is_complex() or output.is_floating_point()
                limit = rtol if rtol is not None else rounding(output.dtype) if floating else 0.0
                if error > limit:
                    raise AssertionError(
                        f"{module} is not {group}-equivariant: under {name}, output {number} is off by {error:.2g} of "
                        f"its largest value; {limit:.2g} is allowed"
                    )

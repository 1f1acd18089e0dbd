"""Derivatives: finite differences, and Cauchy-Riemann."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from complexnn.testing.inputs import example_input, run, tensors


def _double(tensor: Tensor) -> Tensor:
    if tensor.is_complex():
        return tensor.to(torch.complex128)
    return tensor.to(torch.float64) if tensor.is_floating_point() else tensor


def gradcheck_module(
    module: nn.Module,
    *inputs: Tensor,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-4,
    fast_mode: bool = False,
    second_order: bool = False,
    seed: int = 0,
) -> bool:
    """Compare a module's backward with central differences, for its inputs and for its parameters.

    Runs :func:`torch.autograd.gradcheck` on a copy in double precision, each call with the same buffers and the same
    random numbers. The inputs should be generic: no finite difference is right at a kink.

    Args:
        module: the module, left as it is.
        *inputs: what it is called with; by default :func:`example_input`.
        eps: the step of the differences.
        atol: the absolute error allowed.
        rtol: the relative error allowed.
        fast_mode: compare one random projection of the Jacobian instead of all of it.
        second_order: compare the second derivatives too.
        seed: of the random numbers that the module draws.

    Returns:
        True, as torch's gradcheck does.

    Raises:
        torch.autograd.gradcheck.GradcheckError: (a RuntimeError) the derivatives differ.

    Example:
        >>> gradcheck_module(torch.nn.Linear(3, 2, dtype=torch.complex64))
        True
    """
    inputs = inputs or (example_input(module),)
    module = copy.deepcopy(module)._apply(_double)
    names = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    parameters = [module.get_parameter(name).detach().clone().requires_grad_() for name in names]
    leaves = [_double(tensor.detach()).clone() for tensor in inputs]
    for leaf in leaves:
        leaf.requires_grad_(leaf.is_complex() or leaf.is_floating_point())

    def function(*arguments: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(names, arguments[len(leaves) :], strict=True))
        outputs = run(module, arguments[: len(leaves)], seed, given)
        return tuple(output for output in outputs if output.requires_grad)

    arguments = (*leaves, *parameters)
    torch.autograd.gradcheck(function, arguments, eps=eps, atol=atol, rtol=rtol, fast_mode=fast_mode)
    if second_order:
        torch.autograd.gradgradcheck(function, arguments, eps=eps, atol=atol, rtol=rtol, fast_mode=fast_mode)
    return True


def holomorphy_residual(function: Callable[[Tensor], Any], z: Tensor, seed: int = 0) -> float:
    """How far a function is from Cauchy-Riemann at ``z``: |df/d(conj z)| / sqrt(|df/dz|^2 + |df/d(conj z)|^2).

    Zero for a holomorphic function, one for an antiholomorphic one such as conj z, 1/sqrt 2 for a real one, NaN where
    the gradient is. The two Jacobians are taken by autograd along one random direction: for a cotangent g torch gives
    v(g) = conj(df/dz)^T g + (df/d(conj z))^T conj(g), so that v(g) - j v(jg) is twice the first term and
    v(g) + j v(jg) twice the second.

    Args:
        function: a module or any function of one complex tensor, with a tensor or tensors as output.
        z: where, any shape, complex.
        seed: of the random direction.

    Raises:
        TypeError: ``z`` is not complex.

    Example:
        >>> z = torch.tensor([1 + 2j, -0.5 + 0.1j])
        >>> holomorphy_residual(torch.exp, z) < 1e-6
        True
        >>> round(holomorphy_residual(torch.conj, z), 6)
        1.0
    """
    if not z.is_complex():
        raise TypeError(f"expected a complex tensor, got {z.dtype}")
    z = z.detach().clone().requires_grad_()
    outputs = [output.to(output.dtype.to_complex()) for output in tensors(function(z)) if output.requires_grad]
    if not outputs:
        return 0.0
    generator = torch.Generator().manual_seed(seed)
    directions = [torch.randn(o.shape, dtype=o.dtype, generator=generator).to(o.device) for o in outputs]
    (along,) = torch.autograd.grad(outputs, z, directions, retain_graph=True, materialize_grads=True)
    turned_directions = [torch.complex(-d.imag, d.real) for d in directions]
    (across,) = torch.autograd.grad(outputs, z, turned_directions, materialize_grads=True)
    turned = torch.complex(-across.imag, across.real)  # j v(jg)
    holomorphic, antiholomorphic = float((along - turned).norm()), float((along + turned).norm())
    whole = math.hypot(holomorphic, antiholomorphic)
    return antiholomorphic / whole if whole else 0.0

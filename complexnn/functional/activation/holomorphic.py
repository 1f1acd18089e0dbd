"""Fully complex activations: the analytic continuations of real ones.

A function that is analytic and bounded on the whole plane is constant (Liouville): each of these has poles, branch
points or exponential growth somewhere, and its docstring says where (Kim and Adali 2003). Near a pole values and
gradients have no bound.

The derivatives of torch's own inverse functions are NaN from |z| of 1e19 in complex64 on, where z^2 overflows; these
are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from complexnn.functional.activation._planes import planes
from complexnn.functional.checks import require_complex


def _times_j(z: Tensor) -> Tensor:
    x, y = planes(z)
    return torch.complex(-y, x)


class _Holomorphic(torch.autograd.Function):
    """A function with a given derivative, itself differentiable."""

    generate_vmap_rule = True

    @staticmethod
    def forward(z: Tensor, function: Callable[[Tensor], Tensor], derivative: Callable[[Tensor], Tensor]) -> Tensor:
        return function(z)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.derivative = inputs[2]

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        return g * ctx.derivative(*ctx.saved_tensors).conj(), None, None


def _inverse_root(z: Tensor) -> Tensor:
    """1 / sqrt(1 - z^2), the derivative of asin."""
    return torch.sqrt(1 - z).reciprocal() * torch.sqrt(1 + z).reciprocal()


def _inverse(z: Tensor) -> Tensor:
    """1 / (1 - z^2), the derivative of atanh."""
    return (1 - z).reciprocal() * (1 + z).reciprocal()


def complex_sigmoid(z: Tensor) -> Tensor:
    """The logistic function 1 / (1 + e^{-z}) (Nitta 1997, for complex z), to rounding on both half-planes.

    Poles at z = j pi (2n + 1).

    Example:
        >>> complex_sigmoid(torch.tensor([3 + 0j]))
        tensor([0.9526+0.j])
    """
    require_complex(z, "complex_sigmoid")

    def sigmoid(z: Tensor) -> Tensor:
        right = planes(z)[0] >= 0
        small = torch.exp(torch.where(right, -z, z))  # of the exponentials of z and -z the one that cannot overflow
        return torch.where(right, 1, small) / (1 + small)

    value: Tensor = _Holomorphic.apply(z, sigmoid, lambda z: complex_sigmoid(z) * complex_sigmoid(-z))
    return value


def complex_asin(z: Tensor) -> Tensor:
    """asin z. Branch points at z = -1 and 1, where the derivative has no bound; cuts along the real axis beyond them.

    Example:
        >>> complex_asin(torch.tensor([0.5 + 0j]))
        tensor([0.5236+0.j])
    """
    require_complex(z, "complex_asin")
    value: Tensor = _Holomorphic.apply(z, torch.asin, _inverse_root)
    return value


def complex_acos(z: Tensor) -> Tensor:
    """acos z. Branch points at z = -1 and 1, where the derivative has no bound; cuts along the real axis beyond them.

    Example:
        >>> complex_acos(torch.tensor([0.5 + 0j]))
        tensor([1.0472-0.j])
    """
    require_complex(z, "complex_acos")
    value: Tensor = _Holomorphic.apply(z, torch.acos, lambda z: -_inverse_root(z))
    return value


def complex_atan(z: Tensor) -> Tensor:
    """atan z. Logarithmic singularities at z = -j and j; cuts along the imaginary axis beyond them.

    Example:
        >>> complex_atan(torch.tensor([1 + 0j]))
        tensor([0.7854+0.j])
    """
    require_complex(z, "complex_atan")
    value: Tensor = _Holomorphic.apply(z, torch.atan, lambda z: _inverse(_times_j(z)))
    return value


def complex_asinh(z: Tensor) -> Tensor:
    """asinh z. Branch points at z = -j and j, where the derivative has no bound; cuts along the imaginary axis beyond
    them.

    Example:
        >>> complex_asinh(torch.tensor([1 + 0j]))
        tensor([0.8814+0.j])
    """
    require_complex(z, "complex_asinh")
    value: Tensor = _Holomorphic.apply(z, torch.asinh, lambda z: _inverse_root(_times_j(z)))
    return value


def complex_atanh(z: Tensor) -> Tensor:
    """atanh z. Logarithmic singularities at z = -1 and 1; cuts along the real axis beyond them.

    Example:
        >>> complex_atanh(torch.tensor([0.5 + 0j]))
        tensor([0.5493+0.j])
    """
    require_complex(z, "complex_atanh")
    value: Tensor = _Holomorphic.apply(z, torch.atanh, _inverse)
    return value


def log_cosh(z: Tensor) -> Tensor:
    """ln cosh z, without overflow for large z and without cancellation for small ones.

    With w the one of z and -z in the right half-plane: w + ln(1 + e^{-2w}) - ln 2, and ln(1 + sinh^2 z)/2 where
    |z| < 1. The imaginary part is that of the logarithm up to multiples of 2 pi. Logarithmic singularities at
    z = j pi (n + 1/2). The derivative is tanh z.

    Example:
        >>> log_cosh(torch.tensor([1000 + 0j, 1e-3 + 0j]))
        tensor([9.9931e+02+0.j, 5.0000e-07+0.j])
    """
    require_complex(z, "log_cosh")

    def function(z: Tensor) -> Tensor:
        w = torch.where(planes(z)[0] >= 0, z, -z)
        large = w + torch.log1p(torch.exp(-2 * w)) - math.log(2)
        return torch.where(z.abs() < 1, 0.5 * torch.log1p(torch.sinh(z).square()), large)

    value: Tensor = _Holomorphic.apply(z, function, torch.tanh)
    return value

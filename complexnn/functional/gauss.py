"""Complex products from three real ones (Gauss): matrix products and convolutions on a CPU.

With w = a + jb and z = x + jy, a bilinear product w z follows from P = (a + b) x, Q = a (y - x) and R = b (x + y):

    w z = (P - R) + j (P + Q)

Three real products in place of four, in the forward pass and in each of the two gradients. The error relative to
\\|w\\| \\|z\\| stays within a small factor of that of four products, measured 1.4 in complex64; the bound is in Higham
1992, "Stability of a method for multiplying complex matrices with three real matrix multiplications". What is lost is
that the smaller part of a result has an error of its own size: it has that of the larger part.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

Planes = Sequence[Tensor]  # the three real factors that stand for a complex one


class Product(Protocol):
    """A product of a complex input and a complex weight."""

    channels: int  # the dimension of the result that the bias is for

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """torch's own."""

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        """Whether three real products are faster than torch's."""

    def join(self, input: Planes, weight: Planes, bias: Tensor | None) -> Tensor:
        """(P - R) + j (P + Q) + bias."""

    def gradients(
        self, grad: Planes, input: Planes, weight: Planes, needs: Sequence[bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        """The gradients of the complex input and weight, where they are needed."""


def _add_product(total: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """total + x y, in place of ``total`` where autograd does not watch: that saves passes over memory."""
    return torch.addmm(total, x, y) if torch.is_grad_enabled() else total.addmm_(x, y)


class MatrixProduct:
    """y = x W^T + b over the last dimension of x."""

    channels = -1
    # Products for each number read or written. Splitting and joining the parts takes passes over memory, which the
    # product that is saved must outweigh: it does not yet at 43 (batch 64, 256 to 256).
    intensity = 64.0

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(input, weight, bias)

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        if input.ndim < 2 or weight.ndim != 2:
            return False
        batch, (outputs, inputs) = math.prod(input.shape[:-1]), weight.shape
        memory = batch * inputs + batch * outputs + inputs * outputs
        return batch * inputs * outputs >= self.intensity * memory

    def join(self, input: Planes, weight: Planes, bias: Tensor | None) -> Tensor:
        x, y, z = (plane.flatten(0, -2) for plane in input)
        a, b, c = (plane.mT for plane in weight)
        imag = x @ a
        real = torch.addmm(imag, z, c, alpha=-1)
        output = torch.complex(real, _add_product(imag, y, b)).unflatten(0, input[0].shape[:-1])
        return output if bias is None else output.add_(bias)

    def gradients(
        self, grad: Planes, input: Planes, weight: Planes, needs: Sequence[bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        of_input = of_weight = None
        p, q, r = (plane.flatten(0, -2) for plane in grad)
        a, b, c = weight
        if needs[0]:
            imag, rest = q @ b, r @ c
            real = torch.addmm(imag, p, a, beta=-1)
            of_input = torch.complex(real.add_(rest), imag.add_(rest)).unflatten(0, input[0].shape[:-1])
        if needs[1]:
            x, y, z = (plane.flatten(0, -2) for plane in input)
            imag = p.mT @ x
            real = torch.addmm(imag, q.mT, y)
            of_weight = torch.complex(real, _add_product(imag, r.mT, z))
        return of_input, of_weight


class Convolution:
    """A convolution of a batch in one, two or three dimensions."""

    channels = 1
    # Numbers in the input. torch's complex convolution takes three real ones too, in more passes over memory, which
    # below this the fixed cost of a call outweighs.
    least = 2**14

    def __init__(self, stride: list[int], padding: list[int], dilation: list[int], groups: int) -> None:
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[len(self.stride) - 1]
        return convolve(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        return input.numel() >= self.least

    def join(self, input: Planes, weight: Planes, bias: Tensor | None) -> Tensor:
        biases = (None, None, None) if bias is None else (None, bias.imag.clone(), -bias.real)
        p, q, r = map(self, input, weight, biases)
        return torch.complex(p - r, q.add_(p))

    def gradients(
        self, grad: Planes, input: Planes, weight: Planes, needs: Sequence[bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        of_input = of_weight = None
        first, second, _ = zip(*map(self._backward, grad, input, weight, [needs] * 3), strict=True)
        if needs[0]:
            p, q, r = first
            of_input = torch.complex(p.sub_(q).add_(r), q.add_(r))
        if needs[1]:
            p, q, r = second
            of_weight = torch.complex(q.add_(p), r.add_(p))
        return of_input, of_weight

    def _backward(self, grad: Tensor, input: Tensor, weight: Tensor, needs: Sequence[bool]) -> tuple[Any, ...]:
        return torch.ops.aten.convolution_backward(
            grad, input, weight, None, self.stride, self.padding, self.dilation, False, [0] * len(self.stride),
            self.groups, (needs[0], needs[1], False),
        )  # fmt: skip


def _parts(z: Tensor) -> list[Tensor]:
    """Copies of the parts of z: arithmetic on views with gaps is slower than that and the copy."""
    return [part.clone() for part in torch.view_as_real(z.resolve_conj()).unbind(-1)]


def _planes(input: Tensor, weight: Tensor) -> list[Tensor]:
    """The factors of P, Q and R: those of the input, then those of the weight."""
    x, y = _parts(input)
    a, b = _parts(weight)
    return [x, y - x, y.add_(x), a + b, a, b]


class _Gauss(torch.autograd.Function):
    """``planes`` are made outside, so that forward and backward share them."""

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None, product: Product, *planes: Tensor) -> Tensor:
        return product.join(planes[:3], planes[3:], bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, _, ctx.product, *planes = inputs
        ctx.save_for_backward(input, weight, *planes)
        ctx.save_for_forward(input, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_autocast_enabled("cpu"):  # which forward was not under
            with torch.autocast("cpu", enabled=False):
                return _Gauss.backward(ctx, grad)
        input, weight, *planes = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated once more: planes that know where they come from
            planes = _planes(input, weight)
        needs, product = ctx.needs_input_grad, ctx.product
        x, y = _parts(grad)
        of_bias = None
        if needs[2]:
            others = [d for d in range(grad.ndim) if d != product.channels % grad.ndim]
            of_bias = torch.complex(x.sum(others), y.sum(others))
        x.neg_()
        of_input, of_weight = product.gradients((y - x, y, x), planes[:3], planes[3:], needs)
        return of_input, of_weight, of_bias, *[None] * 7

    @staticmethod
    def vmap(_: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
        input, weight, bias, product = inputs[:4]  # torch's own has a batching rule
        return torch.vmap(product, in_dims[:3])(input, weight, bias), 0

    @staticmethod
    def jvp(ctx: Any, input_t: Tensor | None, weight_t: Tensor | None, bias_t: Tensor | None, *_: None) -> Tensor:
        input, weight = ctx.saved_tensors[:2]
        first = ctx.product(torch.zeros_like(input) if input_t is None else input_t, weight, bias_t)
        return first if weight_t is None else first + ctx.product(input, weight_t, None)


# torch asks for the signature at every call, and that takes long without this.
_Gauss.forward.__signature__ = inspect.signature(_Gauss.forward)  # type: ignore[attr-defined]


def under_autocast(z: Tensor) -> bool:
    """Whether autocast would round real products on the device of ``z`` to half precision."""
    device = z.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def multiply(input: Tensor, weight: Tensor, bias: Tensor | None, product: Product) -> Tensor:
    """``product`` of complex tensors by three real products where that is faster, and else by torch's own."""
    on_cpu = input.device.type == weight.device.type == "cpu"
    if not (on_cpu and weight.is_complex() and product.pays(input, weight)) or under_autocast(input):
        return product(input, weight, bias)
    if torch.compiler.is_compiling():  # does not take a Function with a jvp, and fuses plain operations by itself
        planes = _planes(input, weight)
        return product.join(planes[:3], planes[3:], bias)
    with torch.no_grad():
        planes = _planes(input, weight)
    return _Gauss.apply(input, weight, bias, product, *planes)

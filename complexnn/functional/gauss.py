"""Gauss's trick: a complex product from three real ones, for the matrix products and convolutions on a CPU.

With w = a + jb and z = x + jy, a bilinear product w z needs the real products P = a x, Q = b y, R = (a + b) (x + y):

    w z = (P - Q) + j (R - P - Q)

Three real products in place of four, in the forward pass and in each of the two gradients. The error relative to
\\|w\\| \\|z\\| stays that of four products within a small factor (Higham 1992, "Stability of a method for multiplying
complex matrices with three real matrix multiplications", section 2); a part of the result that is much smaller than
the other one has the absolute error of the larger.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

Gradients = tuple[Tensor | None, Tensor | None]


class Product(Protocol):
    """A product of an input and a weight, of real tensors or of complex ones."""

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor: ...

    def gradients(self, grad: Tensor, input: Tensor, weight: Tensor, needs: Sequence[bool]) -> Gradients:
        """The gradients of real factors, where they are needed."""

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        """Whether three real products are faster than torch's complex one."""


class MatrixProduct:
    """y = x W^T + b of matrices."""

    # Products for each number read or written. Splitting and joining the parts costs passes over memory, and one of the
    # four products saved must outweigh them: they break even at 43 (batch 64, 256 to 256), at 64 three products win.
    intensity = 48

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(input, weight, bias)

    def gradients(self, grad: Tensor, input: Tensor, weight: Tensor, needs: Sequence[bool]) -> Gradients:
        return grad @ weight if needs[0] else None, grad.mT @ input if needs[1] else None

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        batch, (outputs, inputs) = input.shape[0], weight.shape
        memory = batch * inputs + batch * outputs + inputs * outputs
        return batch * inputs * outputs >= self.intensity * memory


class Convolution:
    """A convolution of a batch in one, two or three dimensions."""

    def __init__(self, stride: list[int], padding: list[int], dilation: list[int], groups: int) -> None:
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        convolve = (F.conv1d, F.conv2d, F.conv3d)[len(self.stride) - 1]
        return convolve(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def gradients(self, grad: Tensor, input: Tensor, weight: Tensor, needs: Sequence[bool]) -> Gradients:
        first, second, _ = torch.ops.aten.convolution_backward(
            grad, input, weight, None, self.stride, self.padding, self.dilation, False, [0] * len(self.stride),
            self.groups, (needs[0], needs[1], False),
        )  # fmt: skip
        return first, second

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        return True  # torch's own takes three real convolutions too, in more passes over memory


def _planes(z: Tensor) -> list[Tensor]:
    """The parts of z and their sum."""
    x, y = (part.clone() for part in torch.view_as_real(z.resolve_conj()).unbind(-1))
    return [x, y, x + y]


class _Gauss(torch.autograd.Function):
    """``planes`` are those of the input and of the weight, made outside so that backward has them as well."""

    generate_vmap_rule = True

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None, product: Product, *planes: Tensor) -> Tensor:
        a, b = (None, None) if bias is None else (bias.real.clone(), bias.real + bias.imag)
        p, q, r = map(product, planes[:3], planes[3:], (a, None, b))
        r.sub_(p).sub_(q)
        return torch.complex(p.sub_(q), r)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, _, ctx.product, *planes = inputs
        ctx.save_for_backward(input, weight, *planes)
        ctx.save_for_forward(input, weight, *planes)  # the same: vmap keeps the batch dimensions of one list

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        input, weight, *planes = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated once more: planes that know where they come from
            planes = _planes(input) + _planes(weight)
        needs = ctx.needs_input_grad
        x, y = torch.view_as_real(grad.resolve_conj()).unbind(-1)
        y = y.clone()
        with torch.autocast("cpu", enabled=False):
            parts = [
                ctx.product.gradients(part, *factors, needs)
                for part, *factors in zip((x - y, (x + y).neg_(), y), planes[:3], planes[3:], strict=True)
            ]
        grads = [None if p is None else torch.complex(p.add_(r), q.add_(r)) for p, q, r in zip(*parts, strict=True)]
        bias = grad.sum([d for d in range(grad.ndim) if d != 1]) if needs[2] else None
        return *grads, bias, *[None] * 7

    @staticmethod
    def jvp(ctx: Any, input_t: Tensor | None, weight_t: Tensor | None, bias_t: Tensor | None, *_: None) -> Tensor:
        input, weight, *_ = ctx.saved_tensors
        terms = [] if input_t is None else [ctx.product(input_t, weight, None)]
        terms += [] if weight_t is None else [ctx.product(input, weight_t, None)]
        if bias_t is not None:
            terms.append(bias_t.reshape(-1, *[1] * (input.ndim - 2)))
        return sum(terms[1:], terms[0])


# torch reads the signature at every call, which takes six times as long without this.
_Gauss.forward.__signature__ = inspect.signature(_Gauss.forward)  # type: ignore[attr-defined]


def under_autocast(z: Tensor) -> bool:
    """Whether autocast would round real products on the device of ``z`` to half precision."""
    device = z.device.type
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def multiply(input: Tensor, weight: Tensor, bias: Tensor | None, product: Product) -> Tensor:
    """``product`` of complex tensors by three real products where that is faster, and else by torch's own.

    The batch is dimension 0 of the input and of the result, the channels are dimension 1.
    """
    on_cpu = input.device.type == weight.device.type == "cpu"
    if on_cpu and weight.is_complex() and not under_autocast(input) and product.pays(input, weight):
        if torch.compiler.is_compiling():  # does not take a Function with a jvp, and fuses plain operations by itself
            return _Gauss.forward(input, weight, bias, product, *_planes(input), *_planes(weight))
        with torch.no_grad():
            planes = _planes(input) + _planes(weight)
        return _Gauss.apply(input, weight, bias, product, *planes)
    return product(input, weight, bias)

"""Complex products from three real ones (Gauss): matrix products and convolutions on a CPU.

With w = a + jb and z = x + jy, a bilinear product w z follows from P = (a + b) x, Q = a (y - x) and R = b (x + y):

    w z = (P - R) + j (P + Q)

Three real products in place of four, in the forward pass and in each of the two gradients. The error relative to
\\|w\\| \\|z\\| stays within a small factor of that of four, measured 1.4 in complex64 (Higham 1992, "Stability of a
method for multiplying complex matrices with three real matrix multiplications", has the bound); what is lost is that
the smaller part of a result has an error of its own size: it has that of the larger part.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

Gradients = tuple[Any, Any]  # None where it is not needed


class Product(Protocol):
    """A product of an input and a weight, of real tensors or of complex ones."""

    channels: int  # the dimension of the result that the bias is for

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor: ...

    def gradients(self, grad: Tensor, input: Tensor, weight: Tensor, needs: Sequence[bool]) -> Gradients:
        """The gradients of real factors, where they are needed."""

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        """Whether three real products are faster than torch's complex one."""


class MatrixProduct:
    """y = x W^T + b over the last dimension of x."""

    channels = -1
    # Products for each number read or written. Splitting and joining the parts takes passes over memory, and the
    # product that is saved must outweigh them: they break even near 64 (batch 128, 256 to 256).
    intensity = 80.0

    def __call__(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.linear(input, weight, bias)

    def gradients(self, grad: Tensor, input: Tensor, weight: Tensor, needs: Sequence[bool]) -> Gradients:
        rows = grad.flatten(0, -2), input.flatten(0, -2)
        return grad @ weight if needs[0] else None, rows[0].mT @ rows[1] if needs[1] else None

    def pays(self, input: Tensor, weight: Tensor) -> bool:
        if input.ndim < 2 or weight.ndim != 2:
            return False
        batch, (outputs, inputs) = math.prod(input.shape[:-1]), weight.shape
        memory = batch * inputs + batch * outputs + inputs * outputs
        return batch * inputs * outputs >= self.intensity * memory


class Convolution:
    """A convolution of a batch in one, two or three dimensions."""

    channels = 1
    # Numbers in the input. torch's complex convolution takes three real ones too, in more passes over memory; below,
    # the fixed cost of a call outweighs those.
    least = 2**14

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
        return input.numel() >= self.least


def _parts(z: Tensor) -> tuple[Tensor, ...]:
    return torch.view_as_real(z.resolve_conj()).unbind(-1)


def _planes(input: Tensor, weight: Tensor) -> list[Tensor]:
    """The factors of P, Q and R: those of the input, then those of the weight."""
    x, y = _parts(input)
    a, b = (part.clone() for part in _parts(weight))
    x = x.clone()
    return [x, y - x, x + y, a + b, a, b]


class _Gauss(torch.autograd.Function):
    """``planes`` are made outside, so that forward and backward share them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None, product: Product, *planes: Tensor) -> Tensor:
        biases = (None, None, None) if bias is None else (None, bias.imag.clone(), -bias.real)
        p, q, r = map(product, planes[:3], planes[3:], biases)
        return torch.complex(p - r, q.add_(p))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        input, weight, _, ctx.product, *planes = inputs
        ctx.save_for_backward(input, weight, *planes)
        ctx.save_for_forward(input, weight, *planes)  # the same: vmap keeps the batch dimensions of one list

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
        x, y = -x, y.clone()
        factors = zip((y - x, y, x), planes[:3], planes[3:], strict=True)
        terms = [product.gradients(g, u, v, needs) for g, u, v in factors]
        grads: list[Tensor | None] = [None] * 10
        if needs[0]:
            p, q, r = (term[0] for term in terms)
            grads[0] = torch.complex(p.sub_(q).add_(r), q.add_(r))
        if needs[1]:
            p, q, r = (term[1] for term in terms)
            grads[1] = torch.complex(q.add_(p), r.add_(p))
        if needs[2]:
            channels = product.channels % grad.ndim
            grads[2] = grad.sum([d for d in range(grad.ndim) if d != channels])
        return tuple(grads)

    @staticmethod
    def jvp(ctx: Any, input_t: Tensor | None, weight_t: Tensor | None, bias_t: Tensor | None, *_: None) -> Tensor:
        input, weight, *_ = ctx.saved_tensors
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
        return _Gauss.forward(input, weight, bias, product, *_planes(input, weight))
    with torch.no_grad():
        planes = _planes(input, weight)
    return _Gauss.apply(input, weight, bias, product, *planes)

"""Linear, widely linear and bilinear maps of complex tensors, and the embedding."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from complexnn.functional.checks import require_complex
from complexnn.functional.gauss import MatrixProduct, multiply, under_autocast


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = W z + b over the last dimension (Trabelsi 2018, section 3.2); the weight is not conjugated.

    On a CPU, where the batch and both widths are large enough, by three real products instead of four.
    """
    require_complex(input, "linear")
    return multiply(input, weight, bias, MatrixProduct())


def widely_linear(input: Tensor, weight: Tensor, conj_weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = A z + B conj(z) + b over the last dimension (Picinbono & Chevalier 1995, eq. 7): any real-linear map.

    One real product of the interleaved parts, at the cost of one complex product.
    """
    require_complex(input, "widely_linear")
    if weight.shape != conj_weight.shape or input.shape[-1:] != weight.shape[-1:]:
        raise ValueError(
            f"widely_linear expects two weights of one shape (out, in) and an input of shape (*, in), got weights of "
            f"shape {tuple(weight.shape)} and {tuple(conj_weight.shape)} and an input of shape {tuple(input.shape)}"
        )
    if under_autocast(input):
        return F.linear(input, weight, bias) + F.linear(input.conj(), conj_weight)
    # y = (A + B) Re z + j (A - B) Im z: the columns of the real matrix in pairs
    real = torch.view_as_real((weight + conj_weight).resolve_conj())
    x, y = torch.view_as_real((weight - conj_weight).resolve_conj()).unbind(-1)
    columns = torch.stack((real, torch.stack((-y, x), -1)), -1)  # (out, in, part of y, part of z)
    matrix = columns.transpose(1, 2).flatten(2).flatten(0, 1)
    parts = torch.view_as_real(input.resolve_conj()).flatten(-2)
    output = torch.view_as_complex(F.linear(parts, matrix).unflatten(-1, (weight.shape[0], 2)))
    return output if bias is None else output + bias


def bilinear(
    input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None, conjugate: bool = False
) -> Tensor:
    """y_k = z1^T W_k z2 + b_k over the last dimensions; z1^T W_k conj(z2) + b_k with ``conjugate``."""
    require_complex(input1, "bilinear")
    require_complex(input2, "bilinear")
    if weight.ndim != 3:
        raise ValueError(f"bilinear expects a weight of shape (out, in1, in2), got {tuple(weight.shape)}")
    outputs, in1, in2 = weight.shape
    if input1.shape != (*input2.shape[:-1], in1) or input2.shape[-1] != in2:
        raise ValueError(
            f"bilinear expects inputs of shape (*, {in1}) and (*, {in2}), got {tuple(input1.shape)} and "
            f"{tuple(input2.shape)}"
        )
    # torch's own has no gradient for complex tensors
    rows = linear(input1, weight.transpose(1, 2).flatten(0, 1)).unflatten(-1, (outputs, in2))
    output = (rows @ (input2.conj() if conjugate else input2)[..., None]).squeeze(-1)
    return output if bias is None else output + bias


def _rows(weight: Tensor, index: Tensor, padding_idx: int | None = None, scale_grad_by_freq: bool = False) -> Tensor:
    parts = torch.view_as_real(weight.resolve_conj()).flatten(1)
    rows = F.embedding(index, parts, padding_idx, scale_grad_by_freq=scale_grad_by_freq)
    return torch.view_as_complex(rows.unflatten(-1, (weight.shape[1], 2)))


class _SparseRows(torch.autograd.Function):
    """Rows of a weight whose gradient is a sparse tensor; that gradient is not differentiable once more."""

    @staticmethod
    def forward(weight: Tensor, index: Tensor, padding_idx: int | None) -> Tensor:
        return _rows(weight, index)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        weight, index, ctx.padding_idx = inputs
        ctx.shape = weight.shape
        ctx.save_for_backward(index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (index,) = ctx.saved_tensors
        index, grad = index.reshape(-1), grad.reshape(-1, ctx.shape[1])
        if ctx.padding_idx is not None:
            kept = index != ctx.padding_idx
            index, grad = index[kept], grad[kept]
        return torch.sparse_coo_tensor(index[None], grad, ctx.shape, check_invariants=False), None, None


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of a complex weight, as :func:`torch.nn.functional.embedding`, whose complex form has no gradient.

    ``max_norm`` bounds (sum \\|w\\|^norm_type)^(1 / norm_type) of the rows that are looked up, in place, as in torch.
    """
    require_complex(weight, "embedding")
    if padding_idx is not None:
        if not -len(weight) <= padding_idx < len(weight):
            raise ValueError(f"padding_idx must lie within the {len(weight)} embeddings, got {padding_idx}")
        padding_idx %= len(weight)
    if sparse and scale_grad_by_freq:
        raise ValueError("scale_grad_by_freq needs a dense gradient, got sparse=True")
    if max_norm is not None:
        with torch.no_grad():
            index = input.reshape(-1)  # an index that comes twice writes the same row twice
            rows = _rows(weight, index)
            norm = torch.linalg.vector_norm(rows, norm_type, dim=1, keepdim=True)
            # torch's formula, with its guard against a division by zero
            weight[index] = rows * torch.where(norm > max_norm, max_norm / (norm + 1e-7), 1)
    if sparse:
        return _SparseRows.apply(weight, input, padding_idx)
    return _rows(weight, input, padding_idx, scale_grad_by_freq)

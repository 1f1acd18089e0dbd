"""Unitary matrices and the identity as weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from complexnn.functional.checks import require_complex
from complexnn.init.samplers import normal_
from complexnn.init.scaled import trabelsi_variance


def _haar(rows: int, columns: int, like: Tensor, generator: torch.Generator | None) -> Tensor:
    """A Haar-random matrix with orthonormal columns, or rows where there are fewer of them."""
    tall = torch.empty(max(rows, columns), min(rows, columns), dtype=like.dtype, device=like.device)
    q, r = torch.linalg.qr(normal_(tall, 1.0, generator))
    # Only with a positive diagonal of R is the decomposition unique, and Q Haar (Mezzadri 2007, section 5).
    q = q * torch.sgn(r.diagonal())
    return q if rows >= columns else q.mT


def unitary_(tensor: Tensor, gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    """Fill with gain times a Haar-random unitary matrix: W W^H = gain^2 I, or W^H W where there are more rows.

    The tensor is a matrix of its first dimension by the others, as in :func:`torch.nn.init.orthogonal_`, and
    E|w|^2 = gain^2 / max(rows, columns).

    Raises:
        TypeError: the tensor is not complex.
        ValueError: it has fewer than two dimensions.

    Example:
        >>> w = unitary_(torch.empty(3, 5, dtype=torch.complex128))
        >>> torch.allclose(w @ w.mH, torch.eye(3, dtype=torch.complex128))
        True
    """
    require_complex(tensor, "unitary_")
    if tensor.ndim < 2:
        raise ValueError(f"unitary_ expects two or more dimensions, got shape {tuple(tensor.shape)}")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    with torch.no_grad():
        matrix = _haar(rows, tensor.numel() // rows, tensor, generator)
        return tensor.copy_(gain * matrix.reshape(tensor.shape))


def independent_filters_(tensor: Tensor, criterion: str = "xavier", generator: torch.Generator | None = None) -> Tensor:
    """Trabelsi's independent filters: a unitary matrix with the variance of Glorot or of He.

    A weight ``(C_out, C_in, *kernel)`` is a matrix of its C_out C_in kernels by their entries, a weight
    ``(out, in)`` is one itself; E|w|^2 is 2 / (fan_in + fan_out) for ``"xavier"`` and 2 / fan_in for ``"kaiming"``.

    Source: Trabelsi 2018, section 3.6.

    Raises:
        TypeError: the tensor is not complex.
        ValueError: the tensor has no fans, or ``criterion`` is unknown.

    Example:
        >>> w = independent_filters_(torch.empty(16, 4, 3, 3, dtype=torch.complex64), "kaiming")
        >>> round(float(w.abs().square().mean() * 36), 1)
        2.0
    """
    require_complex(tensor, "independent_filters_")
    variance = trabelsi_variance(tensor, criterion)
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0] * (tensor.shape[1] if tensor.ndim > 2 else 1)
    columns = tensor.numel() // rows
    with torch.no_grad():
        matrix = _haar(rows, columns, tensor, generator)  # E|entry|^2 = 1 / max(rows, columns)
        return tensor.copy_(math.sqrt(variance * max(rows, columns)) * matrix.reshape(tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight of a convolution with ones at the centres of its kernels: channels pass through unchanged.

    As :func:`torch.nn.init.dirac_`, whose arguments and errors these are. The weight is real, so that a signal's
    phase passes too.

    Example:
        >>> w = dirac_(torch.empty(2, 2, 3, dtype=torch.complex64))
        >>> w.real.sum(-1)
        tensor([[1., 0.],
                [0., 1.]])
    """
    return nn.init.dirac_(tensor, groups)

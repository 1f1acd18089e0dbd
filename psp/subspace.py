"""The matrix P = (I + strength A)^-1 of one layer, for a growing second moment A of what its weights see.

An update D of the weights that is passed through P, D P, moves the outputs on the inputs that A is made of the less
the more of them there are: it is the minimiser of |D' - D|^2 + strength tr(D' A D'^H), and for an infinite strength
the projection on what no input of A meets. P is Hermitian with eigenvalues between 0 and 1, and is all that is kept.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def shrink(P: Tensor, rows: Tensor, weight: float) -> Tensor:
    """P after A has grown by ``weight`` x the sum of x x^H over the rows x, by Woodbury's identity.

    For P of size M and n rows, n below M, at a cost of n M^2. In the eigenvectors of X^H P X,

        P' = P - P X (I / weight + X^H P X)^-1 X^H P,

    where an infinite ``weight`` leaves out what P has lost already. In double precision, made Hermitian; P and P' have
    eigenvalues in [0, 1].
    """
    X = rows.mT
    PX = P @ X
    gram = X.mH @ PX
    values, vectors = torch.linalg.eigh((gram + gram.mH) / 2)
    V = PX @ vectors
    if math.isinf(weight):
        lost = _rounding(rows.abs().square().sum(), rows.shape[-1])
        scale = torch.where(values > lost, 1 / values, 0)
    else:
        scale = 1 / (1 / weight + values.clamp_min(0))
    P = P - (V * scale) @ V.mH
    return (P + P.mH) / 2


def shrink_by_moment(P: Tensor, moment: Tensor, weight: float) -> Tensor:
    """P after A has grown by ``weight`` x ``moment``, at a cost of M^3, for a moment of high rank.

    With P = L L^H and L^H moment L = U diag(s) U^H it is (L U) diag(1 / (1 + weight s)) (L U)^H: never negative.
    """
    L = root(P)
    inner = L.mH @ moment @ L
    values, vectors = torch.linalg.eigh((inner + inner.mH) / 2)
    if math.isinf(weight):
        left = (values <= _rounding(moment.diagonal().real.sum(), len(P))).to(values.dtype)
    else:
        left = 1 / (1 + weight * values.clamp_min(0))
    LU = L @ vectors
    P = (LU * left) @ LU.mH
    return (P + P.mH) / 2


def root(P: Tensor) -> Tensor:
    """The Hermitian L with L L = P; eigenvalues that rounding made negative count as 0."""
    values, vectors = torch.linalg.eigh(P)
    return (vectors * values.clamp(0, 1).sqrt()) @ vectors.mH


def _rounding(power: Tensor, size: int) -> Tensor:
    """What an eigenvalue that is zero may come to in a matrix of this trace."""
    return size * torch.finfo(power.dtype).eps * power

"""The matrix P = (I + strength A)^-1 of one layer, for a growing second moment A of what its weights see.

An update D of the weights that is passed through P, D P, moves the outputs on the inputs that A is made of the less
the more of them there are: it is the minimiser of |D' - D|^2 + strength tr(D' A D'^H), and for an infinite strength
the projection on what no input of A meets. P is Hermitian with eigenvalues between 0 and 1, and is all that is kept.
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor, nn


class Subspace(nn.Module):
    """P of one layer, one matrix a group: takes in a task's inputs part by part, then grows by them.

    Args:
        like: the weight as (groups, outputs of a group, size), for its shape, dtype and device.
    """

    def __init__(self, like: Tensor) -> None:
        super().__init__()
        self.groups, _, self.size = like.shape
        self.clear()

    def clear(self) -> None:
        """Forget the inputs of the task that is being taken in."""
        self.power = torch.zeros(self.groups, dtype=torch.float64)

    def add(self, rows: Tensor) -> None:
        """Take in inputs (groups, count, size) of a task."""
        rows = rows.to(_double(rows.dtype))
        self.power += _power(rows).cpu()
        self._add(rows)

    @abstractmethod
    def _add(self, rows: Tensor) -> None:
        """Take in inputs in double precision, whose power is counted."""

    @abstractmethod
    def spectra(self) -> list[Tensor]:
        """Eigenvalues of the second moment of what was taken in, of each group that was given more than zeros."""

    @abstractmethod
    def grow(self, strength: float, fade: float = 0.0) -> None:
        """A becomes (1 - fade) A + S / mean power, with S the second moment of what was taken in; it is forgotten."""

    @abstractmethod
    def passed(self, update: Tensor) -> Tensor:
        """D P for an update D (groups, outputs of a group, size)."""

    @property
    @abstractmethod
    def used(self) -> float:
        """tr(I - P) / M, the share of dimensions that A takes."""

    def _weights(self, strength: float) -> list[float]:
        """Of the moment of each group in A: its mean power becomes 1; 0 where there was nothing but zeros."""
        return [strength * self.size / power if power else 0.0 for power in self.power.tolist()]


class Dense(Subspace):
    """P itself, M x M."""

    def __init__(self, like: Tensor) -> None:
        super().__init__(like)
        self.P: Tensor
        self.register_buffer("P", torch.eye(self.size, dtype=like.dtype, device=like.device).repeat(self.groups, 1, 1))

    def clear(self) -> None:
        super().clear()
        self._few: list[Tensor] = []
        self._moment: Tensor | None = None  # once there are so many inputs that it is the smaller

    def _add(self, rows: Tensor) -> None:
        self._few.append(rows)
        if self._moment is not None or sum(part.shape[1] for part in self._few) >= self.size:
            moment = _moment(torch.cat(self._few, 1))
            self._moment = moment if self._moment is None else self._moment + moment
            self._few = []

    def spectra(self) -> list[Tensor]:
        moment = _moment(torch.cat(self._few, 1)) if self._moment is None else self._moment
        return [torch.linalg.eigvalsh(m).clamp_min(0) for m, power in zip(moment, self.power, strict=True) if power]

    def grow(self, strength: float, fade: float = 0.0) -> None:
        for group, weight in enumerate(self._weights(strength)):
            P = self.P[group].to(_double(self.P.dtype))
            if fade:
                P = faded(P, fade)
            if weight and self._moment is None:
                P = shrink(P, torch.cat([part[group] for part in self._few]), weight)
            elif weight:
                assert self._moment is not None
                P = shrink_by_moment(P, self._moment[group], weight)
            self.P[group] = P.to(self.P.dtype)
        self.clear()

    def passed(self, update: Tensor) -> Tensor:
        return update @ self.P

    @property
    def used(self) -> float:
        return 1 - float(self.P.diagonal(dim1=-2, dim2=-1).real.mean())


class LowRank(Subspace):
    """P = I - V V^H with V of ``rank`` columns, M x rank: the largest eigenvalues of I - P, the others being left out.

    So an update is passed at least as much as by the full P, and exactly as much while the ranks of all tasks' moments
    together are at most ``rank``. A pass costs 2 rank M an output, where the full P costs M^2.
    """

    def __init__(self, like: Tensor, rank: int) -> None:
        super().__init__(like)
        self.V: Tensor
        self.register_buffer("V", torch.zeros(self.groups, self.size, rank, dtype=like.dtype, device=like.device))

    def clear(self) -> None:
        super().clear()
        self._parts: list[Tensor] = []  # (groups, size, columns) side by side: S is their product with their adjoint

    def _add(self, rows: Tensor) -> None:
        self._parts.append(rows.mT)
        rank = self.V.shape[-1]
        if sum(part.shape[-1] for part in self._parts) >= 2 * rank:
            self._parts = [leading(torch.cat(self._parts, -1), rank)]

    def spectra(self) -> list[Tensor]:
        found = torch.linalg.svdvals(torch.cat(self._parts, -1)).square()
        values = nn.functional.pad(found, (0, self.size - found.shape[-1]))
        return [value for value, power in zip(values, self.power, strict=True) if power]

    def grow(self, strength: float, fade: float = 0.0) -> None:
        for group, weight in enumerate(self._weights(strength)):
            V = self.V[group].to(_double(self.V.dtype))
            if fade:
                V = faded_columns(V, fade)
            if weight:
                X = leading(torch.cat([part[group] for part in self._parts], -1), V.shape[-1])
                taken = taken_by(X - V @ (V.mH @ X), X.mT, weight)
                V = leading(torch.cat([V, taken], -1), V.shape[-1])
            self.V[group] = nn.functional.pad(V, (0, self.V.shape[-1] - V.shape[-1])).to(self.V.dtype)
        self.clear()

    def passed(self, update: Tensor) -> Tensor:
        return update - (update @ self.V) @ self.V.mH

    @property
    def used(self) -> float:
        return float(torch.linalg.vector_norm(self.V).square()) / (self.groups * self.size)


def shrink(P: Tensor, rows: Tensor, weight: float) -> Tensor:
    """P after A has grown by ``weight`` x the sum of x x^H over the rows x, by Woodbury's identity.

    For P of size M and n rows, n below M, at a cost of n M^2. In the eigenvectors of X^H P X,

        P' = P - P X (I / weight + X^H P X)^-1 X^H P,

    where an infinite ``weight`` leaves out what P has lost already. In double precision, made Hermitian; P and P' have
    eigenvalues in [0, 1].
    """
    V = taken_by(P @ rows.mT, rows, weight)
    P = P - V @ V.mH
    return (P + P.mH) / 2


def taken_by(PX: Tensor, rows: Tensor, weight: float) -> Tensor:
    """V with P - P' = V V^H, of as many columns as there are rows, from P X and X^T."""
    gram = rows.conj() @ PX
    values, vectors = torch.linalg.eigh((gram + gram.mH) / 2)
    if math.isinf(weight):
        lost = _rounding(_power(rows), rows.shape[-1])
        scale = torch.where(values > lost, 1 / values, 0)
    else:
        scale = 1 / (1 / weight + values.clamp_min(0))
    return (PX @ vectors) * scale.sqrt()


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


def faded(P: Tensor, share: float) -> Tensor:
    """P after A has become (1 - share) A, share between 0 and 1. What an infinite strength took stays taken, but at 1.

    Eigenvalues p of P become p / (p + (1 - share) (1 - p)).
    """
    if share == 1:
        return torch.eye(len(P), dtype=P.dtype, device=P.device)
    values, vectors = torch.linalg.eigh(P)
    values = values.clamp(0, 1)
    P = (vectors * (values / (values + (1 - share) * (1 - values)))) @ vectors.mH
    return (P + P.mH) / 2


def faded_columns(V: Tensor, share: float) -> Tensor:
    """:func:`faded` for P = I - V V^H: eigenvalues q of V V^H become (1 - share) q / (1 - share q)."""
    if share == 1:
        return torch.zeros_like(V)
    U, roots, _ = torch.linalg.svd(V, full_matrices=False)
    q = roots.square().clamp(0, 1)
    return U * ((1 - share) * q / (1 - share * q)).sqrt()


def leading(V: Tensor, rank: int) -> Tensor:
    """V' of at most ``rank`` columns, orthogonal ones, with V' V'^H the best approximation of V V^H."""
    if V.shape[-1] <= rank:
        return V
    U, values, _ = torch.linalg.svd(V, full_matrices=False)
    return U[..., :rank] * values[..., None, :rank]


def root(P: Tensor) -> Tensor:
    """The Hermitian L with L L = P; eigenvalues that rounding made negative count as 0."""
    values, vectors = torch.linalg.eigh(P)
    return (vectors * values.clamp(0, 1).sqrt()) @ vectors.mH


def _rounding(power: Tensor, size: int) -> Tensor:
    """What an eigenvalue that is zero may come to in a matrix of this trace."""
    return size * torch.finfo(power.dtype).eps * power


def _moment(rows: Tensor) -> Tensor:
    """The sum of x x^H over the rows x of (..., count, size)."""
    return rows.mT @ rows.conj()


def _power(rows: Tensor) -> Tensor:
    """The sum of |x|^2 over the rows x of (..., count, size)."""
    return torch.linalg.vector_norm(rows, dim=(-2, -1)).square()


def _double(dtype: torch.dtype) -> torch.dtype:
    return torch.complex128 if dtype.is_complex else torch.float64

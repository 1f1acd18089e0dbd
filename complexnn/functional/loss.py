"""Losses: real numbers from complex tensors."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from complexnn.functional.activation.phase import modulus, signum
from complexnn.functional.checks import require_complex


def _reduce(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}")


def _require_pair(input: Tensor, target: Tensor, name: str) -> None:
    require_complex(input, name)
    require_complex(target, name)
    if input.shape != target.shape:
        raise ValueError(
            f"{name} expects a target of the input's shape {tuple(input.shape)}, got {tuple(target.shape)}"
        )


def _square(z: Tensor) -> Tensor:
    """\\|z\\|^2, with a gradient at zero."""
    return torch.view_as_real(z.resolve_conj()).square().sum(-1)


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """\\|z - t\\|^2. See :class:`complexnn.MSELoss`."""
    _require_pair(input, target, "mse_loss")
    if reduction == "none":
        return _square(input - target)
    z, t = torch.view_as_real(input.resolve_conj()), torch.view_as_real(target.resolve_conj())
    return F.mse_loss(z, t, reduction=reduction) * (2 if reduction == "mean" else 1)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """\\|z - t\\|. See :class:`complexnn.L1Loss`."""
    _require_pair(input, target, "l1_loss")
    return _reduce(modulus(input - target), reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """\\|z - t\\|^2 / 2 up to ``delta``, linear beyond. See :class:`complexnn.HuberLoss`."""
    _require_pair(input, target, "huber_loss")
    if not delta > 0:
        raise ValueError(f"huber_loss expects a delta above 0, got {delta}")
    error = modulus(input - target)
    return F.huber_loss(error, torch.zeros_like(error), reduction, delta)


def log_cosh_loss(input: Tensor, target: Tensor, reduction: str = "mean", power: int = 2) -> Tensor:
    """ln cosh \\|z - t\\|^power. See :class:`complexnn.LogCoshLoss`."""
    _require_pair(input, target, "log_cosh_loss")
    if power not in (1, 2):
        raise ValueError(f"log_cosh_loss expects a power of 1 or 2, got {power}")
    u = _square(input - target) if power == 2 else modulus(input - target)
    # cosh u overflows for large u, and u + log1p(e^-2u) - ln 2 loses all digits for small u.
    small = torch.log1p(2 * torch.sinh(u.clamp(max=1) / 2).square())
    large = u + torch.log1p(torch.exp(-2 * u)) - math.log(2)
    return _reduce(torch.where(u < 1, small, large), reduction)


def cauchy_loss(input: Tensor, target: Tensor, reduction: str = "mean", scale: float = 1.0) -> Tensor:
    """scale^2 / 2 ln(1 + \\|z - t\\|^2 / scale^2). See :class:`complexnn.CauchyLoss`."""
    _require_pair(input, target, "cauchy_loss")
    if not scale > 0:
        raise ValueError(f"cauchy_loss expects a scale above 0, got {scale}")
    return _reduce(scale**2 / 2 * torch.log1p(_square((input - target) / scale)), reduction)


def phase_loss(input: Tensor, target: Tensor, reduction: str = "mean", form: str = "von_mises") -> Tensor:
    """1 - cos(arg z - arg t), or the square of the wrapped difference. See :class:`complexnn.PhaseLoss`."""
    _require_pair(input, target, "phase_loss")
    z, t = signum(input), signum(target)
    undefined = (_square(z) < 0.5) | (_square(t) < 0.5)  # a modulus next to nothing has a shorter phasor
    if form == "von_mises":
        # |u - v|^2 / 2 is 1 - cos without its cancellation at small angles.
        loss, uniform = _square(z - t) / 2, 1.0
    elif form == "wrapped":
        turn = z * t.conj()
        loss, uniform = torch.atan2(turn.imag, turn.real).square(), math.pi**2 / 3
    else:
        raise ValueError(f"form must be 'von_mises' or 'wrapped', got {form!r}")
    return _reduce(torch.where(undefined, uniform, loss), reduction)


def _moment(moment: Tensor, like: Tensor, name: str) -> Tensor:
    """A variance for each element, or one that broadcasts, as torch's ``gaussian_nll_loss`` takes it."""
    if moment.shape == like.shape[:-1]:
        moment = moment.unsqueeze(-1)
    if moment.ndim != like.ndim or any(m not in (1, n) for m, n in zip(moment.shape, like.shape, strict=True)):
        raise ValueError(f"expected {name} of a size that broadcasts to {tuple(like.shape)}, got {tuple(moment.shape)}")
    return moment


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    pseudo_var: Tensor | None = None,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """-ln of the complex normal density of ``target`` around ``input``. See :class:`complexnn.GaussianNLLLoss`."""
    _require_pair(input, target, "gaussian_nll_loss")
    if not eps >= 0:
        raise ValueError(f"gaussian_nll_loss expects an eps of 0 or above, got {eps}")
    error = target - input
    square = _square(error)
    if not isinstance(var, Tensor):
        var = torch.full_like(square, var)
    if not var.is_floating_point():
        raise TypeError(f"gaussian_nll_loss expects a real floating var, got {var.dtype}")
    if var.shape != square.shape:
        var = _moment(var, square, "var")
    if pseudo_var is not None:
        require_complex(pseudo_var, "gaussian_nll_loss")
        if pseudo_var.shape != square.shape:
            pseudo_var = _moment(pseudo_var, square, "pseudo_var")
    # A look at the values breaks a compiled graph, and a meta tensor has none.
    if not (torch.compiler.is_compiling() or var.is_meta):
        if bool((var < 0).any()):
            raise ValueError("var has negative entry/entries")
        slack = 1 + 16 * torch.finfo(var.dtype).eps
        if pseudo_var is not None and bool((pseudo_var.abs() > var * slack).any()):
            raise ValueError("pseudo_var has entry/entries of modulus above var: no random variable has such moments")
    # As in torch, what is below the floor is lifted to it, and keeps its gradient.
    var = var + (eps - var).clamp(min=0).detach()
    if pseudo_var is None:
        loss = var.log() + square / var
    else:
        determinant = var.square() - _square(pseudo_var)
        determinant = determinant + (eps * var - determinant).clamp(min=0).detach()
        mixed = (pseudo_var.conj() * error.square()).real
        loss = determinant.log() / 2 + (var * square - mixed) / determinant
    if full:
        loss = loss + math.log(math.pi)
    return _reduce(loss, reduction)


def _unit(z: Tensor) -> Tensor:
    """z over its norm along the last dimension; zero for a signal of zeros."""
    peak = z.detach().abs().amax(-1, keepdim=True)
    silent = peak < torch.finfo(peak.dtype).tiny
    # In units of the peak first: the norm's squares would underflow for a faint signal.
    z = torch.where(silent, 0, z) / peak.masked_fill(silent, 1)
    return z / torch.linalg.vector_norm(z, dim=-1, keepdim=True).masked_fill(silent, 1)


def si_snr_loss(input: Tensor, target: Tensor, reduction: str = "mean", zero_mean: bool = True) -> Tensor:
    """Minus the scale-invariant signal-to-noise ratio in dB. See :class:`complexnn.SISNRLoss`."""
    _require_pair(input, target, "si_snr_loss")
    if not input.ndim:
        raise ValueError("si_snr_loss expects signals of shape (*, T), got numbers")
    if zero_mean:
        input, target = input - input.mean(-1, keepdim=True), target - target.mean(-1, keepdim=True)
    estimate, reference = _unit(input), _unit(target)
    scale = (estimate * reference.conj()).sum(-1, keepdim=True)
    signal = _square(scale).squeeze(-1)
    noise = _square(estimate - scale * reference).sum(-1)
    floor = torch.finfo(noise.dtype).eps ** 2  # the energy of the residual's rounding
    return _reduce(10 * torch.log10((noise + floor) / (signal + floor)), reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    part: str = "modulus",
) -> Tensor:
    """Cross-entropy with the modulus or the real part as logits. See :class:`complexnn.CrossEntropyLoss`."""
    require_complex(input, "cross_entropy")
    if part not in ("modulus", "real"):
        raise ValueError(f"part must be 'modulus' or 'real', got {part!r}")
    logits = modulus(input) if part == "modulus" else input.real
    return F.cross_entropy(
        logits, target, weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
    )

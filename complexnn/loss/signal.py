"""Losses that forget a scale: of the phase alone, and of a signal up to a factor."""

from __future__ import annotations

import torch

from complexnn import functional as F
from complexnn.loss.base import Reduced


class PhaseLoss(Reduced):
    """Loss of the phase difference t = arg z - arg t, whatever the moduli and the turns.

    - ``form="von_mises"``: the mean of 1 - cos t, the negative log-likelihood of a von Mises distribution of unit
      concentration up to a constant (Takamichi 2018). Smooth, t^2 / 2 for small differences.
    - ``form="wrapped"``: the mean of t^2 with t wrapped into (-pi, pi].

    Where the input or the target is zero, or below 1e-32 in complex64, there is no phase: such an element counts as
    a phase drawn uniformly does on average, 1 or pi^2 / 3, and gets no gradient. Elsewhere the gradient is of size
    sin t / |z|, or 2 t / |z|.

    Input and target complex64 or complex128, of one shape; output real, a number or, with ``reduction="none"``, of
    that shape. Unchanged by a phase common to input and target.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        form: ``"von_mises"`` or ``"wrapped"``.

    Raises:
        TypeError: input or target is not complex.
        ValueError: their shapes differ, or ``reduction`` or ``form`` is unknown.

    Example:
        >>> PhaseLoss(reduction="none")(torch.tensor([5j, -1 + 0j]), torch.tensor([1 + 0j, 2 + 0j]))
        tensor([1., 2.])
    """

    shown = ("form",)

    def __init__(self, reduction: str = "mean", form: str = "von_mises") -> None:
        super().__init__(reduction)
        if form not in ("von_mises", "wrapped"):
            raise ValueError(f"form must be 'von_mises' or 'wrapped', got {form!r}")
        self.form = form

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.phase_loss(input, target, self.reduction, self.form)


class SISNRLoss(Reduced):
    """Minus the scale-invariant signal-to-noise ratio: -10 log10(|a s|^2 / |e - a s|^2) dB, a = <e, s> / |s|^2.

    e is the estimate, s the target, <e, s> = sum e conj(s) (Luo 2018, TasNet, over the complex numbers). The
    factor a is complex: a gain and a phase common to the whole estimate cost nothing.

    Input and target complex64 or complex128, ``(*, T)`` of one shape; output real, a number or, with
    ``reduction="none"``, of shape ``(*)``. Both signals are brought to norm 1 first, so that the result is the same at
    any scale; then the energy of rounding, eps^2, is added to both energies, which limits the ratio to 138 dB in
    complex64 and 313 dB in complex128. An estimate of zeros has 0 dB and no gradient; against a target of zeros any
    other estimate is noise alone.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        zero_mean: whether to subtract each signal's mean over T first, as the definition does; for frames of a
            spectrum rather not.

    Raises:
        TypeError: input or target is not complex.
        ValueError: their shapes differ, they are single numbers, or ``reduction`` is unknown.

    Example:
        >>> target = torch.tensor([1 + 0j, 1j, -1 + 0j, -1j])
        >>> noise = 0.1 * target.conj()
        >>> SISNRLoss()(2j * (target + noise), target)
        tensor(-20.0000)
    """

    shown = ("zero_mean",)

    def __init__(self, reduction: str = "mean", zero_mean: bool = True) -> None:
        super().__init__(reduction)
        self.zero_mean = zero_mean

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.si_snr_loss(input, target, self.reduction, self.zero_mean)

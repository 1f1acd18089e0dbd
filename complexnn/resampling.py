"""Resampling."""

from __future__ import annotations

import torch
from torch import nn

from complexnn import functional as F


class Upsample(nn.Upsample):
    """Resample sequences, images or volumes to another size.

    Input ``(N, C, L)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``, complex64 or complex128. With I the real
    interpolation of :class:`torch.nn.Upsample`, whose arguments and modes these are:

    - ``form="split"``: y = I(x) + j I(y), linear. Between values whose phases disagree the modulus sinks.
    - ``form="polar"``: y = I(|z|) I(z) / |I(z)|. The modulus is interpolated on its own, the phase is that of the
      interpolated values, weighted by their moduli: it needs no unwrapping, and a value of zero has no say in it. Where
      the values cancel exactly, so does y; close to there the phase, and its gradient, change fast.

    Both are phase-equivariant, and the same with the nearest modes.

    Args:
        size: of the output, one number or one for each dimension.
        scale_factor: instead, output over input size.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"`` (sequences), ``"bilinear"`` and ``"bicubic"`` (images),
            ``"trilinear"`` (volumes) or ``"area"``.
        align_corners: for the linear and cubic modes, whether the corner elements keep their places.
        recompute_scale_factor: whether the factor used is that of the rounded sizes.
        form: ``"split"`` or ``"polar"``.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``form`` is unknown; or size, factor and mode do not fit each other or the input.

    Example:
        >>> z = torch.tensor([[[2 + 0j, 2j]]])
        >>> Upsample(size=3, mode="linear", align_corners=True)(z)
        tensor([[[2.+0.j, 1.+1.j, 0.+2.j]]])
        >>> Upsample(size=3, mode="linear", align_corners=True, form="polar")(z).abs()
        tensor([[[2., 2., 2.]]])
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        form: str = "split",
    ) -> None:
        super().__init__(size, scale_factor, mode, align_corners, recompute_scale_factor)
        if form not in ("split", "polar"):
            raise ValueError(f"form must be 'split' or 'polar', got {form!r}")
        self.form = form

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
            form=self.form,
        )

    def extra_repr(self) -> str:
        text = super().extra_repr()
        if self.align_corners is not None:
            text += f", align_corners={self.align_corners}"
        if self.recompute_scale_factor is not None:
            text += f", recompute_scale_factor={self.recompute_scale_factor}"
        return f"{text}, form={self.form!r}"

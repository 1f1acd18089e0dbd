"""Layer, group and root-mean-square normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.functional.checks import complex_dtype, real_dtype, require_complex
from complexnn.norm.base import SCALING, WHITENING, Device, register_affine, reset_affine


class LayerNorm(nn.LayerNorm):
    """Normalisation over the last dimensions: y = gamma (z - E z) / sqrt(Var z + eps) + beta (Ba 2016, eq. 4).

    Input ``(*, *normalized_shape)``, complex64 or complex128; Var z = E|z - E z|^2, biased. With ``whiten`` it is
    y = gamma V^(-1/2) (z - E z) + beta (Eilers and Jiang 2023, section 3), V the covariance of the two parts plus
    eps I: this needs several times more features than the two that it takes away. Either commutes with a global phase
    and with conjugation while it has no bias and a weight that is real, or a multiple of I.

    Args:
        normalized_shape: the last dimensions of the input.
        eps: added to the variance, with ``whiten`` to that of each part.
        elementwise_affine: whether gamma and beta are learned. Without, gamma is what it starts from: E|y|^2 = 1.
        bias: whether beta is learned.
        device: where the parameters live.
        dtype: the complex dtype of the signal; by default the complex twin of torch's default dtype.
        whiten: whether to remove the pseudo-variance E(z - E z)^2 too.

    Attributes:
        weight: gamma, real, ``normalized_shape``, from 1; with ``whiten`` ``(*normalized_shape, 3)``: gamma_rr,
            gamma_ri, gamma_ii, from I / sqrt(2).
        bias: beta, complex, ``normalized_shape``.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: the input does not end in ``normalized_shape``.

    Example:
        >>> y = LayerNorm(64)(torch.randn(2, 5, 64, dtype=torch.complex64) + 3)
        >>> y.abs().square().mean(-1)[0].detach().round(decimals=2)
        tensor([1., 1., 1., 1., 1.])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Device = None,
        dtype: torch.dtype | None = None,
        *,
        whiten: bool = False,
    ) -> None:
        dtype = complex_dtype(dtype)
        self.whiten = whiten
        super().__init__(normalized_shape, eps, elementwise_affine=False)  # type: ignore[arg-type]
        self.elementwise_affine = elementwise_affine
        register_affine(self, self.normalized_shape, self._form(), elementwise_affine, bias, device, dtype)
        self.reset_parameters()

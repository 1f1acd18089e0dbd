"""Activations as modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.functional.checks import real_dtype


class CReLU(nn.Module):
    """ReLU of the real and of the imaginary part: relu(x) + j relu(y) (Trabelsi 2018, section 3.4).

    Any shape, complex64 or complex128. Not phase-equivariant.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> CReLU()(torch.tensor([1 - 2j, -1 + 2j]))
        tensor([1.+0.j, 0.+2.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.crelu(input)


class ModReLU(nn.Module):
    """ReLU of the shifted modulus, with the phase kept: relu(|z| + b) z / |z| (Arjovsky 2016, eq. 8).

    Input ``(N, C, *)`` with one bias a channel, or any shape with one bias for all; complex64 or complex128.
    Phase-equivariant. The value and the gradient at z = 0 are zero.

    Args:
        num_parameters: 1, or the number of channels C (dimension 1, as in :class:`torch.nn.PReLU`).
        init: start of the bias, in units of |z|. A negative one makes a dead disk of that radius; 0 is the identity.
        device: where the bias lives.
        dtype: its dtype; a complex one stands for its real twin. By default torch's default dtype.

    Raises:
        TypeError: the input is not complex, or ``dtype`` is neither complex nor floating.
        ValueError: ``num_parameters`` is below 1, or is neither 1 nor the number of channels.

    Example:
        >>> ModReLU(init=-1.0)(torch.tensor([3j, 0.5 + 0j])).detach()
        tensor([0.+2.j, 0.+0.j])
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = -0.5,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if num_parameters < 1:
            raise ValueError(f"num_parameters must be at least 1, got {num_parameters}")
        self.num_parameters = num_parameters
        self.init = init
        self.bias = nn.Parameter(torch.empty(num_parameters, device=device, dtype=real_dtype(dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.bias, self.init)

    def forward(self, input: Tensor) -> Tensor:
        bias: Tensor = self.bias
        if self.num_parameters > 1:
            if input.ndim < 2 or input.shape[1] != self.num_parameters:
                raise ValueError(
                    f"ModReLU({self.num_parameters}) expects {self.num_parameters} channels in dimension 1, "
                    f"got shape {tuple(input.shape)}"
                )
            bias = bias.view(-1, *[1] * (input.ndim - 2))
        return F.modrelu(input, bias)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}, init={self.init}"

"""Rectifiers of the plane: by quadrant, by modulus, by phase."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.activation._channels import PerChannel
from complexnn.functional.checks import real_dtype


class ZReLU(nn.Module):
    """z in the closed first quadrant, 0 <= arg z <= pi/2, and 0 elsewhere (Guberman 2016, section 4.2.1).

    Any shape, complex64 or complex128. Neither phase-equivariant nor equivariant under conjugation.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> ZReLU()(torch.tensor([1 + 2j, 1 - 2j, 3 + 0j]))
        tensor([1.+2.j, 0.+0.j, 3.+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.zrelu(input)


class ZLeakyReLU(nn.Module):
    """z in the closed first quadrant and a small multiple of it elsewhere: the leaky form of :class:`ZReLU`.

    Any shape, complex64 or complex128. Neither phase-equivariant nor equivariant under conjugation.

    Args:
        negative_slope: the factor outside the first quadrant.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> ZLeakyReLU(negative_slope=0.5)(torch.tensor([1 + 2j, 1 - 2j]))
        tensor([1.0000+2.j, 0.5000-1.j])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        return F.zleaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ZAbsReLU(PerChannel):
    """z where |z| >= a, and 0 inside that disk, with a learned radius a.

    Input ``(N, C, *)`` with one radius a channel, or any shape with one for all; complex64 or complex128.
    Phase-equivariant. The output jumps at the radius, so that it has no derivative with respect to it; the expected
    loss has one, and the gradient is an estimate of that from the inputs whose modulus is within ``bandwidth`` / 2 of
    the radius (Rajamanoharan 2024, JumpReLU, for real numbers). A batch without such inputs leaves the radius.

    Args:
        num_parameters: 1, or the number of channels C (dimension 1, as in :class:`torch.nn.PReLU`).
        init: start of the radius, in units of |z|.
        bandwidth: width of the ring that the gradient of the radius is estimated from, in units of |z|: the wider, the
            less noise and the more bias.
        device: where the radius lives.
        dtype: its dtype; a complex one stands for its real twin. By default torch's default dtype.

    Raises:
        TypeError: the input is not complex, or ``dtype`` is neither complex nor floating.
        ValueError: ``num_parameters`` is below 1, or is neither 1 nor the number of channels; ``bandwidth`` is not
            positive.

    Example:
        >>> ZAbsReLU(init=1.0)(torch.tensor([3 + 4j, 0.1j])).detach()
        tensor([3.+4.j, 0.+0.j])
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.5,
        bandwidth: float = 0.2,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(num_parameters)
        if not bandwidth > 0:
            raise ValueError(f"bandwidth must be positive, got {bandwidth}")
        self.init = init
        self.bandwidth = bandwidth
        self.threshold = nn.Parameter(torch.empty(num_parameters, device=device, dtype=real_dtype(dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.threshold, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.zabs_relu(input, self.spread(self.threshold, input), self.bandwidth)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}, init={self.init}, bandwidth={self.bandwidth}"


class ModReLU(PerChannel):
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
        super().__init__(num_parameters)
        self.init = init
        self.bias = nn.Parameter(torch.empty(num_parameters, device=device, dtype=real_dtype(dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.bias, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.modrelu(input, self.spread(self.bias, input))

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}, init={self.init}"


class Cardioid(nn.Module):
    """z scaled by its phase: (1 + cos arg z)/2 z = (1 + x / |z|)/2 z (Virtue 2017, eq. 3).

    Any shape, complex64 or complex128. ReLU on real numbers; equivariant under conjugation, not phase-equivariant. At
    z = 0, where it has no derivative, a gradient is halved: the mean over directions.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> Cardioid()(torch.tensor([2 + 0j, 2j, -1 + 1j]))
        tensor([ 2.0000+0.0000j,  0.0000+1.0000j, -0.1464+0.1464j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.cardioid(input)

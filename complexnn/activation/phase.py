"""Activations that see or change the phase; modulus and phase themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.activation._channels import PerChannel
from complexnn.functional.checks import complex_dtype, real_dtype


class Modulus(nn.Module):
    """The real modulus |z|, with the gradient 0 at z = 0.

    Any shape, complex64 or complex128; the output is real. Invariant under phase and conjugation.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> Modulus()(torch.tensor([3 + 4j]))
        tensor([5.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.modulus(input)


class Angle(nn.Module):
    """The real phase arg z in [-pi, pi], of zero 0, with the gradient j z / |z|^2, at z = 0 taken as 0.

    Any shape, complex64 or complex128; the output is real. It jumps at the negative real axis.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> Angle()(torch.tensor([1j, -2 + 0j]))
        tensor([1.5708, 3.1416])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.angle(input)


class Signum(nn.Module):
    """The unit phasor z / |z|, of zero 0. The gradient, which grows as 1 / |z|, is 0 at z = 0.

    Any shape, complex64 or complex128. Equivariant under phase and conjugation.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> Signum()(torch.tensor([3 + 4j, 0j]))
        tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.signum(input)


class MVN(nn.Module):
    """The multi-valued neuron's activation: the k-th root of unity at which the sector of z starts.

    e^{2 pi j q / k} where 2 pi q / k <= arg z < 2 pi (q + 1) / k (Aizenberg 1992; Jankowski 1996, the complex signum
    of a multistate network), with k = None the continuous z / |z|, which is :class:`Signum`. Any shape, complex64 or
    complex128. The continuous one is equivariant under phase and conjugation, the discrete one under neither. The
    gradient of the discrete one is zero: such neurons learn by error correction.

    Args:
        k: the number of values, or None for the whole circle.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``k`` is below 2.

    Example:
        >>> MVN(k=3)(torch.tensor([1 + 1j, -3 - 1j]))
        tensor([ 1.0000+0.0000j, -0.5000+0.8660j])
    """

    def __init__(self, k: int | None = None) -> None:
        super().__init__()
        if k is not None and k < 2:
            raise ValueError(f"k must be at least 2, or None, got {k}")
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.mvn(input, self.k)

    def extra_repr(self) -> str:
        return f"k={self.k}"


class TReLU(nn.Module):
    """ReLU in the tangent space of scalings and rotations: max(|z|, 1) e^{j max(arg z, 0)} (Chakraborty 2019,
    eqs. 21 and 22).

    Any shape, complex64 or complex128. The lower half-plane goes to the real half-line, the unit disk to its boundary,
    and zero to one. Neither phase-equivariant nor equivariant under conjugation.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> TReLU()(torch.tensor([3j, -3j, 0.6 + 0.8j, 0j]))
        tensor([0.0000+3.0000j, 3.0000+0.0000j, 0.6000+0.8000j, 1.0000+0.0000j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.trelu(input)


class GTReLU(PerChannel):
    """Generalised tangent ReLU: |w z| e^{j s max(arg(w z), 0)} (Singhal 2022, GTReLU).

    Input ``(N, C, *)`` with one w and s a channel, or any shape with one for all; complex64 or complex128. The complex
    w turns the half-plane that passes; the other one goes to the real half-line. Not phase-equivariant. The parts of
    w start uniform on [0, 1), as in the authors' code, and s at 1.

    Args:
        num_parameters: 1, or the number of channels C (dimension 1, as in :class:`torch.nn.PReLU`).
        phase_scale: whether to learn s, which is held within [1/2, 2]; else it is 1.
        device: where the parameters live.
        dtype: their complex dtype; by default the complex twin of torch's default dtype.

    Raises:
        TypeError: the input or ``dtype`` is not complex.
        ValueError: ``num_parameters`` is below 1, or is neither 1 nor the number of channels.

    Example:
        >>> layer = GTReLU()
        >>> layer.weight.data.fill_(1)
        tensor([1.+0.j])
        >>> layer(torch.tensor([2j, -2j])).detach()
        tensor([0.+2.j, 2.+0.j])
    """

    def __init__(
        self,
        num_parameters: int = 1,
        phase_scale: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(num_parameters)
        self.weight = nn.Parameter(torch.empty(num_parameters, device=device, dtype=complex_dtype(dtype)))
        self.phase_scale = (
            nn.Parameter(torch.empty(num_parameters, device=device, dtype=real_dtype(dtype))) if phase_scale else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.weight)  # both parts
        if self.phase_scale is not None:
            nn.init.ones_(self.phase_scale)

    def forward(self, input: Tensor) -> Tensor:
        scale = None if self.phase_scale is None else self.spread(self.phase_scale, input)
        return F.gtrelu(input, self.spread(self.weight, input), scale)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}, phase_scale={self.phase_scale is not None}"


class EquivariantPhaseReLU(PerChannel):
    """Phase-only tangent ReLU relative to the mean of the channels: |z| e^{j relu(s) max(t, 0)} m
    (Singhal 2022, the equivariant nonlinearity).

    m is the unit phasor of the mean over the channels and t = arg(z conj(m)). Input ``(N, C, *)``, complex64 or
    complex128. Phase-equivariant, since turning all channels by one phase turns m; not equivariant under conjugation.
    Where the mean is zero so is the output. s starts at 1.

    Args:
        num_parameters: how many s there are: 1, or the number of channels C.
        device: where s lives.
        dtype: its dtype; a complex one stands for its real twin. By default torch's default dtype.

    Raises:
        TypeError: the input is not complex, or ``dtype`` is neither complex nor floating.
        ValueError: ``num_parameters`` is below 1, or is neither 1 nor the number of channels; the input has no
            dimension 1.

    Example:
        >>> EquivariantPhaseReLU()(torch.tensor([[4 + 1j, 4 - 1j]])).detach()
        tensor([[4.0000+1.j, 4.1231+0.j]])
    """

    def __init__(
        self,
        num_parameters: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(num_parameters)
        self.phase_scale = nn.Parameter(torch.empty(num_parameters, device=device, dtype=real_dtype(dtype)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.ones_(self.phase_scale)

    def forward(self, input: Tensor) -> Tensor:
        return F.equivariant_phase_relu(input, self.spread(self.phase_scale, input))

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"

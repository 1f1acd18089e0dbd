"""Split activations: a real function of the real and of the imaginary part.

Any shape, complex64 or complex128; a real input raises TypeError. They respect the two axes and not the phase: those
of an odd function commute with conjugation, none is phase-equivariant. ``C`` before the name of torch's layer is the
split form of it, with its arguments, so that :class:`CELU` is that of ELU and :class:`CCELU` that of CELU. With
``inplace=True`` they change their input, as torch's do.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.activation._channels import require_channels
from complexnn.functional.activation.split import split_elementwise
from complexnn.functional.checks import real_dtype, require_complex

RealFunction = Callable[[Tensor], Tensor]


class Split(nn.Module):
    """A real function or module applied to the real and to the imaginary part: f(x) + j g(y).

    Any shape, complex64 or complex128. f is given a part as a real tensor of the input's shape, contiguous and its
    own, and may act along dimensions; g is f unless it is given too, which gives both parts parameters of their own.

    Args:
        function: f, a module or a function of one real tensor.
        imaginary: g, by default f.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> Split(torch.square)(torch.tensor([1 - 2j]))
        tensor([1.+4.j])
        >>> Split(nn.PReLU(), nn.PReLU(init=0.5))(torch.tensor([-1 - 2j])).detach()
        tensor([-0.2500-1.j])
    """

    def __init__(self, function: RealFunction, imaginary: RealFunction | None = None) -> None:
        super().__init__()
        self.function = function
        self.imaginary = imaginary

    def forward(self, input: Tensor) -> Tensor:
        return F.split(input, self.function, self.imaginary)

    def extra_repr(self) -> str:
        return ", ".join(
            getattr(each, "__name__", type(each).__name__)
            for each in (self.function, self.imaginary)
            if each is not None and not isinstance(each, nn.Module)
        )


class _Both(nn.Module):
    """Before one of torch's activations among the bases: applies it to both parts."""

    def forward(self, input: Tensor) -> Tensor:
        require_complex(input, type(self).__name__)
        output = split_elementwise(input, super().forward)
        # Of a conjugate view there is no real view to change: a copy was.
        return input.copy_(output) if getattr(self, "inplace", False) and input.is_conj() else output


class CReLU(_Both, nn.ReLU):
    """ReLU of the real and of the imaginary part: relu(x) + j relu(y) (Trabelsi 2018, section 3.4).

    Any shape, complex64 or complex128. Not phase-equivariant.

    Args:
        inplace: whether to change the input instead of a copy.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> CReLU()(torch.tensor([1 - 2j, -1 + 2j]))
        tensor([1.+0.j, 0.+2.j])
    """


class CPReLU(_Both, nn.PReLU):
    """PReLU of both parts, with one learned slope for both: prelu(x) + j prelu(y) (Jing 2022, eq. 2).

    Input ``(N, C, *)`` with one slope a channel, or any shape with one for all. Signature and ``state_dict`` are those
    of :class:`torch.nn.PReLU`. ``Split(nn.PReLU(), nn.PReLU())`` has a slope for each part.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``num_parameters`` is neither 1 nor the number of channels.

    Example:
        >>> CPReLU()(torch.tensor([1 - 2j, -4 + 2j])).detach()
        tensor([ 1.-0.5000j, -1.+2.0000j])
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(num_parameters, init, device, real_dtype(dtype))

    def forward(self, input: Tensor) -> Tensor:
        require_channels(self, self.num_parameters, input)
        return super().forward(input)


class CReLU6(_Both, nn.ReLU6):
    """Of both parts: min(max(x, 0), 6) (:class:`torch.nn.ReLU6`).

    Example:
        >>> CReLU6()(torch.tensor([3 - 2j]))
        tensor([3.+0.j])
    """


class CLeakyReLU(_Both, nn.LeakyReLU):
    """Of both parts: max(x, 0) + negative_slope min(x, 0) (:class:`torch.nn.LeakyReLU`).

    Example:
        >>> CLeakyReLU()(torch.tensor([3 - 2j]))
        tensor([3.-0.0200j])
    """


class CRReLU(_Both, nn.RReLU):
    """Of both parts: max(x, 0) + a min(x, 0), each a drawn in training (:class:`torch.nn.RReLU`).

    Example:
        >>> CRReLU().eval()(torch.tensor([3 - 2j]))
        tensor([3.-0.4583j])
    """


class CELU(_Both, nn.ELU):
    """Of both parts: x where x > 0, else alpha (e^x - 1) (:class:`torch.nn.ELU`).

    Example:
        >>> CELU()(torch.tensor([3 - 2j]))
        tensor([3.-0.8647j])
    """


class CCELU(_Both, nn.CELU):
    """Of both parts: max(x, 0) + min(0, alpha (e^{x/alpha} - 1)) (:class:`torch.nn.CELU`).

    Example:
        >>> CCELU()(torch.tensor([3 - 2j]))
        tensor([3.-0.8647j])
    """


class CSELU(_Both, nn.SELU):
    """Of both parts: ELU scaled to keep mean and variance (:class:`torch.nn.SELU`).

    Example:
        >>> CSELU()(torch.tensor([3 - 2j]))
        tensor([3.1521-1.5202j])
    """


class CGELU(_Both, nn.GELU):
    """Of both parts: x Phi(x), Phi the normal distribution function (:class:`torch.nn.GELU`).

    Example:
        >>> CGELU()(torch.tensor([1 - 2j]))
        tensor([0.8413-0.0455j])
    """


class CSiLU(_Both, nn.SiLU):
    """Of both parts: x / (1 + e^{-x}) (:class:`torch.nn.SiLU`).

    Example:
        >>> CSiLU()(torch.tensor([3 - 2j]))
        tensor([2.8577-0.2384j])
    """


class CMish(_Both, nn.Mish):
    """Of both parts: x tanh(ln(1 + e^x)) (:class:`torch.nn.Mish`).

    Example:
        >>> CMish()(torch.tensor([3 - 2j]))
        tensor([2.9865-0.2525j])
    """


class CSoftplus(_Both, nn.Softplus):
    """Of both parts: ln(1 + e^{beta x}) / beta (:class:`torch.nn.Softplus`).

    Example:
        >>> CSoftplus()(torch.tensor([3 - 2j]))
        tensor([3.0486+0.1269j])
    """


class CSigmoid(_Both, nn.Sigmoid):
    """Of both parts: 1 / (1 + e^{-x}) (Nitta 1997) (:class:`torch.nn.Sigmoid`).

    Example:
        >>> CSigmoid()(torch.tensor([3 - 2j]))
        tensor([0.9526+0.1192j])
    """


class CLogSigmoid(_Both, nn.LogSigmoid):
    """Of both parts: -ln(1 + e^{-x}) (:class:`torch.nn.LogSigmoid`).

    Example:
        >>> CLogSigmoid()(torch.tensor([3 - 2j]))
        tensor([-0.0486-2.1269j])
    """


class CHardsigmoid(_Both, nn.Hardsigmoid):
    """Of both parts: x/6 + 1/2 held within [0, 1] (:class:`torch.nn.Hardsigmoid`).

    Example:
        >>> CHardsigmoid()(torch.tensor([3 - 2j]))
        tensor([1.+0.1667j])
    """


class CHardswish(_Both, nn.Hardswish):
    """Of both parts: x (x/6 + 1/2), the factor held within [0, 1] (:class:`torch.nn.Hardswish`).

    Example:
        >>> CHardswish()(torch.tensor([3 - 2j]))
        tensor([3.-0.3333j])
    """


class CTanh(_Both, nn.Tanh):
    """Of both parts: tanh x (:class:`torch.nn.Tanh`).

    Example:
        >>> CTanh()(torch.tensor([3 - 2j]))
        tensor([0.9951-0.9640j])
    """


class CHardtanh(_Both, nn.Hardtanh):
    """Of both parts: x held within [min_val, max_val] (:class:`torch.nn.Hardtanh`).

    Example:
        >>> CHardtanh()(torch.tensor([3 - 2j]))
        tensor([1.-1.j])
    """


class CTanhshrink(_Both, nn.Tanhshrink):
    """Of both parts: x - tanh x (:class:`torch.nn.Tanhshrink`).

    Example:
        >>> CTanhshrink()(torch.tensor([3 - 2j]))
        tensor([2.0049-1.0360j])
    """


class CSoftsign(_Both, nn.Softsign):
    """Of both parts: x / (1 + |x|) (:class:`torch.nn.Softsign`).

    Example:
        >>> CSoftsign()(torch.tensor([3 - 2j]))
        tensor([0.7500-0.6667j])
    """


class CSoftshrink(_Both, nn.Softshrink):
    """Of both parts: x shortened by lambd, 0 within it (:class:`torch.nn.Softshrink`).

    Example:
        >>> CSoftshrink()(torch.tensor([0.2 - 2j]))
        tensor([0.-1.5000j])
    """


class CHardshrink(_Both, nn.Hardshrink):
    """Of both parts: x, 0 within lambd (:class:`torch.nn.Hardshrink`).

    Example:
        >>> CHardshrink()(torch.tensor([0.2 - 2j]))
        tensor([0.-2.j])
    """


class CThreshold(_Both, nn.Threshold):
    """Of both parts: x where x > threshold, else value (:class:`torch.nn.Threshold`).

    Example:
        >>> CThreshold(0.5, -1.0)(torch.tensor([3 - 2j]))
        tensor([3.-1.j])
    """

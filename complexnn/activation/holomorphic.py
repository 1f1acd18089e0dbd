"""Fully complex activations: the analytic continuations of real ones.

Any shape, complex64 or complex128; a real input raises TypeError. All commute with conjugation, off their cuts; none
is phase-equivariant. A function that is analytic and bounded on the whole plane is constant (Liouville): each of these
has poles, branch points or exponential growth somewhere, and its docstring says where (Kim and Adali 2003). Near a
pole values and gradients have no bound: keep the signal away from it, by its scale or by normalisation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.functional.checks import require_complex


class ComplexSigmoid(nn.Module):
    """The logistic function 1 / (1 + e^{-z}). Poles at z = j pi (2n + 1).

    Example:
        >>> ComplexSigmoid()(torch.tensor([3 + 0j]))
        tensor([0.9526+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_sigmoid(input)


class ComplexTanh(nn.Module):
    """tanh z. Poles at z = j pi (n + 1/2).

    Example:
        >>> ComplexTanh()(torch.tensor([1 + 0j]))
        tensor([0.7616+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        require_complex(input, "ComplexTanh")
        return torch.tanh(input)


class ComplexTan(nn.Module):
    """tan z. Poles at z = pi (n + 1/2).

    Example:
        >>> ComplexTan()(torch.tensor([1 + 0j]))
        tensor([1.5574+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        require_complex(input, "ComplexTan")
        return torch.tan(input)


class ComplexSin(nn.Module):
    """sin z. Without poles; grows as e^{|y|}/2, and overflows from |y| = 89 on in complex64.

    Example:
        >>> ComplexSin()(torch.tensor([1 + 0j]))
        tensor([0.8415+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        require_complex(input, "ComplexSin")
        return torch.sin(input)


class ComplexSinh(nn.Module):
    """sinh z. Without poles; grows as e^{|x|}/2, and overflows from |x| = 89 on in complex64.

    Example:
        >>> ComplexSinh()(torch.tensor([1 + 0j]))
        tensor([1.1752+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        require_complex(input, "ComplexSinh")
        return torch.sinh(input)


class ComplexAsin(nn.Module):
    """asin z. Branch points at z = -1 and 1, where the derivative has no bound; cuts along the real axis beyond them.

    Example:
        >>> ComplexAsin()(torch.tensor([0.5 + 0j]))
        tensor([0.5236+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_asin(input)


class ComplexAcos(nn.Module):
    """acos z. Branch points at z = -1 and 1, where the derivative has no bound; cuts along the real axis beyond them.

    Example:
        >>> ComplexAcos()(torch.tensor([0.5 + 0j]))
        tensor([1.0472-0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_acos(input)


class ComplexAtan(nn.Module):
    """atan z. Logarithmic singularities at z = -j and j; cuts along the imaginary axis beyond them.

    Example:
        >>> ComplexAtan()(torch.tensor([1 + 0j]))
        tensor([0.7854+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_atan(input)


class ComplexAsinh(nn.Module):
    """asinh z. Branch points at z = -j and j, where the derivative has no bound; cuts along the imaginary axis beyond.

    Example:
        >>> ComplexAsinh()(torch.tensor([1 + 0j]))
        tensor([0.8814+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_asinh(input)


class ComplexAtanh(nn.Module):
    """atanh z. Logarithmic singularities at z = -1 and 1; cuts along the real axis beyond them.

    Example:
        >>> ComplexAtanh()(torch.tensor([0.5 + 0j]))
        tensor([0.5493+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.complex_atanh(input)


class LogCosh(nn.Module):
    """ln cosh z, without overflow for large z and without cancellation for small ones; its derivative is tanh z.

    Logarithmic singularities at z = j pi (n + 1/2). The imaginary part is that of the logarithm up to multiples of
    2 pi.

    Example:
        >>> LogCosh()(torch.tensor([1000 + 0j, 1e-3 + 0j]))
        tensor([9.9931e+02+0.j, 5.0000e-07+0.j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_cosh(input)

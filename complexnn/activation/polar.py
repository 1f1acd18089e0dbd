"""Real functions of the modulus that keep the phase.

Any shape, complex64 or complex128; a real input raises TypeError. All are equivariant under phase and conjugation.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from complexnn import functional as F


class Polar(nn.Module):
    """A real function or module applied to the modulus, with the phase kept: f(|z|) z / |z|.

    Any shape, complex64 or complex128. f treats every number alike. Where f(0) = 0 the derivative at z = 0 is f'(0);
    for another f(0) the limit depends on the direction, and the value and the gradient at z = 0 are taken as zero.

    Args:
        function: f, a module or a function of one real tensor.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> import torch
        >>> Polar(nn.Sigmoid())(torch.tensor([3 + 4j]))
        tensor([0.5960+0.7946j])
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, input: Tensor) -> Tensor:
        return F.polar(input, self.function)

    def extra_repr(self) -> str:
        return "" if isinstance(self.function, nn.Module) else getattr(self.function, "__name__", "")


class PolarTanh(nn.Module):
    """Saturating amplitude: tanh(|z|/m) z / |z| (Hirose and Yoshida 2012, eq. 8), with the derivative 1/m at z = 0.

    Args:
        m: the modulus at which the output reaches tanh 1 = 0.76.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``m`` is not positive.

    Example:
        >>> import torch
        >>> PolarTanh(m=2.0)(torch.tensor([3j]))
        tensor([0.+0.9051j])
    """

    def __init__(self, m: float = 1.0) -> None:
        super().__init__()
        if not m > 0:
            raise ValueError(f"m must be positive, got {m}")
        self.m = m

    def forward(self, input: Tensor) -> Tensor:
        return F.polar_tanh(input, self.m)

    def extra_repr(self) -> str:
        return f"m={self.m}"


class PolarSquash(nn.Module):
    """|z|^2 / (1 + |z|^2) z / |z| (Hayakawa 2018, section III-C), with the derivative 0 at z = 0.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> import torch
        >>> PolarSquash()(torch.tensor([2j]))
        tensor([0.+0.8000j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.polar_squash(input)


class PolarLog(nn.Module):
    """Compressed amplitude: ln(1 + |z|) z / |z| (Hayakawa 2018, section III-C), with the derivative 1 at z = 0.

    Raises:
        TypeError: the input is not complex.

    Example:
        >>> import torch
        >>> PolarLog()(torch.tensor([2j]))
        tensor([0.+1.0986j])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.polar_log(input)


class SigLog(nn.Module):
    """z / (c + |z|/r): into the disk of radius r, with the derivative 1/c at z = 0 (Georgiou 1992, eq. 20).

    Args:
        c: the inverse of the slope at zero.
        r: the radius that the output stays within.

    Raises:
        TypeError: the input is not complex.
        ValueError: ``c`` or ``r`` is not positive.

    Example:
        >>> import torch
        >>> SigLog(r=2.0)(torch.tensor([3 + 4j]))
        tensor([0.8571+1.1429j])
    """

    def __init__(self, c: float = 1.0, r: float = 1.0) -> None:
        super().__init__()
        if not (c > 0 and r > 0):
            raise ValueError(f"c and r must be positive, got c={c} and r={r}")
        self.c = c
        self.r = r

    def forward(self, input: Tensor) -> Tensor:
        return F.siglog(input, self.c, self.r)

    def extra_repr(self) -> str:
        return f"c={self.c}, r={self.r}"

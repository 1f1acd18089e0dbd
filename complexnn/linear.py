"""Linear, widely linear and bilinear maps."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn import init
from complexnn.functional.checks import complex_dtype, require_complex


class Linear(nn.Linear):
    """Complex affine map y = W z + b (Trabelsi 2018, section 3.2).

    Input ``(*, in_features)``, output ``(*, out_features)``, complex64 or complex128. The weight starts with
    E|w|^2 = 1 / (3 in_features), as torch's real layer does; it is not conjugated. Without a bias phase-equivariant.

    Args:
        in_features: width of the input.
        out_features: width of the output.
        bias: whether to add one complex bias.
        device: where the parameters live.
        dtype: their complex dtype; by default the complex twin of torch's default dtype.

    Raises:
        TypeError: ``dtype`` or the input is not complex.

    Example:
        >>> layer = Linear(3, 2)
        >>> layer(torch.randn(5, 3, dtype=torch.complex64)).shape
        torch.Size([5, 2])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, bias, device, complex_dtype(dtype))

    def reset_parameters(self) -> None:
        init.default_(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)


class LazyLinear(nn.LazyLinear, Linear):
    """A :class:`Linear` that takes ``in_features`` from its first input, and then is one.

    Args:
        out_features: width of the output.
        bias: whether to add one complex bias.
        device: where the parameters live.
        dtype: their complex dtype; by default the complex twin of torch's default dtype.

    Raises:
        TypeError: ``dtype`` or the input is not complex.

    Example:
        >>> layer = LazyLinear(2)
        >>> layer(torch.randn(5, 3, dtype=torch.complex64)).shape, layer
        (torch.Size([5, 2]), Linear(in_features=3, out_features=2, bias=True))
    """

    cls_to_become = Linear

    def __init__(
        self,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(out_features, bias, device, complex_dtype(dtype))

    def initialize_parameters(self, input: Tensor) -> None:
        require_complex(input, "linear")  # before it takes a wrong input's width for good
        super().initialize_parameters(input)


class WidelyLinear(nn.Module):
    """Any real-linear map of complex numbers: y = A z + B conj(z) + b (Picinbono & Chevalier 1995, eq. 7).

    Input ``(*, in_features)``, output ``(*, out_features)``, complex64 or complex128. Neither phase- nor
    conjugation-equivariant. A is ``weight`` and B is ``conj_weight``; both start with E|w|^2 = 1 / (6 in_features), so
    that a circular input gives the output variance of one :class:`Linear`. It costs one :class:`Linear` too.

    Args:
        in_features: width of the input.
        out_features: width of the output.
        bias: whether to add one complex bias.
        device: where the parameters live.
        dtype: their complex dtype; by default the complex twin of torch's default dtype.

    Raises:
        TypeError: ``dtype`` or the input is not complex.
        ValueError: the input's last dimension is not ``in_features``.

    Example:
        >>> layer = WidelyLinear(3, 2)
        >>> layer(torch.randn(5, 3, dtype=torch.complex64)).shape
        torch.Size([5, 2])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        options: dict[str, Any] = {"device": device, "dtype": complex_dtype(dtype)}
        self.weight = nn.Parameter(torch.empty(out_features, in_features, **options))
        self.conj_weight = nn.Parameter(torch.empty(out_features, in_features, **options))
        self.bias = nn.Parameter(torch.empty(out_features, **options)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.default_(self.weight, self.bias)
        init.default_(self.conj_weight, None)
        with torch.no_grad():
            for weight in (self.weight, self.conj_weight):  # the two share the variance of one
                weight.mul_(math.sqrt(0.5))

    def forward(self, input: Tensor) -> Tensor:
        return F.widely_linear(input, self.weight, self.conj_weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(nn.Bilinear):
    """Complex bilinear map y_k = z1^T W_k z2 + b_k, or its conjugate form z1^T W_k conj(z2) + b_k.

    Inputs ``(*, in1_features)`` and ``(*, in2_features)``, output ``(*, out_features)``, complex64 or complex128. The
    conjugate form is the inner product <z1, z2> = sum z1 conj(z2) where W_k is the identity: a common phase of the two
    inputs leaves it as it is, and doubles in the other form. The weight starts with E|w|^2 = 1 / (3 in1_features), as
    in torch's real layer.

    Args:
        in1_features: width of the first input.
        in2_features: width of the second input.
        out_features: width of the output.
        bias: whether to add one complex bias.
        device: where the parameters live.
        dtype: their complex dtype; by default the complex twin of torch's default dtype.
        conjugate: whether to conjugate the second input.

    Raises:
        TypeError: ``dtype`` or an input is not complex.
        ValueError: ``in1_features`` is below 1, or the inputs' shapes do not fit.

    Example:
        >>> layer = Bilinear(3, 4, 2, conjugate=True)
        >>> layer(torch.randn(5, 3, dtype=torch.complex64), torch.randn(5, 4, dtype=torch.complex64)).shape
        torch.Size([5, 2])
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        conjugate: bool = False,
    ) -> None:
        super().__init__(in1_features, in2_features, out_features, bias, device, complex_dtype(dtype))
        self.conjugate = conjugate

    def reset_parameters(self) -> None:
        if self.in1_features <= 0:
            raise ValueError(f"in1_features must be at least 1, got {self.in1_features}")
        init.default_(self.weight, self.bias, fan_in=self.in1_features)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias, self.conjugate)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, conjugate={self.conjugate}"

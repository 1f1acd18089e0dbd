"""Linear maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import init
from complexnn.functional.checks import complex_dtype, require_complex


class Linear(nn.Linear):
    """Complex affine map y = W z + b (Trabelsi 2018, section 3.2).

    Input ``(*, in_features)``, output ``(*, out_features)``, complex64 or complex128. The weight starts with
    E|w|^2 = 1 / (3 in_features), as torch's real layer does; it is not conjugated.

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
        require_complex(input, "Linear")
        return super().forward(input)

"""Parameters of which there is one, or one a channel."""

from __future__ import annotations

from torch import Tensor, nn


class PerChannel(nn.Module):
    """A module with ``num_parameters`` of everything: 1, or the number of channels in dimension 1."""

    num_parameters: int

    def __init__(self, num_parameters: int) -> None:
        super().__init__()
        if num_parameters < 1:
            raise ValueError(f"num_parameters must be at least 1, got {num_parameters}")
        self.num_parameters = num_parameters

    def spread(self, parameter: Tensor, input: Tensor) -> Tensor:
        """``parameter`` in the shape that broadcasts against ``input``."""
        require_channels(self, self.num_parameters, input)
        return parameter.view(()) if self.num_parameters == 1 else parameter.view(-1, *[1] * (input.ndim - 2))


def require_channels(module: nn.Module, channels: int, input: Tensor) -> None:
    """Raise ValueError unless there is one parameter or one for each index of dimension 1."""
    if channels > 1 and (input.ndim < 2 or input.shape[1] != channels):
        raise ValueError(
            f"{type(module).__name__}({channels}) expects {channels} channels in dimension 1, "
            f"got shape {tuple(input.shape)}"
        )

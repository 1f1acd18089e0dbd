"""What EWC and SI share: a quadratic penalty that holds weights back, each by its importance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from psp.methods.base import Method
from psp.methods.shared import trained


class PerParameter(nn.Module):
    """One tensor, zero at first, for every trained parameter of a network, in its order.

    Args:
        net: the network.
        real: whether the tensors of complex parameters are real.
    """

    def __init__(self, net: nn.Module, real: bool = False) -> None:
        super().__init__()
        for name, p in trained(net).items():
            zeros = torch.zeros_like(p, dtype=p.dtype.to_real() if real else p.dtype, requires_grad=False)
            self.register_buffer(name.replace(".", "/"), zeros)

    def __iter__(self) -> Iterator[Tensor]:
        return self.buffers()


class Penalised(Method):
    """Adds to each step's gradients that of strength/2 sum_i P_i |theta_i - theta*_i|^2, in closed form.

    A parameter that a step's loss does not reach (the head of another task) stays as it is, whatever the penalty.

    Args:
        net: called as ``net(x, task=k)``.
        strength: from 0, which is fine-tuning.

    Raises:
        ValueError: ``strength`` is below 0 or not finite.
    """

    def __init__(self, net: nn.Module, strength: float) -> None:
        super().__init__(net)
        if not 0 <= strength < float("inf"):
            raise ValueError(f"strength must be a number from 0, got {strength}")
        self.strength = strength

    @abstractmethod
    def pulls(self) -> Iterator[Tensor]:
        """P (theta - theta*) of every trained parameter, in order: the penalty's gradient at strength 1."""

    @torch.no_grad()
    def before_step(self) -> None:
        """Add the penalty's gradient."""
        for parameter, pull in zip(trained(self.net).values(), self.pulls(), strict=True):
            if parameter.grad is not None:
                parameter.grad.add_(pull, alpha=self.strength)

"""Elastic weight consolidation: weights that mattered to a task are held where it left them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from psp.methods.base import Batches
from psp.methods.fisher import fisher, fisher_layers
from psp.methods.penalty import Penalised, PerParameter
from psp.methods.shared import trained


class EWC(Penalised):
    """strength/2 sum_k sum_i F_ki |theta_i - theta*_ki|^2 over all finished visits k (Kirkpatrick 2017, eq. 3).

    Two tensors a parameter hold the sum exactly: its gradient is strength (sum_k F_k) theta - sum_k F_k theta*_k.
    F is the exact diagonal Fisher information over the last 1,000 images of a visit, see :func:`psp.methods.fisher`.

    Args:
        net: called as ``net(x, task=k)``; its trained parameters are those of Linear and Conv1d/2d/3d.
        strength: lambda of the paper, from 0, which is fine-tuning.

    Raises:
        TypeError: a trained parameter of another layer.
        ValueError: ``strength`` is below 0 or not finite.

    Example:
        >>> import psp
        >>> method = EWC(psp.superpose(nn.Linear(4, 2), psp.Binary(seed=0)), strength=100.0)
        >>> method(torch.ones(5, 4), task=3).shape
        torch.Size([5, 2])
    """

    def __init__(self, net: nn.Module, strength: float) -> None:
        super().__init__(net, strength)
        fisher_layers(net)
        self.information = PerParameter(net, real=True)
        self.informed = PerParameter(net)  # sum of F theta*

    def pulls(self) -> Iterator[Tensor]:
        """sum F (theta - theta*)."""
        for p, f, b in zip(trained(self.net).values(), self.information, self.informed, strict=True):
            yield f * p - b

    @torch.no_grad()
    def finish(self, task: int, batches: Batches) -> None:
        """Take the Fisher information of the visit, and hold on to what it found."""
        found = fisher(self.net, batches, task).values()
        held = zip(trained(self.net).values(), found, self.information, self.informed, strict=True)
        for p, new, information, informed in held:
            self._hold(p, new, information, informed)

    def _hold(self, parameter: Tensor, new: Tensor, information: Tensor, informed: Tensor) -> None:
        information += new
        informed += new * parameter


class OnlineEWC(EWC):
    """EWC with one running penalty, strength/2 sum_i P_i |theta_i - theta*_i|^2 (Schwarz 2018, eq. 9).

    After every visit P becomes decay P + F, and theta* where the visit ended.

    Args:
        net: as in :class:`EWC`.
        strength: from 0, which is fine-tuning.
        decay: gamma of the paper, from 0 (only the last visit counts) to 1 (all do).

    Raises:
        TypeError, ValueError: as in :class:`EWC`; ``decay`` is not between 0 and 1.

    Example:
        >>> import psp
        >>> method = OnlineEWC(psp.superpose(nn.Linear(4, 2), psp.Binary(seed=0)), strength=100.0, decay=0.9)
        >>> method(torch.ones(5, 4), task=3).shape
        torch.Size([5, 2])
    """

    def __init__(self, net: nn.Module, strength: float, decay: float = 1.0) -> None:
        super().__init__(net, strength)
        if not 0 <= decay <= 1:
            raise ValueError(f"decay must be between 0 and 1, got {decay}")
        self.decay = decay

    def _hold(self, parameter: Tensor, new: Tensor, information: Tensor, informed: Tensor) -> None:
        information.mul_(self.decay).add_(new)
        torch.mul(information, parameter, out=informed)

"""Synaptic intelligence: a weight's importance is what its path did for the loss."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from psp.methods.base import Batches
from psp.methods.penalty import Penalised, PerParameter
from psp.methods.shared import trained

_DAMPING = 0.1  # xi of Zenke et al. 2017, sec. 5: permuted MNIST


class SI(Penalised):
    """strength/2 sum_i Omega_i |theta_i - theta*_i|^2, theta* where the last visit ended (Zenke 2017, eqs. 3 to 5).

    Within a visit omega_i = -sum_steps Re(conj(g_i) dtheta_i), with g the gradient of the task's loss alone, in
    torch's convention dL/dx + j dL/dy; after it Omega_i grows by max(omega_i, 0) / (|change of theta_i|^2 + 0.1). The
    paper's c is strength/2.

    Args:
        net: called as ``net(x, task=k)``.
        strength: from 0, which is fine-tuning.

    Raises:
        ValueError: ``strength`` is below 0 or not finite.

    Example:
        >>> import psp
        >>> method = SI(psp.superpose(nn.Linear(4, 2), psp.Binary(seed=0)), strength=1.0)
        >>> method(torch.ones(5, 4), task=3).shape
        torch.Size([5, 2])
    """

    def __init__(self, net: nn.Module, strength: float) -> None:
        super().__init__(net, strength)
        self.path = PerParameter(net, real=True)  # omega, of the visit under way
        self.importance = PerParameter(net, real=True)  # Omega
        self.anchor = PerParameter(net)  # where the last visit ended, and the one under way began
        self._before: list[tuple[Tensor, Tensor] | None] = []

    @torch.no_grad()
    def start(self, task: int, optimizer: torch.optim.Optimizer) -> None:
        """Begin a path where the parameters are."""
        super().start(task, optimizer)
        for p, path, anchor in zip(trained(self.net).values(), self.path, self.anchor, strict=True):
            path.zero_()
            anchor.copy_(p)

    def pulls(self) -> Iterator[Tensor]:
        """Omega (theta - theta*)."""
        for p, importance, anchor in zip(trained(self.net).values(), self.importance, self.anchor, strict=True):
            yield (p - anchor).mul_(importance)

    @torch.no_grad()
    def before_step(self) -> None:
        """Keep the gradients of the loss, and where the step starts; then add the penalty's."""
        parameters = trained(self.net).values()
        self._before = [None if p.grad is None else (p.grad.clone(), p.clone()) for p in parameters]
        super().before_step()

    @torch.no_grad()
    def after_step(self) -> None:
        """Credit every parameter with what its step did for the loss, to first order."""
        for p, before, path in zip(trained(self.net).values(), self._before, self.path, strict=True):
            if before is not None:
                gradient, old = before
                path -= (gradient.conj() * (p - old)).real
        self._before = []

    @torch.no_grad()
    def finish(self, task: int, batches: Batches) -> None:
        """Turn the path into importance."""
        held = zip(trained(self.net).values(), self.path, self.importance, self.anchor, strict=True)
        for p, path, importance, anchor in held:
            importance += path.clamp(min=0) / ((p - anchor).abs().square() + _DAMPING)

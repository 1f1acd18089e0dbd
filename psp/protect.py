"""Keep later updates out of the subspaces in which finished tasks see a network's weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

from psp.features import features
from psp.layers import SuperposedConv, SuperposedLayer
from psp.subspace import shrink, shrink_by_moment
from psp.superpose import Superposed

STRENGTH = 0.2  # by default: the best of 0.1, 0.2 and 0.4 on images held out from training, see docs/protected.md


def protect(net: Superposed, strength: float = STRENGTH, every: int = 10) -> Protection:
    """Protect what a superposed network learns from what it learns later.

    Every layer keeps one matrix P = (I + strength A)^-1 of the size of its inputs: A is the sum over finished tasks k
    of the second moment of what the weights see of them, the contexted inputs C_k x (for a convolution the patches),
    over the mean power of an entry of these. Every update D of the weights, of any optimiser, is put in the place of

        D' = D P,   the minimiser of |D' - D|^2 + strength tr(D' A D'^H):

    the update that is closest to D for what it moves the outputs of finished tasks. Give it to an optimiser that scales
    a unit's weights as a whole, such as :class:`psp.RowRMSprop`: where each weight is scaled by itself, an update
    points into dimensions that the new task does not need, and learning them costs finished tasks all the same.
    Biases and norms are shared by all tasks, as :func:`psp.superpose` has it, and so they stay as they are from the
    first finished task on.

    Args:
        net: the network, whose parameters the optimiser changes.
        strength: how much finished tasks count, above 0; infinite for a projection, which leaves outputs of finished
            tasks exactly as they are while their inputs leave a dimension free.
        every: steps whose updates are passed through P together. The more, the cheaper; in between the weights hold
            updates that have not been.

    Raises:
        TypeError: not a superposed network.
        ValueError: a strength or a number of steps out of range.

    Example:
        >>> import psp
        >>> net = psp.superpose(nn.Linear(8, 2), psp.Binary(seed=0))
        >>> protection = psp.protect(net, strength=float("inf"), every=1)
        >>> optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        >>> protection.guard(optimizer)
        >>> x = torch.randn(3, 8)
        >>> protection.observe([x], task=0)
        >>> before = net(x, task=0)
        >>> net(torch.randn(5, 8), task=1).square().sum().backward()
        >>> optimizer.step()
        >>> torch.allclose(net(x, task=0), before, atol=1e-5)
        True
    """
    return Protection(net, strength, every)


class Protection(nn.Module):
    """What :func:`protect` makes. Its ``state_dict`` goes on with a run, to the bit."""

    def __init__(self, net: Superposed, strength: float, every: int) -> None:
        super().__init__()
        if not isinstance(net, Superposed):
            raise TypeError(f"protect expects a superposed network, got a {type(net).__name__}")
        if not strength > 0:
            raise ValueError(f"strength must be above 0, got {strength}")
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        self.strength, self.every = strength, every
        self._net = (net,)  # no module of this one: its parameters are not ours
        self.steps: Tensor
        self.tasks: Tensor
        self.register_buffer("steps", torch.tensor(0))  # since the last time that updates passed through P
        self.register_buffer("tasks", torch.tensor(0))  # finished
        for i, layer in enumerate(net.layers):
            weight = _rows(layer.weight, layer)
            size, groups = weight.shape[-1], len(weight)
            self.register_buffer(
                f"P{i}", torch.eye(size, dtype=weight.dtype, device=weight.device).repeat(groups, 1, 1)
            )
            self.register_buffer(f"anchor{i}", layer.weight.detach().clone())

    @property
    def net(self) -> Superposed:
        """The network that is protected."""
        return self._net[0]

    def P(self, i: int) -> Tensor:
        """The matrix of layer ``i``, (groups, inputs, inputs), one group but for grouped convolutions."""
        return cast(Tensor, getattr(self, f"P{i}"))

    @property
    def used(self) -> list[float]:
        """The share of each layer's dimensions that finished tasks take, tr(I - P) / M, between 0 and 1."""
        return [1 - float(self.P(i).diagonal(dim1=-2, dim2=-1).real.mean()) for i in range(len(self.net.layers))]

    @torch.no_grad()
    def observe(self, batches: Iterable[Tensor], task: int) -> None:
        """Take in a finished task, by a few thousand of its inputs; none of them is kept.

        Args:
            batches: what the network is called with, batch by batch.
            task: the task.

        Raises:
            ValueError: no batch.
        """
        self.project()
        layers = self.net.layers
        moments = [torch.zeros((), dtype=_double(layer.weight.dtype)) for layer in layers]
        few: list[list[Tensor]] = [[] for _ in layers]
        training = self.net.training
        self.net.eval()
        seen: dict[int, Tensor] = {}
        hooks = [
            layer.register_forward_pre_hook(lambda _, args, i=i: seen.__setitem__(i, args[0]))
            for i, layer in enumerate(layers)
        ]
        try:
            for x in batches:
                self.net(x, task=task)
                for i, layer in enumerate(layers):
                    rows = _inputs(layer, seen[i], task).to(_double(layer.weight.dtype))
                    few[i].append(rows)
                    if sum(part.shape[1] for part in few[i]) >= rows.shape[2]:
                        moments[i] = moments[i] + _moment(few[i])
                        few[i] = []
        finally:
            for hook in hooks:
                hook.remove()
            self.net.train(training)
        if not seen:
            raise ValueError(f"task {task} needs at least one batch to be observed, got none")
        for i in range(len(layers)):
            self._grow(i, moments[i], few[i])
        self.tasks += 1
        self._freeze()

    def _freeze(self) -> None:
        """Leave what all tasks share as it is."""
        protected = {id(layer.weight) for layer in self.net.layers}
        for parameter in self.net.parameters():
            if id(parameter) not in protected:
                parameter.requires_grad_(False)
                parameter.grad = None

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        if self.tasks.device.type != "meta" and self.tasks:
            self._freeze()

    def _grow(self, i: int, moment: Tensor, few: list[Tensor]) -> None:
        P = self.P(i)
        rows = torch.cat(few, 1) if few else torch.zeros(len(P), 0, P.shape[-1], dtype=moment.dtype)
        if moment.ndim:  # of so many inputs that their moment is the smaller
            moment = moment + _moment([rows])
        for group in range(len(P)):
            power = moment[group].diagonal().sum() if moment.ndim else rows[group].abs().square().sum()
            if power == 0:  # inputs that are all zero take no dimension
                continue
            weight = self.strength * P.shape[-1] / float(power.real)  # the moment over the mean power of an entry
            wide = P[group].to(moment.dtype)
            wide = shrink_by_moment(wide, moment[group], weight) if moment.ndim else shrink(wide, rows[group], weight)
            P[group] = wide.to(P.dtype)

    def guard(self, optimizer: torch.optim.Optimizer) -> None:
        """Pass every step of ``optimizer`` through P, as :meth:`stepped` does by hand."""
        optimizer.register_step_post_hook(lambda *_: self.stepped())

    def stepped(self) -> None:
        """Called after every step of an optimiser: passes the updates of the last ``every`` steps through P."""
        if self.tasks:  # before the first finished task there is nothing to keep out of
            self.steps += 1
            if self.steps >= self.every:
                self.project()

    @torch.no_grad()
    def project(self) -> None:
        """Pass the updates since the last time through P now."""
        self.steps.zero_()
        for i, layer in enumerate(self.net.layers):
            anchor = cast(Tensor, getattr(self, f"anchor{i}"))
            if self.tasks:
                update = _rows(layer.weight - anchor, layer)
                layer.weight.copy_(anchor + (update @ self.P(i)).view(layer.weight.shape))
            anchor.copy_(layer.weight)


def _rows(weight: Tensor, layer: nn.Module) -> Tensor:
    """A weight as (groups, outputs a group, inputs of one output)."""
    groups = layer.groups if isinstance(layer, SuperposedConv) else 1
    return weight.view(cast(int, groups), -1, weight[0].numel())


def _inputs(layer: SuperposedLayer, x: Tensor, task: int) -> Tensor:
    """What the stored weight of a layer sees of its input ``x``: (groups, count, inputs of one output)."""
    return layer.context(features(layer, x).permute(2, 0, 1, 3).flatten(1, 2), task)


def _moment(parts: list[Tensor]) -> Tensor:
    """The sum of x x^H over the rows x of all parts (groups, count, size)."""
    rows = torch.cat(parts, 1)
    return rows.mT @ rows.conj()


def _double(dtype: torch.dtype) -> torch.dtype:
    return torch.complex128 if dtype.is_complex else torch.float64

"""Keep later updates out of the subspaces in which finished tasks see a network's weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor, nn

from psp import capacity, keys
from psp.features import features
from psp.layers import SuperposedConv, SuperposedLayer
from psp.subspace import Dense, LowRank, Subspace
from psp.superpose import Superposed


def protect(
    net: Superposed, strength: float | None = None, tasks: int = 50, every: int = 10, rank: int | None = None
) -> Protection:
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
            tasks exactly as they are while their inputs leave a dimension free. By default it is chosen where the first
            task is observed, from the spectra of what the layers see: :func:`psp.capacity.balanced`.
        tasks: how many are to come, for that choice.
        every: steps whose updates are passed through P together. The more, the cheaper; in between the weights hold
            updates that have not been.
        rank: for wide layers, of I - P, of which the largest eigenvalues are kept, as a matrix of so many columns. A
            layer of no more inputs keeps all of P, as all layers do by default.

    Raises:
        TypeError: not a superposed network, or a number that is not whole.
        ValueError: a number out of range.

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
    return Protection(net, strength, tasks, every, rank)


class Protection(nn.Module):
    """What :func:`protect` makes. Its ``state_dict`` goes on with a run, to the bit."""

    def __init__(self, net: Superposed, strength: float | None, tasks: int, every: int, rank: int | None) -> None:
        super().__init__()
        if not isinstance(net, Superposed):
            raise TypeError(f"protect expects a superposed network, got a {type(net).__name__}")
        if strength is not None and not strength > 0:
            raise ValueError(f"strength must be above 0, got {strength}")
        for name, number in (("tasks", tasks), ("every", every), ("rank", rank)):
            if number is not None:
                keys.at_least_one(number, name)
        self.expected, self.every = tasks, every
        self._net = (net,)  # no module of this one: its parameters are not ours
        self._strength: Tensor
        self.steps: Tensor
        self.tasks: Tensor
        chosen = torch.tensor(math.nan if strength is None else strength, dtype=torch.float64)
        self.register_buffer("_strength", chosen)
        self.register_buffer("steps", torch.tensor(0))  # since the last time that updates passed through P
        self.register_buffer("tasks", torch.zeros(0, dtype=torch.int64))  # finished, each once
        self.subspaces = nn.ModuleList()
        for i, layer in enumerate(net.layers):
            weight = _rows(layer.weight, layer)
            full = rank is None or rank >= weight.shape[-1]
            self.subspaces.append(Dense(weight) if full else LowRank(weight, cast(int, rank)))
            self.register_buffer(f"anchor{i}", layer.weight.detach().clone())

    @property
    def net(self) -> Superposed:
        """The network that is protected."""
        return self._net[0]

    @property
    def strength(self) -> float | None:
        """How much finished tasks count; None before it is chosen."""
        strength = float(self._strength)
        return None if math.isnan(strength) else strength

    @property
    def used(self) -> list[float]:
        """The share of each layer's dimensions that finished tasks take, tr(I - P) / M, between 0 and 1."""
        return [subspace.used for subspace in self._subspaces]

    @property
    def _subspaces(self) -> list[Subspace]:
        return cast(list[Subspace], list(self.subspaces))

    @torch.no_grad()
    def observe(self, batches: Iterable[Tensor], task: int) -> None:
        """Take in a finished task, by a few thousand of its inputs; none of them is kept.

        A task that comes again counts once: of K tasks, a K-th of A makes room for it.

        Args:
            batches: what the network is called with, batch by batch.
            task: the task.

        Raises:
            TypeError: one tensor in the place of batches.
            ValueError: no batch, or inputs of a layer that are not finite; nothing is taken in.
        """
        self.project()
        self._take_in(batches, task)
        self._grow(task)
        self._freeze()

    @torch.no_grad()
    def spectra(self, batches: Iterable[Tensor], task: int) -> list[Tensor]:
        """The spectra of a task, as :mod:`psp.capacity` has them: eigenvalues of the second moment of what each layer
        sees of these inputs. Nothing is kept.

        Args:
            batches, task: as in :meth:`observe`.

        Raises:
            TypeError, ValueError: as in :meth:`observe`.
        """
        self._take_in(batches, task)
        found = [values for subspace in self._subspaces for values in subspace.spectra()]
        for subspace in self._subspaces:
            subspace.clear()
        return found

    def _take_in(self, batches: Iterable[Tensor], task: int) -> None:
        if isinstance(batches, Tensor):
            raise TypeError(f"batches of inputs are expected, got one tensor {tuple(batches.shape)}: put it in a list")
        layers = self.net.layers
        training = self.net.training
        self.net.eval()
        seen: dict[int, Tensor] = {}
        hooks = [
            layer.register_forward_pre_hook(lambda _, args, i=i: seen.__setitem__(i, args[0]))
            for i, layer in enumerate(layers)
        ]
        try:
            for subspace in self._subspaces:
                subspace.clear()
            for x in batches:
                self.net(x, task=task)
                for i, (layer, subspace) in enumerate(zip(layers, self._subspaces, strict=True)):
                    subspace.add(_inputs(layer, seen[i], task))
        finally:
            for hook in hooks:
                hook.remove()
            self.net.train(training)
        if not seen:
            raise ValueError(f"task {task} needs at least one batch to be observed, got none")

    def _grow(self, task: int) -> None:
        if self.strength is None:
            spectra = [values for subspace in self._subspaces for values in subspace.spectra()]
            if spectra:
                self._strength.fill_(capacity.balanced(spectra, self.expected))
        again = bool((self.tasks == task).any())
        for subspace in self._subspaces:
            subspace.grow(self.strength or 0.0, 1 / len(self.tasks) if again else 0.0)
        if not again:
            self.tasks = torch.cat([self.tasks, self.tasks.new_tensor([task])])

    def _freeze(self) -> None:
        """Leave what all tasks share as it is."""
        protected = {id(layer.weight) for layer in self.net.layers}
        for parameter in self.net.parameters():
            if id(parameter) not in protected:
                parameter.requires_grad_(False)
                parameter.grad = None

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if f"{prefix}tasks" in state_dict:
            self.tasks = torch.empty_like(state_dict[f"{prefix}tasks"], device=self.tasks.device)
        super()._load_from_state_dict(state_dict, prefix, *args)
        if self.tasks.device.type != "meta" and len(self.tasks):
            self._freeze()

    def guard(self, optimizer: torch.optim.Optimizer) -> None:
        """Pass every step of ``optimizer`` through P, as :meth:`stepped` does by hand."""
        optimizer.register_step_post_hook(lambda *_: self.stepped())

    def stepped(self) -> None:
        """Called after every step of an optimiser: passes the updates of the last ``every`` steps through P."""
        if len(self.tasks):  # before the first finished task there is nothing to keep out of
            self.steps += 1
            if self.steps >= self.every:
                self.project()

    @torch.no_grad()
    def project(self) -> None:
        """Pass the updates since the last time through P now."""
        self.steps.zero_()
        for i, (layer, subspace) in enumerate(zip(self.net.layers, self._subspaces, strict=True)):
            anchor = cast(Tensor, getattr(self, f"anchor{i}"))
            if len(self.tasks):
                update = _rows(layer.weight - anchor, layer)
                layer.weight.copy_(anchor + subspace.passed(update).view(layer.weight.shape))
            anchor.copy_(layer.weight)


def _rows(weight: Tensor, layer: nn.Module) -> Tensor:
    """A weight as (groups, outputs a group, inputs of one output)."""
    groups = layer.groups if isinstance(layer, SuperposedConv) else 1
    return weight.view(cast(int, groups), -1, weight[0].numel())


def _inputs(layer: SuperposedLayer, x: Tensor, task: int) -> Tensor:
    """What the stored weight of a layer sees of its input ``x``: (groups, count, inputs of one output), finite."""
    rows = layer.context(features(layer, x).permute(2, 0, 1, 3).flatten(1, 2), task)
    if not rows.isfinite().all():
        raise ValueError(f"finite inputs are expected, got others in layer {layer.context.layer!r} of task {task}")
    return rows

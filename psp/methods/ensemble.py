"""BatchEnsemble: one weight, read through two learned vectors a task."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call

from psp import keys
from psp.methods.base import TaskNetwork
from psp.methods.shared import linear_maps, numbers, one_of


class Ensemble(TaskNetwork):
    """y = s_k * (W (r_k * x)) + b_k, in its use for tasks that arrive in turn (Wen 2020, eq. 5 and sec. 4.1).

    For every Linear and Conv1d/2d/3d layer r (inputs), s (outputs) and b are learned for each task; r and s start as
    random signs, or random phases in a complex layer, b as the layer's bias. The shared weights, and any other
    parameters, learn in the first task alone: from the first start of another one on they are frozen.

    Args:
        net: a copy of it is taken.
        tasks: how many.
        seed: of the start of r and s, a whole number from 0.

    Raises:
        TypeError, ValueError: ``tasks`` is not a whole number from 1; ``net`` has no Linear or ConvNd layer; in a
            call, ``task`` is not a whole number below ``tasks``.

    Example:
        >>> net = Ensemble(nn.Linear(4, 2), tasks=3)
        >>> net(torch.ones(5, 4), task=2).shape
        torch.Size([5, 2])
    """

    first: Tensor
    frozen: Tensor

    def __init__(self, net: nn.Module, tasks: int, seed: int = 0) -> None:
        super().__init__()
        self.tasks = keys.at_least_one(tasks, "tasks")
        self.network = copy.deepcopy(net)
        layers = linear_maps(self.network)
        self.paths = list(layers)
        self.fast = nn.ModuleList(_Fast(path, layer, tasks, keys.whole(seed, "seed")) for path, layer in layers.items())
        for layer in layers.values():
            layer.bias = None
        self.register_buffer("first", torch.tensor(-1))  # the task that the shared weights learn
        self.register_buffer("frozen", torch.tensor(False))

    @property
    def cost(self) -> int:
        """Two vectors and a bias a layer."""
        return numbers(self.fast.parameters()) // self.tasks

    def start(self, task: int, optimizer: torch.optim.Optimizer) -> None:
        """Freeze the shared weights once a second task starts."""
        if self.first < 0:
            self.first.fill_(one_of(task, self.tasks))
        self.frozen |= self.first != task

    def forward(self, x: Tensor, task: int) -> Tensor:
        """The output of the task's member."""
        task = one_of(task, self.tasks)
        shared: dict[str, Tensor] = dict(self.network.named_parameters())
        if self.frozen:
            shared = {name: p.detach() for name, p in shared.items()}
        for path, fast in zip(self.paths, self.fast, strict=True):
            prefix = f"{path}." if path else ""
            shared |= {f"{prefix}{name}": value for name, value in fast(shared[f"{prefix}weight"], task).items()}
        logits: Tensor = functional_call(self.network, shared, (x,))
        return logits


class _Fast(nn.Module):
    """The vectors of one layer: weights and biases of its members."""

    def __init__(self, path: str, layer: nn.Module, tasks: int, seed: int) -> None:
        super().__init__()
        weight, bias = layer.weight, layer.bias
        assert isinstance(weight, Tensor)
        self.groups = getattr(layer, "groups", 1)
        widths = {"r": weight.shape[1] * self.groups, "s": len(weight)}

        def begin(name: str, task: int) -> nn.Parameter:
            words = keys.words(seed, f"ensemble/{path}/{name}", task, widths[name], widths[name])
            start = keys.phasors(words) if weight.is_complex() else keys.signs(words)
            return nn.Parameter(torch.from_numpy(start).to(weight))

        self.r = nn.ParameterList(begin("r", task) for task in range(tasks))
        self.s = nn.ParameterList(begin("s", task) for task in range(tasks))
        self.b = None
        if isinstance(bias, Tensor):
            self.b = nn.ParameterList(nn.Parameter(bias.detach().clone()) for _ in range(tasks))

    def forward(self, weight: Tensor, task: int) -> dict[str, Tensor]:
        r, s = self.r[task], self.s[task]
        # Rows of a grouped convolution read the inputs of their own group.
        rows = r.view(self.groups, 1, -1).expand(-1, len(s) // self.groups, -1).reshape(len(s), -1)
        fast = (s[:, None] * rows).view(*weight.shape[:2], *[1] * (weight.ndim - 2))
        member = {"weight": weight * fast}
        return member if self.b is None else member | {"bias": self.b[task]}

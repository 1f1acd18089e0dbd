"""SupSup: one fixed random network, and a mask of it for every task."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from psp import keys
from psp.methods.base import TaskNetwork
from psp.methods.shared import a_share, linear_maps, numbers, one_of, trained


class Supermasks(TaskNetwork):
    """y = (W * m_k) x with W fixed and random, and m_k the top ``share`` of learned scores (Wortsman 2020, task given).

    Every weight of a Linear or Conv1d/2d/3d layer is +-sqrt(2 / (share fan_in)), He's scale for the weights that a
    mask leaves, or that constant at a random phase in a complex layer: a pure function of seed and layer, not stored.
    There are no biases. Scores get the gradient of the mask as it is (edge-popup, Ramanujan 2020); they are one set of
    parameters, which starts anew with each visit of a task, the optimiser's state with it. The masks of other tasks
    are kept bit by bit; that of a task not visited yet is that of fresh scores.

    Args:
        net: a copy of it is taken; all its parameters are weights and biases of Linear and Conv1d/2d/3d.
        tasks: how many.
        share: of a layer's weights that a mask leaves, above 0 and below 1; exactly round(share x weights) are left.
        seed: of weights and scores, a whole number from 0.

    Raises:
        TypeError: ``net`` has other parameters.
        ValueError: an argument is out of range; ``net`` has no Linear or ConvNd layer; in a call, ``task`` is not a
            whole number below ``tasks``.

    Example:
        >>> net = Supermasks(nn.Linear(4, 2), tasks=3)
        >>> net(torch.ones(5, 4), task=2).shape, int(net.mask(0, task=2).sum())
        (torch.Size([5, 2]), 4)
    """

    current: Tensor

    def __init__(self, net: nn.Module, tasks: int, share: float = 0.5, seed: int = 0) -> None:
        super().__init__()
        self.tasks, self.share = keys.at_least_one(tasks, "tasks"), a_share(share)
        self.seed = keys.whole(seed, "seed")
        self.network = copy.deepcopy(net)
        self.paths = list(linear_maps(self.network))
        for path, layer in linear_maps(self.network).items():
            weight = self._constants(path, layer.weight)
            del layer.weight
            layer.bias = None
            layer.register_buffer("weight", weight, persistent=False)
        for name in trained(self.network):
            raise TypeError(f"masks are for the weights of Linear and Conv1d, Conv2d, Conv3d, which {name} is not")
        self.scores = nn.ParameterList(nn.Parameter(self._fresh(i)) for i in range(len(self.paths)))
        self.register_buffer("current", torch.tensor(-1))  # the task that the scores belong to
        for i, scores in enumerate(self.scores):
            self.register_buffer(f"masks{i}", _pack(self._top(scores)).repeat(self.tasks, 1))

    @property
    def cost(self) -> int:
        """A bit a weight, counted as one."""
        return numbers(self.scores)

    def start(self, task: int, optimizer: torch.optim.Optimizer) -> None:
        """Keep the mask that was learned, and begin with fresh scores."""
        for i, scores in enumerate(self.scores):
            if self.current >= 0:
                self._masks(i)[int(self.current)] = _pack(self._top(scores))
            with torch.no_grad():
                scores.copy_(self._fresh(i))
            optimizer.state.pop(scores, None)
        self.current.fill_(one_of(task, self.tasks))

    def mask(self, layer: int, task: int) -> Tensor:
        """The mask of a task, 0 and 1, of the shape of the weight of the layer of that number, from 0."""
        scores = self.scores[layer]
        if one_of(task, self.tasks) == int(self.current):
            return _StraightThrough.apply(scores, self._top(scores))
        return _unpack(self._masks(layer)[task], scores)

    def forward(self, x: Tensor, task: int) -> Tensor:
        """The output through the task's masks."""
        masked = {}
        for i, path in enumerate(self.paths):
            name = f"{path}.weight".removeprefix(".")
            masked[name] = self.network.get_buffer(name) * self.mask(i, task)
        logits: Tensor = functional_call(self.network, masked, (x,))
        return logits

    def _masks(self, layer: int) -> Tensor:
        return self.get_buffer(f"masks{layer}")

    def _top(self, scores: Tensor) -> Tensor:
        """Where the top share of the scores is."""
        flat = scores.detach().flatten()
        top = flat.topk(round(self.share * len(flat)), sorted=False).indices
        return torch.zeros_like(flat, dtype=torch.bool).index_fill_(0, top, True).view(scores.shape)

    def _constants(self, path: str, like: Tensor) -> Tensor:
        words = keys.words(self.seed, f"supermasks/{path}/weight", None, like.numel(), like.numel())
        values = keys.phasors(words) if like.is_complex() else keys.signs(words)
        scale = math.sqrt(2 / (self.share * like[0].numel()))
        return torch.from_numpy(scale * values).to(like.device, like.dtype).view(like.shape)

    def _fresh(self, layer: int) -> Tensor:
        """Scores uniform within 1 / sqrt(fan_in), as torch draws weights."""
        path = self.paths[layer]
        like = self.network.get_buffer(f"{path}.weight".removeprefix("."))
        words = keys.words(self.seed, f"supermasks/{path}/scores", None, like.numel(), like.numel())
        uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1
        scores = torch.from_numpy(uniform / math.sqrt(like[0].numel()))
        return scores.to(like.device, like.dtype.to_real()).view(like.shape)


class _StraightThrough(torch.autograd.Function):
    """A mask forwards; backwards, what made it gets the mask's gradient."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, mask: Tensor) -> Tensor:
        return mask.to(scores.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def _pack(mask: Tensor) -> Tensor:
    """Eight of a mask's bits a byte, (bytes,)."""
    bits = nn.functional.pad(mask.flatten(), (0, -mask.numel() % 8)).view(-1, 8)
    return (bits * (2 ** torch.arange(8, device=mask.device))).sum(1).to(torch.uint8)


def _unpack(packed: Tensor, like: Tensor) -> Tensor:
    """What :func:`_pack` packed, in the shape and dtype of ``like``."""
    bits = (packed[:, None] >> torch.arange(8, device=packed.device, dtype=torch.uint8)) & 1
    return bits.flatten()[: like.numel()].view(like.shape).to(like.dtype)

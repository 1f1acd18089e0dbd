"""Context-dependent gating: every task has a random part of the hidden units to itself and a few others."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from psp import keys
from psp.methods.base import TaskNetwork
from psp.methods.shared import a_share, linear_maps


class Gated(TaskNetwork):
    """XdG: z -> g_k * z behind every hidden layer, with g_k 0 for a random ``share`` of the units, else 1 (Masse 2018).

    Hidden layers are the Linear and Conv1d/2d/3d layers but the last, in the order of the modules; the units of a
    convolution are its channels. A gate acts before the activation, which is the same as after it for one with
    f(0) = 0 (ReLU, CReLU, tanh). Gates are a pure function of seed, layer and task, so none is stored and any task
    has one; exactly round(share x width) units are off. The paper pairs it with EWC or SI.

    Args:
        net: a copy of it is gated.
        share: of the units to turn off, above 0 and below 1.
        seed: of the gates, a whole number from 0.

    Raises:
        TypeError, ValueError: ``share`` or ``seed`` is out of range; ``net`` has no hidden layer; in a call, ``task``
            is not a whole number from 0.

    Example:
        >>> net = Gated(nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 2)))
        >>> net(torch.ones(5, 4), task=2).shape, int(net.gate("0", 2).sum())
        (torch.Size([5, 2]), 2)
    """

    def __init__(self, net: nn.Module, share: float = 0.8, seed: int = 0) -> None:
        super().__init__()
        self.share = a_share(share)
        self.seed = keys.whole(seed, "seed")
        self.network = copy.deepcopy(net)
        if len(linear_maps(net)) == 1:
            raise ValueError("a network with a hidden layer is expected, got one Linear or ConvNd layer alone")

    @property
    def cost(self) -> int:
        """None: gates are drawn from the seed."""
        return 0

    def gate(self, layer: str, task: int) -> Tensor:
        """The gate of a task at the layer of that path: a tensor (units,) of 0 and 1."""
        weight = self.network.get_parameter(f"{layer}.weight")
        units = len(weight)
        words = keys.words(self.seed, f"gate/{layer}", keys.whole(task, "task"), units, units)
        rank = torch.from_numpy(keys.permutation(words))
        return (rank >= round(self.share * units)).to(weight.device, weight.dtype.to_real())

    def forward(self, x: Tensor, task: int) -> Tensor:
        """The output with the task's gates."""
        *hidden, _ = linear_maps(self.network).items()
        hooks = []
        try:
            for path, layer in hidden:
                gate = self.gate(path, task)
                if not isinstance(layer, nn.Linear):
                    gate = gate.view(-1, *[1] * (layer.weight[0].ndim - 1))
                hooks.append(layer.register_forward_hook(lambda _, args, out, gate=gate: out * gate))
            logits: Tensor = self.network(x)
        finally:
            for hook in hooks:
                hook.remove()
        return logits

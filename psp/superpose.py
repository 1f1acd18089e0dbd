"""Many models in one network: every linear map read through the context of a task."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrize import is_parametrized

from psp.contexts.base import Family
from psp.layers import KINDS, Route, SuperposedConv, SuperposedLayer, put_under_context

# Layers whose parameters act element by element: all tasks share them, as they share the biases.
_ELEMENTWISE = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def superpose(model: nn.Module, family: Family) -> Superposed:
    """A copy of ``model`` that holds one model a task, told apart by the contexts of ``family``.

    Contexts act on the inputs of every Linear layer, y = W (C_k x) + b, and on the kernels of every ConvNd, as on
    vectors of (channels / groups) x kernel entries (Cheung et al. 2019, eqs. 3 and 8); torch's layers and complexnn's
    alike. Biases, norms and other element-by-element parameters are shared by all tasks. The model given is not
    changed.

    Args:
        model: any module whose weight matrices are those of Linear and Conv1d/2d/3d.
        family: such as ``psp.Binary(seed=0)``. ``Complex`` and what builds on it need complex layers.

    Raises:
        TypeError: a layer with weights that contexts cannot reach (recurrent, attention, embedding, transposed
            convolution, parametrised), or complex contexts on a real layer.
        ValueError: no layer to superpose, or one whose shape is not known yet.

    Example:
        >>> import psp
        >>> net = psp.superpose(nn.Linear(4, 2), psp.Binary(seed=0))
        >>> net(torch.ones(5, 4), task=3).shape
        torch.Size([5, 2])
    """
    if not isinstance(family, Family):
        raise TypeError(f"family must be a family of contexts such as psp.Binary(seed=0), got {family!r}")
    for path, layer in model.named_modules():
        _check(path or type(model).__name__, layer, family)
    return Superposed(copy.deepcopy(model), family)


class Superposed(nn.Module):
    """A network under contexts: ``net(x, task=k)``; made by :func:`superpose`.

    ``network`` is the wrapped copy. The ``state_dict`` holds its weights and ``seed``: loading one takes over the
    seed, hence the contexts, too. One batch may hold a task a sample: ``net(x, task=LongTensor)``.
    """

    seed: Tensor

    def __init__(self, network: nn.Module, family: Family) -> None:
        super().__init__()
        self.family = family
        self._route = Route()
        self.network = network
        for path, layer in network.named_modules():
            if isinstance(layer, tuple(KINDS)):
                put_under_context(cast(nn.Module, layer), family, path, self._route)
        if not self.layers:
            raise ValueError("the network has no Linear or ConvNd layer to superpose")
        self.register_buffer("seed", torch.tensor(family.seed))

    @property
    def layers(self) -> list[SuperposedLayer]:
        """The layers under contexts, in the order of the network's modules."""
        return [layer for layer in self.network.modules() if isinstance(layer, SuperposedLayer)]

    @property
    def cost(self) -> int:
        """Parameters that one more model costs, all layers together (Cheung et al. 2019, Table 1)."""
        return sum(layer.context.cost for layer in self.layers)

    def forward(self, *args: Any, task: int | Tensor, **kwargs: Any) -> Any:
        """The output of the model of ``task``: one whole number from 0, or an integer tensor of one a sample."""
        if self._route.drawn:
            raise RuntimeError("the network is in a pass already, in another thread perhaps: give each its own copy")
        self._route.drawn = self._draw(task)
        try:
            return self.network(*args, **kwargs)
        finally:
            self._route.drawn = {}

    @torch.compiler.disable
    def _draw(self, task: int | Tensor) -> dict:
        # All keys of a pass are drawn before it, so that a compiled network is one graph.
        return {
            layer.context.layer: layer.context.draw(task, layer.weight, grouped=isinstance(layer, SuperposedConv))
            for layer in self.layers
        }

    def retrieve(self, task: int | Tensor) -> nn.Module:
        """The plain network of one task, with its contexts folded into the weights: W_k = W C_k (eq. 2).

        An independent copy of the classes of the original network, with no overhead; ``net.retrieve(k)(x)`` equals
        ``net(x, task=k)`` to rounding.

        Raises:
            TypeError, ValueError: ``task`` is not a whole number from 0.
        """
        network = copy.deepcopy(self.network)
        for layer in list(network.modules()):
            if isinstance(layer, SuperposedLayer):
                layer.become_plain(task)
        return network

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        if self.seed.device.type != "meta":
            self.family = dataclasses.replace(self.family, seed=int(self.seed))
            for layer in self.layers:
                layer.context = self.family.bind(layer.context.width, layer.context.layer)

    def extra_repr(self) -> str:
        return repr(self.family)


def _check(path: str, layer: nn.Module, family: Family) -> None:
    if isinstance(layer, Superposed):
        raise TypeError(f"{path} is superposed already")
    if is_parametrized(layer) or any(name.endswith("_orig") for name in layer._parameters):
        raise TypeError(f"{path} is parametrised or pruned: make that permanent before superposing the network")
    if isinstance(layer, tuple(KINDS)):
        weight = cast(nn.Parameter, layer.weight)
        if isinstance(weight, nn.UninitializedParameter):
            raise ValueError(f"{path} is a lazy layer that has met no input yet: run one batch through it first")
        if isinstance(layer, _ConvNd) and type(layer).forward not in [plain.forward for plain in KINDS]:
            raise TypeError(
                f"{path} is a {type(layer).__name__}, whose own forward contexts on the kernel cannot reach"
            )
        if family.needs_complex and not weight.is_complex():
            raise TypeError(
                f"{type(family).__name__} contexts need a complex network, but {path} has {weight.dtype} weights: "
                "build it from complexnn layers (complexnn.Linear, complexnn.Conv2d, complexnn.CReLU)"
            )
    elif not isinstance(layer, _ELEMENTWISE) and any(
        parameter is not None and (isinstance(parameter, nn.UninitializedParameter) or parameter.ndim > 1)
        for parameter in layer._parameters.values()
    ):
        raise TypeError(
            f"{path} is a {type(layer).__name__}, whose weights contexts cannot reach: "
            "superpose knows Linear and Conv1d, Conv2d, Conv3d"
        )

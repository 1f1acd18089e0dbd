"""Many models in one network: every linear map read through the context of a task."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from psp.contexts.base import Family
from psp.layers import KINDS, Route, SuperposedConv, SuperposedLayer, take_over

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
        family: such as ``psp.Binary(seed=0)``. ``Complex`` and ``OnePower`` need complex layers.

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
        self.network = _map_layers(network, lambda path, layer: self._under_context(path, layer))
        if not self.layers:
            raise ValueError("the network has no Linear or ConvNd layer to superpose")
        self.register_buffer("seed", torch.tensor(family.seed))

    def _under_context(self, path: str, layer: nn.Module) -> nn.Module:
        if not isinstance(layer, tuple(KINDS)):
            return layer
        width = cast(Tensor, layer.weight)[0].numel()
        return take_over(layer, self.family.bind(width, path), self._route)

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

    def retrieve(self, task: int) -> nn.Module:
        """The plain network of one task, with its contexts folded into the weights: W_k = W C_k (eq. 2).

        An independent copy of the classes of the original network, with no overhead; ``net.retrieve(k)(x)`` equals
        ``net(x, task=k)`` to rounding.

        Raises:
            TypeError, ValueError: ``task`` is not a whole number from 0.
        """
        return _map_layers(
            copy.deepcopy(self.network),
            lambda _, layer: layer.retrieve(task) if isinstance(layer, SuperposedLayer) else layer,
        )

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        if self.seed.device.type != "meta":
            self.family = dataclasses.replace(self.family, seed=int(self.seed))
            for layer in self.layers:
                layer.context = self.family.bind(layer.context.width, layer.context.layer)

    def extra_repr(self) -> str:
        return repr(self.family)


def _map_layers(network: nn.Module, change: Any) -> nn.Module:
    """``network`` with every module replaced by ``change(path, module)``; a module met twice is changed once."""
    changed = {module: change(path, module) for path, module in network.named_modules()}
    for module in list(changed):
        for name, child in module._modules.items():
            if child is not None and changed[child] is not child:
                module._modules[name] = changed[child]
    return changed[network]


def _check(path: str, layer: nn.Module, family: Family) -> None:
    if is_parametrized(layer) or any(name.endswith("_orig") for name in layer._parameters):
        raise TypeError(f"{path} is parametrised or pruned: make that permanent before superposing the network")
    if isinstance(layer, tuple(KINDS)):
        weight = cast(nn.Parameter, layer.weight)
        if isinstance(weight, nn.parameter.UninitializedParameter):
            raise ValueError(f"{path} is a lazy layer that has met no input yet: run one batch through it first")
        if family.needs_complex and not weight.is_complex():
            raise TypeError(
                f"{type(family).__name__} contexts need a complex network, but {path} has {weight.dtype} weights: "
                "build it from complexnn layers (complexnn.Linear, complexnn.Conv2d, complexnn.CReLU)"
            )
    elif not isinstance(layer, _ELEMENTWISE) and any(
        parameter is not None and parameter.ndim > 1 for parameter in layer._parameters.values()
    ):
        raise TypeError(
            f"{path} is a {type(layer).__name__}, whose weights contexts cannot reach: "
            "superpose knows Linear and Conv1d, Conv2d, Conv3d"
        )

"""Linear and convolution layers whose weight is read through a context."""

from __future__ import annotations

import functools
from typing import Any, cast

import torch
from torch import Tensor, nn

from psp.contexts.base import Context, Drawn, Family


class Route:
    """Which keys the layers of one network use in the pass under way; empty between passes."""

    def __init__(self) -> None:
        self.drawn: dict[str, Drawn] = {}


class SuperposedLayer(nn.Module):
    """What a superposed layer adds to the class of the plain one, whose parameters and attributes it keeps."""

    weight: nn.Parameter
    context: Context
    route: Route

    def __reduce_ex__(self, protocol: Any) -> Any:
        # The class is made at run time, so copies and pickles name the plain class instead.
        return _blank, (_plain(type(self)),), self.__dict__

    def become_plain(self, task: int | Tensor) -> None:
        """Fold the context of ``task`` into a new weight, and be a plain layer again."""
        folded = self.context.fold(self.weight.detach().flatten(1), task).view(self.weight.shape)
        self.weight = nn.Parameter(folded.resolve_conj().clone(), self.weight.requires_grad)
        del self.context, self.route
        self.__class__ = _plain(type(self))  # type: ignore[assignment]

    def _drawn(self) -> Drawn:
        if self.context.layer not in self.route.drawn:
            raise RuntimeError(
                f"layer {self.context.layer!r} belongs to a superposed network: call the network as net(x, task=...)"
            )
        return self.route.drawn[self.context.layer]


class SuperposedLinear(SuperposedLayer):
    """y = W (C_k x) + b (Cheung et al. 2019, eq. 3)."""

    def forward(self, input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return super().forward(self.context.apply(input, self._drawn()), *args, **kwargs)


class SuperposedConv(SuperposedLayer):
    """y = (W C_k) * x + b: the context acts on every kernel as on a vector (Cheung et al. 2019, eq. 8)."""

    bias: nn.Parameter | None

    def forward(self, input: Tensor) -> Tensor:
        drawn = self._drawn()
        if not drawn.batch:
            return self._convolve(input, drawn)
        if input.shape[:1] != torch.Size(drawn.batch):
            raise ValueError(
                f"tasks of shape {drawn.batch} do not fit an input of shape {tuple(input.shape)}: "
                "one task a sample is expected"
            )
        out = [self._convolve(input.index_select(0, rows), Drawn(key)) for rows, key in drawn.groups]
        order = torch.cat([rows for rows, _ in drawn.groups]).argsort()
        return torch.cat(out).index_select(0, order)

    def _convolve(self, input: Tensor, drawn: Drawn) -> Tensor:
        kernel = self.context.fold_drawn(self.weight.flatten(1), drawn).view(self.weight.shape)
        return cast(Any, super())._conv_forward(input, kernel, self.bias)


KINDS: dict[type[nn.Module], type[SuperposedLayer]] = {
    nn.Linear: SuperposedLinear,
    nn.Conv1d: SuperposedConv,
    nn.Conv2d: SuperposedConv,
    nn.Conv3d: SuperposedConv,
}


def put_under_context(layer: nn.Module, family: Family, path: str, route: Route) -> None:
    """Make a layer of one of the KINDS a superposed one: in place, so that all who hold it see that."""
    layer.__class__ = _under_contexts(type(layer))  # type: ignore[arg-type]
    superposed = cast(SuperposedLayer, layer)
    superposed.context = family.bind(superposed.weight[0].numel(), path)
    superposed.route = route


@functools.cache
def _under_contexts(plain: type[nn.Module]) -> type[SuperposedLayer]:
    kind = next(kind for known, kind in KINDS.items() if issubclass(plain, known))
    return type(f"Superposed{plain.__name__}", (kind, plain), {"__module__": __name__})


def _blank(plain: type[nn.Module]) -> SuperposedLayer:
    cls = _under_contexts(plain)  # type: ignore[arg-type]  # a class is hashable, whatever its instances are
    return cls.__new__(cls)


def _plain(cls: type[nn.Module]) -> type[nn.Module]:
    return cls.__bases__[1]

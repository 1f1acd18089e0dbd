"""The diagonal of the Fisher information: how much each weight matters to what a network says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from psp.features import features
from psp.layers import SuperposedLayer
from psp.methods.shared import MAPS, trained

SAMPLES = 1000  # of a visit, that the expectation over its images is taken over
_NUMBERS = 2**24  # of one-sample gradients held at a time

Calls = list[tuple[Tensor, Tensor]]  # what a layer read and what it gave, each time it was called in a pass


def fisher(
    net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], task: int, samples: int = SAMPLES
) -> dict[str, Tensor]:
    """The diagonal Fisher information of every trained parameter, real and of its shape.

    F = E_x sum_c p(c | x) |d log p(c | x) / d theta|^2: squared gradients of single samples, the expectation over the
    network's own labels taken exactly over the classes (Martens 2020, sec. 5; van de Ven 2025). For a complex
    parameter |.|^2 adds the information of its two parts. The network is in evaluation mode meanwhile. What a layer
    reads is taken under the context of ``task``, so that F belongs to the weights as they are stored.

    Args:
        net: called as ``net(x, task=task)``; gives real logits (batch, classes).
        batches: images and labels; the labels are not used.
        task: what the network is told.
        samples: the first so many images count, or all if there are fewer.

    Raises:
        TypeError: a trained parameter that is not the weight or bias of one Linear or Conv1d/2d/3d, or a layer whose
            first dimension is not that of the samples.
        ValueError: no sample.

    Example:
        >>> import psp
        >>> net = psp.superpose(nn.Linear(4, 3), psp.Binary(seed=0))
        >>> found = fisher(net, [(torch.randn(8, 4), torch.zeros(8))], task=0)
        >>> {name: tuple(f.shape) for name, f in found.items()}
        {'network.weight': (3, 4), 'network.bias': (3,)}
    """
    layers = fisher_layers(net)
    found = {name: torch.zeros_like(p, dtype=p.dtype.to_real()) for name, p in trained(net).items()}
    calls: dict[str, Calls] = {}

    def record(path: str, layer: nn.Module, read: Tensor, given: Tensor) -> Tensor:
        calls.setdefault(path, []).append((_features(layer, read.detach()), given))
        return given.clone()  # an activation that works in place leaves the recorded one alone

    hooks = [
        layer.register_forward_hook(lambda layer, args, out, path=path: record(path, layer, args[0], out))
        for path, layer in layers.items()
    ]
    training, seen = net.training, 0
    net.eval()
    try:
        for x, _ in batches:
            x = x[: samples - seen]
            seen += len(x)
            calls.clear()
            with torch.enable_grad():
                scores = F.log_softmax(net(x, task=task), dim=-1)
            for path, squares in _squares(scores, calls, layers).items():
                for name, square in squares.items():
                    key = f"{path}.{name}" if path else name
                    if key in found:
                        found[key] += square
            if seen >= samples:
                break
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()
    if seen == 0:
        raise ValueError("Fisher information needs at least one sample, got none")
    return {name: f / seen for name, f in found.items()}


def fisher_layers(net: nn.Module) -> dict[str, nn.Module]:
    """The layers that hold the trained parameters, by their paths; TypeError if one cannot be measured."""
    layers: dict[str, nn.Module] = {}
    owned: list[int] = []
    for path, layer in net.named_modules():
        if isinstance(layer, MAPS) and trained(layer):
            layers[path] = layer
            owned += [id(p) for p in trained(layer).values()]
    for name, parameter in trained(net).items():
        if owned.count(id(parameter)) != 1:
            raise TypeError(
                f"Fisher information is known for the weights and biases of Linear and Conv1d, Conv2d, Conv3d, each of "
                f"one layer, but {name} is {'shared' if id(parameter) in owned else 'none of these'}: "
                "freeze it, or use SI"
            )
    return layers


def _squares(scores: Tensor, calls: dict[str, Calls], layers: dict[str, nn.Module]) -> dict[str, dict[str, Tensor]]:
    """Sums over samples and classes of p |gradient|^2, by layer and parameter."""
    given = [out for path in calls for _, out in calls[path]]
    roots = scores.detach().mul(0.5).exp()  # sqrt(p): a gradient times it has the square that is wanted
    pulled = [
        torch.autograd.grad(scores, given, roots * one, retain_graph=True, materialize_grads=True)
        for one in torch.eye(roots.shape[-1]).to(roots)
    ]
    found, start = {}, 0
    for path, made in calls.items():
        layer, stop = layers[path], start + len(made)
        features = torch.cat([x for x, _ in made], dim=1)
        if len(features) != len(scores):
            raise TypeError(f"{path} reads {len(features)} samples where the network was given {len(scores)}")
        errors = [torch.cat([_errors(layer, e) for e in of_class[start:stop]], dim=1) for of_class in pulled]
        found[path] = _layer_squares(cast(Tensor, layer.weight), features, errors)
        start = stop
    return found


def _layer_squares(weight: Tensor, x: Tensor, errors: list[Tensor]) -> dict[str, Tensor]:
    """From inputs (n, positions, groups, in) and, a class, errors (n, positions, groups, out)."""
    bias = sum(_square(e.sum(1)).sum(0) for e in errors)
    if x.shape[1] == 1:  # |e x^H|^2 = |e|^2 |x|^2, so that no gradient of a single sample is made
        total = cast(Tensor, sum(_square(e) for e in errors))
        square = torch.einsum("ntgo,ntgi->goi", total, _square(x))
    else:
        rows = max(1, _NUMBERS // weight.numel())
        square = cast(
            Tensor,
            sum(
                _square(torch.einsum("ntgo,ntgi->ngoi", part, read.conj())).sum(0)
                for e in errors
                for part, read in zip(e.split(rows), x.split(rows), strict=True)
            ),
        )
    return {"weight": square.reshape(weight.shape), "bias": cast(Tensor, bias).flatten()}


def _square(z: Tensor) -> Tensor:
    """|z|^2, real."""
    return torch.view_as_real(z.resolve_conj()).square().sum(-1) if z.is_complex() else z.square()


def _errors(layer: nn.Module, gradient: Tensor) -> Tensor:
    """The gradient of a layer's output as (n, positions, groups, out / groups)."""
    if isinstance(layer, _ConvNd):
        return gradient.flatten(2).unflatten(1, (layer.groups, -1)).permute(0, 3, 1, 2)
    return gradient.reshape(len(gradient), -1, 1, gradient.shape[-1])


def _features(layer: nn.Module, x: Tensor) -> Tensor:
    """What the rows of a layer's stored weight are multiplied with, as (n, positions, groups, in / groups)."""
    x = features(layer, x)
    if isinstance(layer, SuperposedLayer):
        x = layer.context.apply(x, layer.route.drawn[layer.context.layer])
    return x

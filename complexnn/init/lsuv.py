"""Layer-sequential unit variance."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from complexnn.init.unitary import unitary_


def _weights(module: nn.Module) -> list[Tensor]:
    """The complex matrices and kernels of a layer whose output is linear in them, if it is one."""
    linear = isinstance(module, (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)) or hasattr(module, "conj_weight")
    return [p for p in module.parameters(recurse=False) if linear and p.is_complex() and p.ndim >= 2]


def lsuv_(module: nn.Module, *inputs: Any, generator: torch.Generator | None = None) -> nn.Module:
    """Start the complex layers of a network so that on a batch each puts out unit variance E|y - E y|^2 = 1.

    Every linear, bilinear or convolution layer with a complex weight gets a unitary weight and a zero bias; then, in
    the order in which the batch runs through them, the weight is divided by the standard deviation of the output. As
    the output is proportional to the weight, one pass is exact. A layer that the batch does not reach stays unitary;
    one that is called twice is scaled at its first call.

    Source: Mishkin & Matas 2016, algorithm 1.

    Args:
        module: the network; it runs in its own mode, training or not.
        inputs: one batch of its inputs.
        generator: torch generator to draw from.

    Returns:
        The module.

    Raises:
        ValueError: a layer is lazy and has no shape yet; or puts out a constant, or no finite numbers.

    Example:
        >>> import complexnn
        >>> net = nn.Sequential(complexnn.Linear(8, 16), complexnn.CReLU(), complexnn.Linear(16, 4))
        >>> z = torch.randn(100, 8, dtype=torch.complex64)
        >>> round(float(lsuv_(net, z)(z).detach().var(correction=0)), 4)
        1.0
    """
    if lazy := [name for name, parameter in module.named_parameters() if is_lazy(parameter)]:
        raise ValueError(
            f"lsuv_ expects weights of known shape, got lazy {', '.join(lazy)}: call the network once before"
        )
    layers = {layer: name for name, layer in module.named_modules() if _weights(layer)}
    for layer in layers:
        for weight in _weights(layer):
            unitary_(weight, generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)

    def scale(layer: nn.Module, _: Any, output: Tensor) -> Tensor:
        handles.pop(layer).remove()
        std = float(output.std(correction=0))
        if not 0 < std < float("inf"):
            raise ValueError(f"layer {layers[layer]!r} puts out numbers of standard deviation {std} on this batch")
        for weight in _weights(layer):
            weight.div_(std)
        return output / std

    handles = {layer: layer.register_forward_hook(scale) for layer in layers}
    try:
        with torch.no_grad():
            module(*inputs)
    finally:
        for handle in handles.values():
            handle.remove()
    return module

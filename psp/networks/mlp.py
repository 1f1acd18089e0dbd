"""Fully connected networks."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

import complexnn


class MLP(nn.Module):
    """Linear layers with ReLU between them; with ``complex``, complex ones with CReLU and real logits.

    Images (n, ...) are flattened. The complex network takes real inputs as complex numbers of zero imaginary part, and
    its logits are the real part of its last layer, as in the paper's experiments.

    Args:
        inputs: numbers an image.
        width: units a hidden layer.
        hidden: hidden layers.
        classes: logits.
        complex: whether the layers are complexnn's.

    Example:
        >>> MLP(784, 256, 2, 10)(torch.zeros(3, 784)).shape
        torch.Size([3, 10])
    """

    def __init__(self, inputs: int, width: int, hidden: int, classes: int, complex: bool = False) -> None:
        super().__init__()
        linear = complexnn.Linear if complex else nn.Linear
        activation = complexnn.CReLU if complex else nn.ReLU
        sizes = [inputs, *[width] * hidden]
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(sizes):
            layers += [linear(a, b), activation()]
        self.complex = complex
        self.layers = nn.Sequential(*layers, linear(sizes[-1], classes))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        if not self.complex:
            return self.layers(x)
        return self.layers(torch.complex(x, torch.zeros_like(x))).real

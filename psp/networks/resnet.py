"""ResNet-18 for small images, with normalisation that no task owns, or that every task has of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


class TaskNorm(nn.Module):
    """Batch normalisation without a learned map, with running statistics for each task.

    ``task`` says whose: they are moved in training, and used in evaluation.

    Args:
        channels: of the input ``(N, channels, H, W)``.
        tasks: how many tasks there are.

    Example:
        >>> norm = TaskNorm(3, tasks=2)
        >>> norm.task = 1
        >>> norm(torch.randn(8, 3, 4, 4)).shape
        torch.Size([8, 3, 4, 4])
    """

    def __init__(self, channels: int, tasks: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels, affine=False) for _ in range(tasks))
        self.task = 0

    def forward(self, x: Tensor) -> Tensor:
        normalised: Tensor = self.norms[self.task](x)
        return normalised


def resnet18(classes: int, width: int = 64, tasks: int | None = None, channels: int = 3) -> nn.Module:
    """torchvision's ResNet-18 with a stem for images of 32x32: a 3x3 convolution of stride 1, and no pooling after it.

    Convolutions start as torchvision's do, Kaiming normal by their fan out. No norm has a learned map.

    Args:
        classes: logits.
        width: channels of the stem; 64 is the ResNet-18, and less is for small machines.
        tasks: norms keep running statistics for each of so many tasks, which a :class:`TaskNorm` is told; None for
            the batch's own statistics, in evaluation, too.
        channels: of the images.

    Example:
        >>> resnet18(10, width=8)(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """
    import psp._torchvision  # noqa: F401  isort: skip
    from torchvision.models.resnet import BasicBlock, ResNet

    norm: Callable[..., nn.Module]
    if tasks is None:
        norm = partial(nn.BatchNorm2d, affine=False, track_running_stats=False)
    else:
        norm = partial(TaskNorm, tasks=tasks)
    with torch.device("meta"):  # only its methods and the order of its layers are wanted: no random number is drawn
        net = ResNet(BasicBlock, [2, 2, 2, 2])
    net._norm_layer = norm
    net.inplanes = width
    net.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
    net.bn1 = norm(width)
    net.maxpool = nn.Identity()
    for stage in range(4):
        layer = net._make_layer(BasicBlock, width << stage, 2, stride=1 if stage == 0 else 2)
        setattr(net, f"layer{stage + 1}", layer)
    net.fc = nn.Linear(width << 3, classes)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


def tell_norms(net: nn.Module) -> None:
    """Let every :class:`TaskNorm` within a network that is called ``net(x, task=k)`` know the task."""
    norms = [module for module in net.modules() if isinstance(module, TaskNorm)]

    def tell(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for norm in norms:
            norm.task = int(kwargs["task"])

    net.register_forward_pre_hook(tell, with_kwargs=True)

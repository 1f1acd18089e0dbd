"""The networks of the experiments."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import psp
from psp.networks import TaskNorm, resnet18, tell_norms


def test_resnet18_is_torchvisions_with_another_stem_and_no_learned_norms() -> None:
    import psp._torchvision  # noqa: F401  isort: skip
    from torchvision.models import resnet18 as of_torchvision

    theirs, ours = of_torchvision(num_classes=10), resnet18(10)
    shapes = {name: p.shape for name, p in theirs.named_parameters() if p.ndim > 1 or name == "fc.bias"}
    assert {name: p.shape for name, p in ours.named_parameters()} == shapes | {"conv1.weight": (64, 3, 3, 3)}
    assert sum(p.numel() for p in ours.parameters()) == 11_164_362
    # The rest of the network is theirs: with their norms and the same weights it computes the same.
    plain = resnet18(10, width=64)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    for name, module in list(theirs.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            path, _, last = name.rpartition(".")
            setattr(theirs.get_submodule(path), last, nn.BatchNorm2d(module.num_features, affine=False,
                                                                      track_running_stats=False))  # fmt: skip
    theirs.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(theirs(x), plain(x))


def test_its_weights_come_from_the_seed_alone() -> None:
    def weights() -> list[torch.Tensor]:
        torch.manual_seed(3)
        return list(resnet18(10, width=8).parameters())

    assert all(torch.equal(a, b) for a, b in zip(weights(), weights(), strict=True))
    convolutions = [p for p in weights() if p.ndim == 4]
    for weight in convolutions:  # Kaiming normal by fan out: variance 2 / (C_out k k)
        fan_out = weight.shape[0] * weight[0, 0].numel()
        ratio = float(weight.detach().square().mean()) * fan_out / 2
        assert abs(ratio - 1) < 4 * (2 / weight.numel()) ** 0.5


@pytest.mark.parametrize(("width", "size"), [(8, 32), (4, 16)])
def test_narrow_ones_have_a_share_of_the_channels(width: int, size: int) -> None:
    net = resnet18(7, width=width)
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)
    assert net.get_parameter("layer4.1.conv2.weight").shape == (8 * width, 8 * width, 3, 3)


def test_it_can_be_superposed() -> None:
    net = psp.superpose(resnet18(10, width=4), psp.Binary(seed=0))
    assert len(net.layers) == 21
    x = torch.randn(4, 3, 16, 16)
    assert not torch.allclose(net(x, task=0), net(x, task=1))
    assert torch.allclose(net.retrieve(1)(x), net(x, task=1), atol=1e-5)


def test_static_norms_use_the_batch_in_evaluation_too() -> None:
    net = resnet18(10, width=4).eval()
    x = torch.randn(4, 3, 16, 16)
    assert not torch.allclose(net(x)[:2], net(x[:2]), atol=1e-3)
    assert not list(net.buffers())


def test_a_tasks_own_norm_moves_its_statistics_alone() -> None:
    torch.manual_seed(0)
    norm = TaskNorm(3, tasks=2)
    x = 5 + 2 * torch.randn(64, 3, 4, 4)
    norm.task = 1
    for _ in range(100):
        norm(x)
    first, second = norm.norms
    assert torch.equal(first.running_mean, torch.zeros(3))
    assert torch.allclose(second.running_mean, x.mean((0, 2, 3)), atol=1e-3)
    norm.eval()
    assert torch.allclose(norm(x)[:1], norm(x[:1]))
    assert torch.allclose(norm(x).mean((0, 2, 3)), torch.zeros(3), atol=1e-2)


def test_norms_are_told_the_task_that_the_network_is() -> None:
    net = psp.superpose(resnet18(10, width=4, tasks=3), psp.Binary(seed=0))
    tell_norms(net)
    net(torch.randn(8, 3, 16, 16), task=2)
    moved = [bool(norm.num_batches_tracked) for m in net.modules() if isinstance(m, TaskNorm) for norm in m.norms]
    assert moved == 20 * [False, False, True]

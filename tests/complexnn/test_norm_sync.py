"""SyncBatchNorm: two processes do what one does with both batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

import complexnn

C128 = torch.complex128
SPLITS = {"uneven": (3, 5), "one empty": (8, 0), "one value each": (1, 1)}
LAYERS = {"learned": {}, "affine=False": {"affine": False}, "average": {"momentum": None}}


def data(count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count)
    spatial = () if count == 2 else (3,)
    z, grad = (torch.randn(count, 2, *spatial, dtype=C128, generator=generator) for _ in range(2))
    return z + 0.4 * z.conj() + 3, grad


def layer(arguments: dict[str, Any]) -> complexnn.SyncBatchNorm:
    module = complexnn.SyncBatchNorm(2, dtype=C128, **arguments)
    if module.affine:
        with torch.no_grad():
            module.weight.copy_(torch.tensor([[0.9, 0.2, 0.4], [0.3, -0.5, 1.1]]))
            module.bias.copy_(torch.tensor([1 - 2j, 0.5j]))
    return module


def run(module: nn.Module, z: Tensor, grad: Tensor) -> dict[str, Tensor]:
    """Outputs, gradients and second derivatives on two batches, and the state after them."""
    out = {}
    for step in range(2):
        x = (z * (1 + step)).requires_grad_()
        wanted = [x, *module.parameters()]
        y = module(x)
        first = torch.autograd.grad(y, wanted, grad, create_graph=True)
        out[f"output {step}"] = y.detach()
        out.update({f"gradient {step} {i}": value.detach() for i, value in enumerate(first)})
        scalar = (first[0] * grad.conj()).real.sum()
        for i, value in enumerate(torch.autograd.grad(scalar, wanted, allow_unused=True, materialize_grads=True)):
            out[f"second {step} {i}"] = value
    out.update({key: value.clone() for key, value in module.state_dict().items()})
    module.eval()
    out["evaluation"] = module(z).detach()
    return out


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    results = {}
    for split, counts in SPLITS.items():
        z, grad = data(sum(counts))
        own = slice(0, counts[0]) if rank == 0 else slice(counts[0], None)
        for name, arguments in LAYERS.items():
            results[split, name] = run(layer(arguments), z[own], grad[own])
    groups = [dist.new_group([each]) for each in range(2)]
    z, grad = data(8)
    results["own group"] = run(layer({"process_group": groups[rank]}), z[rank::2], grad[rank::2])
    results["evaluation"] = layer({"track_running_stats": False}).eval()(z[rank::2]).detach()
    torch.save(results, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict]]:
    folder: Path = tmp_path_factory.mktemp("gloo")
    mp.spawn(work, (str(folder),), nprocs=2)
    yield [torch.load(folder / f"{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", LAYERS)
def test_two_processes_equal_one_with_both_batches(results: list[dict], split: str, name: str) -> None:
    z, grad = data(sum(SPLITS[split]))
    expected = run(layer(LAYERS[name]), z, grad)
    pair = [result[split, name] for result in results]
    for key, value in expected.items():
        parts = [result[key] for result in pair]
        if "output" in key or "evaluation" in key or key.endswith(" 0"):  # of samples: each process has its own
            torch.testing.assert_close(torch.cat(parts), value, atol=1e-9, rtol=1e-9)
        elif "gradient" in key or "second" in key:  # of parameters: each process has its share, for DDP to add up
            torch.testing.assert_close(parts[0] + parts[1], value, atol=1e-9, rtol=1e-9)
        else:  # state: the same in both
            torch.testing.assert_close(parts[0], parts[1], atol=0, rtol=0)
            torch.testing.assert_close(parts[0], value)


def test_statistics_stay_within_the_process_group(results: list[dict]) -> None:
    z, grad = data(8)
    for rank, result in enumerate(results):
        expected = run(layer({}), z[rank::2], grad[rank::2])
        for key, value in result["own group"].items():
            torch.testing.assert_close(value, expected[key])


def test_in_evaluation_each_process_has_statistics_of_its_own(results: list[dict]) -> None:
    z, _ = data(8)
    for rank, result in enumerate(results):
        expected = layer({"track_running_stats": False})(z[rank::2])
        torch.testing.assert_close(result["evaluation"], expected.detach())


def test_alone_it_is_batch_norm() -> None:
    z, _ = data(8)
    own, other = complexnn.SyncBatchNorm(2, dtype=C128), complexnn.BatchNorm1d(2, dtype=C128)
    torch.testing.assert_close(own(z), other(z))
    torch.testing.assert_close(own.eval()(z), other.eval()(z))


def test_conversion_keeps_parameters_buffers_and_all_other_layers() -> None:
    net = nn.Sequential(
        complexnn.BatchNorm1d(2, momentum=None, dtype=C128),
        nn.Sequential(complexnn.BatchNorm2d(3, eps=1e-3, affine=False), nn.BatchNorm2d(3)),
        complexnn.SplitBatchNorm1d(2),
        complexnn.BatchNorm3d(4, track_running_stats=False, bias=False).eval(),
    )
    before, modules = dict(net.state_dict(keep_vars=True)), list(net.modules())
    converted = complexnn.SyncBatchNorm.convert_sync_batchnorm(net, process_group="group")
    assert converted is net
    assert [type(module).__name__ for module in net.modules()] == [
        "Sequential",
        "SyncBatchNorm",
        "Sequential",
        "SyncBatchNorm",
        "BatchNorm2d",
        "SplitBatchNorm1d",
        "SyncBatchNorm",
    ]
    after = net.state_dict(keep_vars=True)
    assert list(after) == list(before) and all(after[key] is before[key] for key in before)
    for old, new in zip(modules, net.modules(), strict=True):
        if isinstance(new, complexnn.SyncBatchNorm):
            assert new.process_group == "group" and new.training == old.training
            assert new.extra_repr() == old.extra_repr()
    single = complexnn.SyncBatchNorm.convert_sync_batchnorm(complexnn.BatchNorm1d(2))
    assert isinstance(single, complexnn.SyncBatchNorm)
    assert complexnn.SyncBatchNorm.convert_sync_batchnorm(single) is not None


def test_wrong_input_raises() -> None:
    with pytest.raises(ValueError, match="expected at least 2D input"):
        complexnn.SyncBatchNorm(2)(torch.randn(2, dtype=C128))
    with pytest.raises(TypeError, match="complex"):
        complexnn.SyncBatchNorm(2)(torch.randn(3, 2))

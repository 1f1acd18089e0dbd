"""EWC and SI: the penalties they name, the importance they define, and fine-tuning at strength 0."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import complexnn
import psp
from psp.methods import EWC, SI, Method, MultiHead, OnlineEWC, fisher
from psp.methods.penalty import Penalised
from psp.methods.shared import trained
from tests.psp.test_fisher import C, D, Real

COMPLEX = pytest.mark.parametrize("complex", [False, True])
MAKE: dict[str, Callable[[nn.Module, float], Penalised]] = {"ewc": EWC, "online-ewc": OnlineEWC, "si": SI}
every_method = pytest.mark.parametrize("make", MAKE.values(), ids=list(MAKE))


def network(complex: bool) -> nn.Module:
    if complex:
        return psp.superpose(
            Real(complexnn.Linear(5, 6, dtype=C), complexnn.CReLU(), complexnn.Linear(6, 3, dtype=C)), psp.Complex(0)
        )
    return psp.superpose(nn.Sequential(nn.Linear(5, 6, dtype=D), nn.ReLU(), nn.Linear(6, 3, dtype=D)), psp.Binary(0))


def sample(complex: bool, n: int = 8) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 5, dtype=C if complex else D), torch.randint(3, (n,))


def visit(method: Method, optimizer: torch.optim.Optimizer, task: int, batches: list[tuple[Tensor, Tensor]]) -> None:
    """A visit of a task as the online loop makes it."""
    method.start(task, optimizer)
    for step, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        method.loss(x, y, task, step).backward()
        method.before_step()
        optimizer.step()
        method.after_step()
    method.finish(task, iter(batches[::-1]))


def parameters(method: Method) -> list[Tensor]:
    return [p.detach().clone() for p in trained(method.net).values()]


def penalty(method: Method, importance: list[Tensor], anchors: list[Tensor]) -> Tensor:
    """1/2 sum P |theta - theta*|^2, term by term."""
    terms = zip(trained(method.net).values(), importance, anchors, strict=True)
    return torch.stack([(f * (p - a).abs().square()).sum() / 2 for p, f, a in terms]).sum()


def added(method: Penalised) -> list[Tensor]:
    """What the method adds to gradients of zero."""
    for p in trained(method.net).values():
        p.grad = torch.zeros_like(p)
    method.before_step()
    return [p.grad for p in trained(method.net).values() if p.grad is not None]


@COMPLEX
@pytest.mark.parametrize("decay", [None, 1.0, 0.6])
def test_ewc_after_two_tasks_is_the_gradient_of_its_sum_of_penalties(complex: bool, decay: float | None) -> None:
    torch.manual_seed(0)
    net = network(complex)
    method = EWC(net, 3.0) if decay is None else OnlineEWC(net, 3.0, decay=decay)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.05)
    found, anchors = [], []
    for task in range(2):
        batches = [sample(complex) for _ in range(4)]
        visit(method, optimizer, task, batches)
        found.append(list(fisher(net, batches[::-1], task).values()))
        anchors.append(parameters(method))
    with torch.no_grad():
        for p in net.parameters():
            p += torch.randn_like(p)
    if decay is None:
        total = sum(penalty(method, f, a) for f, a in zip(found, anchors, strict=True))
    else:
        total = penalty(method, [decay * a + b for a, b in zip(*found, strict=True)], anchors[1])
    expected = torch.autograd.grad(3.0 * total, list(trained(net).values()))  # type: ignore[arg-type]
    for a, b in zip(added(method), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-13)
        assert float(b.abs().max()) > 1e-4


@COMPLEX
def test_si_is_the_gradient_of_its_penalty(complex: bool) -> None:
    torch.manual_seed(0)
    method = SI(network(complex), 3.0)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.05)
    for task in range(2):
        visit(method, optimizer, task, [sample(complex) for _ in range(4)])
    method.start(2, optimizer)
    anchors = parameters(method)
    with torch.no_grad():
        for p in method.net.parameters():
            p += torch.randn_like(p)
    total = penalty(method, list(method.importance), anchors)
    expected = torch.autograd.grad(3.0 * total, list(trained(method.net).values()))
    for a, b in zip(added(method), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-13)
        assert float(b.abs().max()) > 1e-4


class Bowl(SI):
    """SI on the loss h/2 |theta - target|^2 of one parameter."""

    def __init__(self, dtype: torch.dtype, strength: float = 0.0) -> None:
        net = nn.Module()
        net.theta = nn.Parameter(torch.randn(7, dtype=dtype))
        super().__init__(net, strength)
        self.h, self.target = torch.rand(7, dtype=D) + 0.5, torch.randn(7, dtype=dtype)

    def each(self) -> Tensor:
        return self.h * (self.net.theta - self.target).abs().square() / 2  # type: ignore[operator]

    def loss(self, x: Tensor, y: Tensor, task: int, step: int) -> Tensor:
        return self.each().sum()


@pytest.mark.parametrize("dtype", [D, C])
def test_si_credits_every_weight_with_the_loss_that_it_saved(dtype: torch.dtype) -> None:
    # Steps of size lr make the path integral wrong by a share of at most h lr / 2 = 7.5e-4.
    torch.manual_seed(0)
    method = Bowl(dtype)
    optimizer = torch.optim.SGD(method.parameters(), lr=1e-3)
    before, began = method.each().detach(), method.net.theta.detach().clone()
    visit(method, optimizer, 0, [sample(False)] * 2000)
    saved = before - method.each().detach()
    (path,), (importance,) = method.path, method.importance
    torch.testing.assert_close(path, saved, rtol=1e-3, atol=0)
    moved = (method.net.theta.detach() - began).abs().square()
    torch.testing.assert_close(importance, path / (moved + 0.1), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [D, C])
def test_the_path_of_si_follows_the_loss_without_the_penalty(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    method = Bowl(dtype, strength=5.0)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
    visit(method, optimizer, 0, [sample(False)] * 3)
    first = next(iter(method.importance)).clone()
    method.target = torch.randn(7, dtype=dtype)
    method.start(1, optimizer)
    expected, theta = torch.zeros(7, dtype=D), method.net.theta
    anchor = theta.detach().clone()
    for step in range(4):
        old = theta.detach().clone()
        gradient = method.h * (old - method.target)
        optimizer.zero_grad()
        method.loss(*sample(False), 1, step).backward()
        method.before_step()
        optimizer.step()
        method.after_step()
        torch.testing.assert_close(theta.detach(), old - 0.1 * (gradient + 5.0 * first * (old - anchor)))
        expected -= (gradient.conj() * (theta.detach() - old)).real
    torch.testing.assert_close(next(iter(method.path)), expected)
    method.finish(1, iter([]))
    second = expected.clamp(min=0) / ((theta.detach() - anchor).abs().square() + 0.1)
    torch.testing.assert_close(next(iter(method.importance)), first + second)


def test_a_weight_that_made_the_loss_worse_has_no_importance() -> None:
    torch.manual_seed(0)
    method = Bowl(D)
    ascent = torch.optim.SGD(method.parameters(), lr=1e-3, maximize=True)
    visit(method, ascent, 0, [sample(False)] * 5)
    assert bool((next(iter(method.path)) < 0).all())
    assert bool((next(iter(method.importance)) == 0).all())


def test_the_path_of_a_complex_weight_is_the_sum_of_those_of_its_two_parts() -> None:
    torch.manual_seed(0)
    whole = Bowl(C)
    net = nn.Module()
    net.theta = nn.Parameter(torch.view_as_real(whole.net.theta.detach().clone()).clone())
    split = SI(net, 0.0)
    h, target = whole.h, torch.view_as_real(whole.target)
    split.loss = lambda *_: (h[:, None] * (split.net.theta - target).square()).sum() / 2  # type: ignore[assignment]
    for method in (whole, split):
        visit(method, torch.optim.SGD(method.parameters(), lr=0.1), 0, [sample(False)] * 3)
    torch.testing.assert_close(next(iter(whole.path)), next(iter(split.path)).sum(-1))


@every_method
@COMPLEX
def test_strength_zero_is_fine_tuning_to_the_bit(make: Callable, complex: bool) -> None:
    ends = []
    for kind in (lambda net: Method(net), lambda net: make(net, 0.0)):
        torch.manual_seed(0)
        method = kind(network(complex))
        optimizer = torch.optim.RMSprop([p for p in method.parameters() if p.requires_grad], lr=1e-2)
        for task in range(3):
            visit(method, optimizer, task, [sample(complex) for _ in range(5)])
        ends.append(parameters(method))
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


@every_method
def test_the_first_task_is_fine_tuning_whatever_the_strength(make: Callable) -> None:
    ends = []
    for kind in (lambda net: Method(net), lambda net: make(net, 1e3)):
        torch.manual_seed(0)
        method = kind(network(False))
        optimizer = torch.optim.RMSprop([p for p in method.parameters() if p.requires_grad], lr=1e-2)
        visit(method, optimizer, 0, [sample(False) for _ in range(5)])
        ends.append(parameters(method))
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


@every_method
def test_the_head_of_another_task_is_left_alone(make: Callable) -> None:
    torch.manual_seed(0)
    net = MultiHead(nn.Sequential(nn.Linear(5, 6, dtype=D), nn.ReLU(), nn.Linear(6, 3, dtype=D)), 2)
    method = make(net, 10.0)
    optimizer = torch.optim.RMSprop([p for p in method.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(2):  # two anchors, so that the penalty does pull
        visit(method, optimizer, 0, [sample(False) for _ in range(5)])
    head = [p.detach().clone() for name, p in net.named_parameters() if ".2.0." in name]
    visit(method, optimizer, 1, [sample(False) for _ in range(5)])
    assert len(head) == 2
    after = [p for name, p in net.named_parameters() if ".2.0." in name]
    assert all(torch.equal(a, b) for a, b in zip(head, after, strict=True))


@every_method
def test_what_cannot_be_is_refused(make: Callable) -> None:
    for strength in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="strength must be a number from 0"):
            make(network(False), strength)
    with pytest.raises(ValueError, match=r"decay must be between 0 and 1, got 1\.5"):
        OnlineEWC(network(False), 1.0, decay=1.5)
    with pytest.raises(TypeError, match="Fisher information is known for"):
        EWC(nn.LayerNorm(3), 1.0)

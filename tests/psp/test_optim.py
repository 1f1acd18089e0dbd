"""RowRMSprop: its formula, and that it turns with the inputs of a layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import psp


def steps(weight: torch.Tensor, gradients: list[torch.Tensor], **options: float) -> torch.Tensor:
    parameter = nn.Parameter(weight.clone())
    optimizer = psp.RowRMSprop([parameter], **options)
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 3, 3), (6,)])
def test_a_step_is_the_formula(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    weight, gradients = torch.randn(shape, dtype=dtype), [torch.randn(shape, dtype=dtype) for _ in range(3)]
    expected, v = weight.clone(), [0.0] * shape[0]
    for g in gradients:
        for row in range(shape[0]):
            v[row] = 0.9 * v[row] + 0.1 * float(g[row].abs().square().mean())
            expected[row] -= 0.01 * g[row] / (v[row] ** 0.5 + 1e-6)
    assert torch.allclose(steps(weight, gradients, lr=0.01, alpha=0.9, eps=1e-6), expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_it_turns_with_the_inputs_where_rmsprop_does_not(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    weight, gradients = torch.randn(3, 5, dtype=dtype), [torch.randn(3, 5, dtype=dtype) for _ in range(4)]
    Q = torch.linalg.qr(torch.randn(5, 5, dtype=dtype)).Q
    turned = steps(weight @ Q, [g @ Q for g in gradients], lr=0.1)
    assert torch.allclose(turned, steps(weight, gradients, lr=0.1) @ Q)

    def elementwise(w: torch.Tensor, gs: list[torch.Tensor]) -> torch.Tensor:
        parameter = nn.Parameter(w.clone())
        optimizer = torch.optim.RMSprop([parameter], lr=0.1)
        for g in gs:
            parameter.grad = g.clone()
            optimizer.step()
        return parameter.detach()

    assert not torch.allclose(elementwise(weight @ Q, [g @ Q for g in gradients]), elementwise(weight, gradients) @ Q)


def test_on_vectors_it_is_rmsprop() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(4))
    a, b = psp.RowRMSprop([ours], lr=0.1), torch.optim.RMSprop([theirs], lr=0.1)
    for _ in range(3):
        ours.grad = torch.randn(4)
        theirs.grad = ours.grad.clone()
        a.step()
        b.step()
    assert torch.allclose(ours, theirs)


def test_it_goes_on_from_its_state_and_takes_a_closure() -> None:
    parameter = nn.Parameter(torch.ones(2, 3))
    optimizer = psp.RowRMSprop([parameter, nn.Parameter(torch.ones(2))], lr=0.1)  # the second has no gradient

    def closure() -> float:
        optimizer.zero_grad()
        loss = parameter.square().sum()
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) == 6.0
    other = psp.RowRMSprop([parameter, nn.Parameter(torch.ones(2))], lr=0.5)
    other.load_state_dict(optimizer.state_dict())
    assert torch.equal(other.state[parameter]["square_avg"], optimizer.state[parameter]["square_avg"])
    assert other.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(("options", "told"), [({"lr": 0.0}, "lr"), ({"alpha": 1.0}, "alpha"), ({"eps": -1.0}, "eps")])
def test_numbers_out_of_range_are_refused(options: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=f"{told} must be"):
        psp.RowRMSprop([nn.Parameter(torch.ones(1))], **options)

"""The complex embedding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import complexnn
from complexnn import functional as F

DTYPES = pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
INDEX = torch.tensor([[1, 4, 1], [0, 6, 2]])


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def accumulated(grad: Tensor, index: Tensor, size: int, padding: int | None, by_frequency: bool) -> Tensor:
    """The gradient of the table, one row at a time."""
    table = torch.zeros(size, grad.shape[-1], dtype=grad.dtype)
    for place, row in zip(index.flatten().tolist(), grad.reshape(-1, grad.shape[-1]), strict=True):
        if place != padding:
            table[place] += row / (int((index == place).sum()) if by_frequency else 1)
    return table


@DTYPES
@pytest.mark.parametrize("index", [INDEX, INDEX.int(), torch.tensor(3), torch.empty(2, 0, dtype=torch.long)])
@pytest.mark.parametrize("padding", [None, 0, 1, -6])
@pytest.mark.parametrize("options", [{}, {"scale_grad_by_freq": True}, {"sparse": True}])
def test_rows_and_their_gradients_are_those_of_the_loop(
    index: Tensor, padding: int | None, options: dict[str, bool], dtype: torch.dtype
) -> None:
    table = complexnn.Embedding(7, 3, padding, dtype=dtype, **options)
    y = table(index)
    assert y.dtype == dtype and torch.equal(y, table.weight[index.long()])
    g = torch.randn_like(y)
    y.backward(g)
    assert table.weight.grad.is_sparse == ("sparse" in options)
    grad = table.weight.grad.to_dense()
    expected = accumulated(g, index, 7, None if padding is None else padding % 7, "scale_grad_by_freq" in options)
    assert grad.dtype == dtype and torch.allclose(grad, expected)


@pytest.mark.parametrize("padding", [0, 2, -1])
def test_the_padding_starts_at_zero_and_stays_there(padding: int) -> None:
    table = complexnn.Embedding(7, 3, padding)
    assert table.padding_idx == padding % 7
    optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
    for _ in range(2):
        zero = (table.weight == 0).all(1)
        assert zero.tolist() == [row == padding % 7 for row in range(7)]
        table(torch.arange(7)).abs().sum().backward()
        optimizer.step()


def test_a_sparse_gradient_steps_as_the_dense_one() -> None:
    dense = complexnn.Embedding(7, 3, padding_idx=1)
    sparse = complexnn.Embedding(7, 3, padding_idx=1, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    target = torch.randn(2, 3, 3, dtype=torch.complex64)
    for table in (dense, sparse):
        optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            (table(INDEX) - target).abs().square().sum().backward()
            optimizer.step()
    assert torch.allclose(sparse.weight, dense.weight)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize("sparse", [False, True])
def test_max_norm_bounds_the_rows_that_are_looked_up(p: float, sparse: bool) -> None:
    table = complexnn.Embedding(7, 3, max_norm=1.2, norm_type=p, sparse=sparse)
    before = table.weight.detach().clone()
    y = table(INDEX)
    for row in range(7):
        norm = float(torch.tensor([abs(complex(w)) for w in before[row]]).norm(p))
        factor = min(1.0, 1.2 / norm) if row in INDEX else 1.0
        assert torch.allclose(table.weight[row], before[row] * factor, atol=1e-6)
    assert torch.equal(y, table.weight[INDEX])
    y.abs().sum().backward()
    assert table.weight.grad is not None


def test_max_norm_works_on_meta_and_compiled() -> None:
    meta = complexnn.Embedding(7, 3, max_norm=1.2, device="meta")
    assert meta(INDEX.to("meta")).shape == (2, 3, 3)
    torch._dynamo.reset()
    eager, compiled = (complexnn.Embedding(7, 3, max_norm=1.2) for _ in range(2))
    compiled.load_state_dict(eager.state_dict())
    y = torch.compile(compiled, fullgraph=True, backend="aot_eager")(INDEX)
    assert torch.allclose(y, eager(INDEX)) and torch.allclose(compiled.weight, eager.weight)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_max_norm_is_torchs_on_real_numbers(p: float) -> None:
    weight = torch.randn(7, 3)
    torchs = torch.nn.Embedding.from_pretrained(weight.clone(), max_norm=1.2, norm_type=p)
    ours = complexnn.Embedding.from_pretrained(weight.to(torch.complex64), max_norm=1.2, norm_type=p)
    assert torch.allclose(ours(INDEX).real, torchs(INDEX))
    assert torch.allclose(ours.weight.real, torchs.weight)


def test_embedding_has_first_and_second_derivatives() -> None:
    weight = torch.randn(7, 3, dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: F.embedding(INDEX, w), weight)
    assert torch.autograd.gradgradcheck(lambda w: F.embedding(INDEX, w), weight)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_negative_padding_counts_from_the_end(sparse: bool) -> None:
    weight = torch.randn(7, 3, dtype=torch.complex64, requires_grad=True)
    F.embedding(INDEX, weight, padding_idx=-1, sparse=sparse).sum().abs().backward()
    touched = (weight.grad.to_dense() != 0).all(1)
    assert touched.tolist() == [row in INDEX and row != 6 for row in range(7)]


def test_from_pretrained_keeps_the_table() -> None:
    weight = torch.randn(4, 3, dtype=torch.complex128)
    table = complexnn.Embedding.from_pretrained(weight, padding_idx=2)
    assert type(table) is complexnn.Embedding and table.padding_idx == 2
    assert not table.weight.requires_grad and torch.equal(table(torch.tensor([2, 0])), weight[[2, 0]])
    assert complexnn.Embedding.from_pretrained(weight, freeze=False).weight.requires_grad


def test_table_has_unit_variance_and_torchs_state_dict() -> None:
    table = complexnn.Embedding(500, 40)
    power = table.weight.detach().abs().square()
    assert abs(float(power.mean()) - 1) < 5 * float(power.std() / power.numel() ** 0.5)
    torchs = torch.nn.Embedding(500, 40, dtype=torch.complex64)
    torchs.load_state_dict(table.state_dict())
    assert isinstance(table, torch.nn.Embedding) and repr(torchs) == repr(table)


def test_wrong_inputs_raise_before_the_table_changes() -> None:
    with pytest.raises(TypeError, match="expects a complex dtype"):
        complexnn.Embedding(7, 3, dtype=torch.float32)
    with pytest.raises(TypeError, match="expects a complex tensor"):
        complexnn.Embedding.from_pretrained(torch.randn(4, 3))
    with pytest.raises(ValueError, match="dense gradient"):
        complexnn.Embedding(7, 3, scale_grad_by_freq=True, sparse=True)
    with pytest.raises(ValueError, match="padding_idx must lie within the 7 embeddings, got 7"):
        F.embedding(INDEX, torch.randn(7, 3, dtype=torch.complex64), padding_idx=7)
    for options in ({}, {"sparse": True}, {"max_norm": 0.1}):
        table = complexnn.Embedding(7, 3, **options)
        before = table.weight.detach().clone()
        for wrong in (7, -1):
            with pytest.raises(IndexError):
                table(torch.tensor([0, wrong]))
        with pytest.raises(RuntimeError, match="Long"):
            table(torch.tensor([0.0, 1.0]))
        assert torch.equal(table.weight, before)

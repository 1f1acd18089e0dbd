"""Every law over every public module: tests/laws/cases_<topic>.py say which modules, :class:`Case` how."""

from __future__ import annotations

import importlib
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

import complexnn
from complexnn.testing import (
    assert_equivariant,
    assert_independent,
    assert_module_contract,
    complex_tensors,
    gradcheck_module,
)
from complexnn.testing.inputs import deviation, probe, run, tensors
from tests.laws.case import Case

CASES: list[Case] = [
    case
    for path in sorted(Path(__file__).parent.glob("cases_*.py"))
    for case in importlib.import_module(f"tests.laws.{path.stem}").CASES
]


def law(name: str, applies: Callable[[Case], bool] = lambda case: True) -> pytest.MarkDecorator:
    """Run a law over the cases that it applies to and that do not skip it by name."""
    chosen = [case for case in CASES if applies(case) and name not in case.skip]
    return pytest.mark.parametrize("case", chosen, ids=[case.name for case in chosen])


@pytest.fixture(autouse=True)
def seed(request: pytest.FixtureRequest) -> None:
    """Each law draws numbers of its own for each case: the same ones in any order."""
    torch.manual_seed(zlib.crc32(request.node.nodeid.encode()))


def signals(case: Case, dtype: torch.dtype) -> tuple[Tensor, ...]:
    return case.inputs(dtype) if case.inputs else (torch.randn(case.shape, dtype=dtype),)


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    if tensor.is_complex():
        return tensor.to(dtype)
    return tensor.to(dtype.to_real()) if tensor.is_floating_point() else tensor


def fresh(case: Case, dtype: torch.dtype) -> nn.Module:
    """The case's module as it starts, a lazy one after its first call."""
    module = case.make(device=None, dtype=dtype)
    if any(is_lazy(parameter) for parameter in module.parameters()):
        module(*signals(case, dtype))
    return module


def generic(case: Case, dtype: torch.dtype, values: bool = False) -> nn.Module:
    """The case's module with every parameter moved off its start; for laws on values a random one does not draw."""
    module = fresh(case, dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return module.train(not (values and case.random))


def leaves(inputs: tuple[Tensor, ...]) -> list[Tensor]:
    return [
        tensor.detach().clone().requires_grad_(tensor.is_complex() or tensor.is_floating_point()) for tensor in inputs
    ]


def run_back(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs, and the gradients of :func:`probe` with respect to inputs and parameters, zero where there are none."""
    outputs = run(module, inputs)
    loss = probe(outputs)
    wanted = [tensor for tensor in (*inputs, *module.parameters()) if tensor.requires_grad]
    if not wanted or loss is None:
        return outputs, []
    return outputs, list(torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True))


def assert_alike(actual: list[Tensor], expected: list[Tensor], rtol: float) -> None:
    for one, other in zip(actual, expected, strict=True):
        assert deviation(one, other) <= (rtol if other.is_complex() or other.is_floating_point() else 0)


@law("contract")
def test_contract(case: Case) -> None:
    assert_module_contract(case.make, *signals(case, torch.complex64))


@law("gradcheck", lambda case: case.smooth)
def test_backward_equals_central_differences(case: Case) -> None:
    inputs = signals(case, torch.complex128)
    module = generic(case, torch.complex128)
    size = sum(tensor.numel() for tensor in (*inputs, *module.parameters()))
    gradcheck_module(module, *inputs, fast_mode=size > 48)  # the whole Jacobian costs size^2


def edges(z: Tensor) -> Iterator[Tensor]:
    """Zeros, negative zeros and tiny numbers; all over, and among others."""
    if not z.is_complex():
        yield z
        return
    tiny = torch.sgn(z) * 1e-30
    minus = torch.complex(torch.full_like(z.real, -0.0), torch.full_like(z.real, -0.0))
    yield from (torch.zeros_like(z), minus, tiny)
    places = torch.rand(z.shape)
    mixed = torch.where(places < 0.2, 0, torch.where(places < 0.4, tiny, torch.where(places < 0.5, minus, z)))
    yield from (mixed, torch.complex(z.real, torch.zeros_like(z.real)))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128], ids=["complex64", "complex128"])
@law("zero")
def test_values_and_gradients_are_finite_at_zero_and_tiny_numbers(case: Case, dtype: torch.dtype) -> None:
    module = fresh(case, dtype)
    for inputs in zip(*(list(edges(z)) * (1 if z.is_complex() else 5) for z in signals(case, dtype)), strict=True):
        outputs, gradients = run_back(module, tuple(leaves(inputs)))
        assert all(tensor.isfinite().all() for tensor in (*outputs, *gradients))


@law("finite", lambda case: case.inputs is None)
@given(data=st.data())
@settings(max_examples=5, deadline=None, derandomize=True, database=None)
def test_values_and_gradients_are_finite_at_awkward_numbers(case: Case, data: st.DataObject) -> None:
    z = data.draw(complex_tensors(case.shape, bound=1e6)).requires_grad_()
    outputs, gradients = run_back(fresh(case, torch.complex64), (z,))
    assert all(tensor.isfinite().all() for tensor in (*outputs, *gradients))


def has_separate_channels(case: Case) -> bool:
    kind = type(case.make())
    topic = kind.__module__.split(".")[1]
    norm = "BatchNorm" in kind.__name__ or "InstanceNorm" in kind.__name__
    return (norm or topic in ("activation", "dropout", "pooling", "resampling")) and case.shape[1] > 1


@law("channels", has_separate_channels)
def test_channels_are_independent_where_they_should_be(case: Case) -> None:
    assert_independent(generic(case, torch.complex64), *signals(case, torch.complex64), dim=1)


@law("empty", lambda case: case.inputs is None)
def test_an_empty_batch_has_an_output_and_a_gradient(case: Case) -> None:
    module = generic(case, torch.complex64)
    (z,) = signals(case, torch.complex64)
    expected = [(0, *output.shape[1:]) for output in run(module, (z,))]
    outputs, gradients = run_back(module, tuple(leaves((z[:0],))))
    assert [tuple(output.shape) for output in outputs] == expected
    assert not any(gradient.any() for gradient in gradients)


@law("backward")
def test_backward_through_the_default_arguments_reaches_every_parameter(case: Case) -> None:
    module = case.make()
    given = leaves(signals(case, torch.complex64))
    passed = [tensor * 1 for tensor in given]  # not leaves, which would refuse a change in place
    outputs = list(tensors(module(*passed)))
    assert all(torch.equal(after, before) for after, before in zip(passed, given, strict=True))
    loss = probe(outputs)
    if loss is None:
        assert not any(tensor.requires_grad for tensor in (*given, *module.parameters()))
        return
    loss.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.dtype == parameter.dtype and bool((parameter.grad != 0).any()), name
    for tensor in given:
        if tensor.requires_grad:
            assert tensor.grad is not None and tensor.grad.isfinite().all() and bool((tensor.grad != 0).any())


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@law("independence")
def test_samples_are_independent_outside_batch_statistics(case: Case, training: bool) -> None:
    inputs = signals(case, torch.complex64)
    module = generic(case, torch.complex64).train(training)
    if case.independent:
        assert_independent(module, *inputs)
    elif training:
        with pytest.raises((AssertionError, ValueError)):
            assert_independent(module, *inputs)


SYMMETRIES = [(case, group) for case in CASES for group in ("phase", "conjugation") if group not in case.skip]


@pytest.mark.parametrize(("case", "group"), SYMMETRIES, ids=[f"{case.name}-{group}" for case, group in SYMMETRIES])
def test_symmetries_are_those_declared(case: Case, group: str) -> None:
    inputs = signals(case, torch.complex128)
    module = generic(case, torch.complex128)  # a random one draws the same numbers each time
    if not any(tensor.is_complex() for tensor in inputs):
        assert not getattr(case, group), "no complex input to act on"
    elif getattr(case, group):
        assert_equivariant(module, *inputs, group=group)
    else:
        with pytest.raises(AssertionError, match=f"not {group}-equivariant"):
            assert_equivariant(module, *inputs, group=group)


def relaid(tensor: Tensor) -> Iterator[Tensor]:
    """The same values as a lazy conjugate, transposed in memory, and with gaps and an offset."""
    order = tuple(reversed(range(tensor.ndim)))
    if tensor.is_complex():
        yield tensor.conj().resolve_conj().conj()
    yield tensor.permute(order).contiguous().permute(order)
    yield torch.stack([tensor, tensor], -1)[..., 1]


@law("layout")
def test_conjugate_views_and_non_contiguous_inputs_equal_contiguous_ones(case: Case) -> None:
    inputs = signals(case, torch.complex128)
    module = generic(case, torch.complex128)
    expected = run_back(module, tuple(leaves(inputs)))
    for index, tensor in enumerate(inputs):
        for other in relaid(tensor):
            given = [*inputs[:index], other, *inputs[index + 1 :]]
            outputs = run_strided(module, given)
            for actual, wanted in zip(outputs, expected, strict=True):
                assert_alike(actual, wanted, 1e-10)


def run_strided(module: nn.Module, inputs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """:func:`run_back`, with leaves that lie in memory as the inputs do."""
    for tensor in inputs:
        if tensor.is_complex() or tensor.is_floating_point():
            tensor.requires_grad_()
    return run_back(module, tuple(inputs))


@law("precision")
def test_complex64_agrees_with_complex128(case: Case) -> None:
    inputs = signals(case, torch.complex64)
    single = generic(case, torch.complex64)
    double = fresh(case, torch.complex128).train(single.training)
    double.load_state_dict(single.state_dict())
    single.train(not case.random)
    double.train(not case.random)
    outputs, gradients = run_back(single, tuple(leaves(inputs)))
    exact = run_back(double, tuple(leaves(tuple(cast(tensor, torch.complex128) for tensor in inputs))))
    for output, reference in zip((*outputs, *gradients), (*exact[0], *exact[1]), strict=True):
        assert output.dtype == cast(reference, torch.complex64).dtype
        if output.is_complex() or output.is_floating_point():
            assert deviation(output.to(reference.dtype), reference) < 1e-4
        else:
            assert torch.equal(output, reference)


@law("default_dtype")
def test_under_float64_the_default_is_complex128(case: Case) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        module = case.make()
        outputs = run(module, signals(case, torch.complex128))
    finally:
        torch.set_default_dtype(torch.float32)
    for tensor in (*module.parameters(), *module.buffers(), *outputs):
        if tensor.is_complex() or tensor.is_floating_point():
            assert tensor.dtype in (torch.complex128, torch.float64)


def stem(case: Case) -> str:
    """What a class is called without its number of dimensions."""
    return re.sub(r"[123]d$", "", type(case.make()).__name__)


# Compilation is slow: one case for Conv1d, Conv2d and Conv3d together, and so on.
COMPILED = list({stem(case): case for case in reversed(CASES) if "compile" not in case.skip}.values())


@pytest.mark.parametrize("case", COMPILED, ids=[case.name for case in COMPILED])
def test_compiled_equals_eager(case: Case) -> None:
    torch._dynamo.reset()
    inputs = tuple(leaves(signals(case, torch.complex64)))
    module = generic(case, torch.complex64, values=True)
    expected = run_back(module, inputs)
    outputs = list(tensors(torch.compile(module, fullgraph=True, backend="aot_eager")(*inputs)))
    loss = probe(outputs)
    wanted = [tensor for tensor in (*inputs, *module.parameters()) if tensor.requires_grad]
    assert_alike(outputs, expected[0], 1e-4)
    if wanted and loss is not None:
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True)
        assert_alike(list(gradients), expected[1], 1e-4)


def test_every_public_module_has_a_case() -> None:
    public = {
        value
        for name, value in vars(complexnn).items()
        if isinstance(value, type) and issubclass(value, nn.Module) and not name.startswith("_")
    }
    covered = {type(case.make()) for case in CASES}
    assert not {module.__name__ for module in public - covered}


def test_case_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))

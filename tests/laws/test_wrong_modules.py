"""The laws reject modules that break them: each has one deliberate fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.laws import test_modules as laws
from tests.laws.case import Case


class Elementwise(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: Tensor) -> Tensor:
        return self.function(z)


class Idle(nn.Module):
    """Has a parameter that nothing depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(0.5))

    def forward(self, z: Tensor) -> Tensor:
        return z * (z.abs() > self.threshold)


class Single(nn.Module):
    """Computes in complex64 whatever comes."""

    def forward(self, z: Tensor) -> Tensor:
        return (z.to(torch.complex64) * 1.1).to(z.dtype)


class HardCoded(nn.Module):
    def __init__(self, dtype: torch.dtype | None) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones((), dtype=dtype or torch.complex64))

    def forward(self, z: Tensor) -> Tensor:
        return z * self.gain


def case(function: Callable[[Tensor], Tensor], **flags: bool) -> Case:
    return Case("wrong", lambda device=None, dtype=None: Elementwise(function), (3, 4), **flags)


def breaks(law: Callable[..., None], wrong: Case, *arguments: object) -> None:
    with pytest.raises((Exception, pytest.fail.Exception)):  # of whatever kind: a wrong module may raise by itself
        law(wrong, *arguments)


def test_a_phase_by_angle_is_not_finite_at_tiny_numbers():
    law = laws.test_values_and_gradients_are_finite_at_zero_and_tiny_numbers
    law(case(lambda z: z.abs() * torch.sgn(z)), torch.complex128)
    breaks(law, case(lambda z: z / (z.real**2 + z.imag**2).sqrt()), torch.complex64)


def test_an_overflow_at_large_numbers_is_found():
    breaks(laws.test_values_and_gradients_are_finite_at_awkward_numbers, case(torch.exp))


def test_a_parameter_without_gradient_is_found():
    breaks(
        laws.test_backward_through_the_default_arguments_reaches_every_parameter,
        Case("wrong", lambda device=None, dtype=None: Idle(), (3, 4)),
    )


def test_an_in_place_change_is_found():
    breaks(
        laws.test_backward_through_the_default_arguments_reaches_every_parameter,
        case(lambda z: torch.view_as_complex(torch.view_as_real(z).relu_())),
    )


def test_a_view_of_the_memory_is_found():
    law = laws.test_conjugate_views_and_non_contiguous_inputs_equal_contiguous_ones
    law(case(lambda z: z * 2))
    breaks(law, case(lambda z: torch.view_as_complex(torch.view_as_real(z) * 2)))  # refuses a lazy conjugate
    breaks(law, case(lambda z: z.resolve_conj().view(-1).view(z.shape)))
    breaks(law, case(lambda z: torch.as_strided(z.resolve_conj(), z.shape, (4, 1))))


def test_a_computation_in_the_wrong_precision_is_found():
    breaks(laws.test_backward_equals_central_differences, case(Single()))
    breaks(laws.test_complex64_agrees_with_complex128, case(lambda z: z + (z.dtype == torch.complex64)))


def test_a_hard_coded_dtype_is_found():
    law = laws.test_under_float64_the_default_is_complex128
    breaks(law, Case("wrong", lambda device=None, dtype=None: HardCoded(dtype), (3, 4)))
    assert torch.get_default_dtype() == torch.float32


def test_a_wrongly_declared_symmetry_is_found():
    law = laws.test_symmetries_are_those_declared
    law(case(lambda z: z * z.abs(), phase=True), "phase")
    breaks(law, case(lambda z: z * z.abs(), phase=False), "phase")
    breaks(law, case(torch.tanh, phase=True), "phase")
    breaks(law, case(torch.tanh, conjugation=False), "conjugation")


def test_a_wrongly_declared_independence_is_found():
    law = laws.test_samples_are_independent_outside_batch_statistics
    breaks(law, case(lambda z: z - z.mean(0), independent=True), True)
    breaks(law, case(lambda z: z, independent=False), True)


def test_a_graph_break_is_found():
    def branches(z: Tensor) -> Tensor:
        return z if bool((z.real > 0).any()) else -z

    laws.test_compiled_equals_eager(case(lambda z: z * z.abs()))
    breaks(laws.test_compiled_equals_eager, case(branches))

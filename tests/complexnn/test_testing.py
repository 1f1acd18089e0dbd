"""The tools of complexnn.testing pass what is right and reject what is deliberately wrong."""

from __future__ import annotations

import math
import subprocess
import sys
from functools import partial

import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError

import complexnn
from complexnn.testing import (
    assert_equivariant,
    assert_independent,
    assert_module_contract,
    complex_tensors,
    example_input,
    gradcheck_module,
    holomorphy_residual,
    unit_phasors,
    unitary_matrices,
)

DTYPES = [torch.complex64, torch.complex128]


def normal(*shape: int, dtype: torch.dtype = torch.complex64, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


class Function(nn.Module):
    """A module of one function, for the deliberately wrong ones."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)

    def __repr__(self):
        return "Function()"


# Strategies


def _find(strategy, condition):
    return find(strategy, condition, settings=settings(database=None, max_examples=3000, deadline=None))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "condition",
    [
        lambda z: bool((torch.signbit(z.real) & (z.real == 0)).any()),  # minus zero
        lambda z: bool((torch.signbit(z.imag) & (z.imag == 0)).any()),
        lambda z: bool(((z.real.abs() > 0) & (z.real.abs() < torch.finfo(z.dtype).smallest_normal)).any()),  # denormal
        lambda z: bool((z == 0).all()) and z.numel() > 1,
        lambda z: not z.is_contiguous(),
        lambda z: z.is_conj(),
        lambda z: z.storage_offset() > 0,
        lambda z: z.ndim > 1 and z.shape[1] == 1,  # one channel
        lambda z: z.ndim == 4 and z.shape[1] > 1,
        lambda z: bool((z.real.abs() == 1e3).any()),
    ],
)
def test_complex_tensors_reach_the_awkward_ones(dtype, condition):
    assert _find(complex_tensors(dtype=dtype), condition).dtype == dtype


def test_complex_tensors_reach_infinities_only_when_asked():
    _find(complex_tensors(infinities=True), lambda z: bool(z.real.isinf().any() and not z.imag.isnan().any()))

    @given(complex_tensors())
    @settings(max_examples=200, database=None, deadline=None)
    def finite(z):
        assert z.isfinite().all()

    finite()


@given(
    complex_tensors(bound=2.5, dtype=torch.complex128), complex_tensors(shape=(2, 3)), complex_tensors(st.just((0, 2)))
)
@settings(max_examples=100, database=None, deadline=None)
def test_complex_tensors_keep_bound_shape_and_dtype(bounded, shaped, empty):
    assert bounded.real.abs().max() <= 2.5 and bounded.imag.abs().max() <= 2.5
    assert shaped.shape == (2, 3) and shaped.dtype == torch.complex64
    assert empty.shape == (0, 2)


def test_complex_tensors_keep_to_the_layouts_asked_for():
    @given(complex_tensors(layouts=["contiguous"]))
    @settings(max_examples=100, database=None, deadline=None)
    def plain(z):
        assert z.is_contiguous() and not z.is_conj()

    plain()


def test_complex_tensors_reject_what_they_cannot_draw():
    with pytest.raises(ValueError, match="bound"):
        complex_tensors(bound=math.inf)
    with pytest.raises(ValueError, match="layouts"):
        complex_tensors(layouts=["sparse"])
    with pytest.raises(TypeError, match="complex"):
        complex_tensors(dtype=torch.float32)


@given(unit_phasors((3, 2), torch.complex128))
@settings(max_examples=50, database=None, deadline=None)
def test_unit_phasors_have_modulus_one(u):
    torch.testing.assert_close(u.abs(), torch.ones(3, 2, dtype=torch.float64), rtol=1e-15, atol=0)


def test_unit_phasors_reach_the_corners_and_the_rest():
    for corner in (1, 1j, -1, -1j):
        _find(unit_phasors(), lambda u, corner=corner: complex(u) == corner)
    _find(unit_phasors((4,)), lambda u: bool((u.real.abs() > 0.1).all() and (u.imag < -0.1).all()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_unitary_matrices_are_unitary(dtype):
    @given(unitary_matrices(dtype=dtype))
    @settings(max_examples=100, database=None, deadline=None)
    def unitary(u):
        torch.testing.assert_close(u.mH @ u, torch.eye(len(u), dtype=dtype))

    unitary()
    # QR alone has Re q_11 <= 0; Haar's measure has both signs.
    for sign in (1, -1):
        _find(unitary_matrices(4), lambda u, sign=sign: bool((u.abs() > 0.05).all()) and sign * u[0, 0].real > 0.2)
    _find(unitary_matrices(4), lambda u: bool((u == torch.eye(4)).all()))
    _find(unitary_matrices(4), lambda u: int((u != 0).sum()) == 4 and bool((u.diagonal() == 0).all()))


def test_strategies_without_hypothesis_say_what_to_install():
    code = """
import sys
sys.modules["hypothesis"] = None
import complexnn.testing as testing
for strategy in (testing.complex_tensors, testing.unit_phasors, testing.unitary_matrices):
    try:
        strategy()
    except ImportError as error:
        assert "pip install hypothesis" in str(error), error
    else:
        raise SystemExit(f"{strategy} did not raise")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# Example inputs


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (complexnn.Linear(4, 2), (3, 4)),
        (complexnn.Conv1d(4, 2, 3), (3, 4, 7)),
        (nn.Sequential(nn.Identity(), complexnn.Conv3d(2, 2, 3)), (3, 2, 7, 7, 7)),
        (nn.BatchNorm2d(6), (3, 6, 7, 7)),
        (nn.LayerNorm((4, 3)), (3, 4, 3)),
        (nn.AvgPool2d(2), (3, 5, 7, 7)),
        (complexnn.ModReLU(6), (3, 6)),
        (complexnn.ModReLU(), (3, 5)),
    ],
)
def test_example_input_has_the_shape_that_the_attributes_tell(module, shape):
    z = example_input(module)
    assert z.shape == shape and z.dtype == torch.complex64


def test_example_input_follows_the_parameters_dtype():
    assert example_input(complexnn.Linear(3, 2, dtype=torch.complex128)).dtype == torch.complex128
    assert example_input(complexnn.ModReLU(dtype=torch.float64)).dtype == torch.complex128


# Equivariance


@pytest.mark.parametrize("dtype", DTYPES)
def test_phase_equivariant_modules_pass(dtype):
    assert_equivariant(complexnn.Linear(4, 3, bias=False, dtype=dtype), normal(5, 4, dtype=dtype), group="phase")
    assert_equivariant(nn.Sequential(complexnn.Conv1d(2, 3, 3, bias=False), complexnn.ModReLU(3)), group="phase")
    assert_equivariant(Function(torch.abs), normal(5, 4, dtype=dtype))  # a real output is invariant


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("group", "function"),
    [
        ("phase", lambda z: torch.complex(z.real.tanh(), z.imag.tanh())),  # respects quarter turns alone
        ("phase", torch.conj),
        ("phase", lambda z: z + 1e-3),
        ("phase", lambda z: z.real),
        ("phase", lambda z: z.abs() * z),  # equivariant...
        ("phase", lambda z: (z, z.angle())),
        ("conjugation", lambda z: z * (1 + 1e-2j)),
        ("conjugation", lambda z: torch.complex(z.real, z.imag.abs())),
        ("conjugation", lambda z: z.imag),
    ],
)
def test_broken_symmetries_are_found(dtype, group, function):
    module = Function(function)
    z = normal(4, 3, dtype=dtype)
    if group == "phase" and torch.equal(function(z)[0], z.abs()[0] * z[0]):  # ... and so it passes
        return assert_equivariant(module, z, group=group)
    with pytest.raises(AssertionError, match=f"not {group}-equivariant"):
        assert_equivariant(module, z, group=group)


def test_a_biased_layer_is_not_phase_equivariant():
    with pytest.raises(AssertionError, match=r"Linear\(in_features=3.*phase"):
        assert_equivariant(complexnn.Linear(3, 2))


def test_a_layer_that_draws_is_compared_with_the_same_draw():
    drop = Function(lambda z: z * (torch.rand(z.shape) < 0.5))
    assert_equivariant(drop, normal(4, 3), group="phase")
    with pytest.raises(AssertionError):  # a mask for each part turns the phase
        assert_equivariant(
            Function(lambda z: torch.complex(nn.functional.dropout(z.real), nn.functional.dropout(z.imag))),
            normal(4, 3),
        )


def test_a_wrong_value_or_shape_under_the_group_is_found():
    with pytest.raises(AssertionError):
        assert_equivariant(Function(lambda z: z / (z.real > 0)), normal(4, 3))  # inf and nan
    with pytest.raises(AssertionError):
        assert_equivariant(Function(lambda z: z[z.real > 0]), normal(4, 3))


def test_equivariance_leaves_module_and_generator_as_they_were():
    norm = nn.BatchNorm1d(3)
    state = torch.get_rng_state()
    with pytest.raises(TypeError, match="complex input"):
        assert_equivariant(norm, torch.randn(4, 3, generator=torch.Generator()))
    assert_equivariant(Function(lambda z: z * torch.rand(())), normal(4, 3))
    assert torch.equal(state, torch.get_rng_state()) and norm.num_batches_tracked == 0
    with pytest.raises(ValueError, match="group"):
        assert_equivariant(norm, normal(4, 3), group="rotation")


# Independence


class FirstPlanePool(nn.Module):
    """A magnitude max-pool whose indices, right within a plane, are looked up in the whole tensor."""

    def forward(self, z):
        _, indices = nn.functional.max_pool2d(z.abs(), 2, return_indices=True)
        return z.flatten()[indices]


class BatchLayerNorm(nn.Module):
    """A layer norm whose mean runs over the batch."""

    def forward(self, z):
        return z - z.mean(0, keepdim=True)


def test_a_pooling_that_reads_one_plane_for_all_mixes_samples_and_channels():
    z = normal(3, 2, 4, 4)
    right = Function(lambda z: nn.functional.avg_pool2d(z.real, 2))
    assert_independent(right, z)
    assert_independent(right, z, dim=1)
    with pytest.raises(AssertionError, match="mixes slices of dimension 0"):
        assert_independent(FirstPlanePool(), z)
    with pytest.raises(AssertionError, match="mixes slices of dimension 1"):
        assert_independent(FirstPlanePool(), z, dim=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_norm_that_mixes_samples_is_found(dtype):
    assert_independent(Function(lambda z: z - z.mean(1, keepdim=True)), normal(3, 4, dtype=dtype))
    with pytest.raises(AssertionError, match="mixes slices of dimension 0"):
        assert_independent(BatchLayerNorm(), normal(3, 4, dtype=dtype))


def test_a_leak_of_numbers_alone_is_found():
    centred = Function(lambda z: z - torch.where(z.isfinite().all(), z.mean(), 0).detach())
    with pytest.raises(AssertionError, match="other numbers"):
        assert_independent(centred, normal(3, 4) - normal(3, 4).mean() + 1)


def test_a_leak_of_infinities_alone_is_found():
    masked = Function(lambda z: z + 0 * z.sum())
    with pytest.raises(AssertionError, match="infinities"):
        assert_independent(masked, normal(3, 4))


def test_a_leak_in_backward_alone_is_found():
    class Leak(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z.clone()

        @staticmethod
        def backward(ctx, grad):
            return grad.roll(1, 0)

    with pytest.raises(AssertionError, match="backward"):
        assert_independent(Function(Leak.apply), normal(3, 4))


def test_independence_needs_two_slices():
    with pytest.raises(ValueError, match="two or more slices"):
        assert_independent(Function(lambda z: z), normal(1, 4))
    with pytest.raises(ValueError, match="two or more slices"):
        assert_independent(Function(lambda z: z.mean()), normal(3, 4))


# Gradients


class Square(torch.autograd.Function):
    """z^2, with a backward that may forget the conjugate."""

    conjugate = True

    @staticmethod
    def forward(ctx, z, right):
        ctx.save_for_backward(z)
        ctx.right = right
        return z * z

    @staticmethod
    def backward(ctx, grad):
        (z,) = ctx.saved_tensors
        return 2 * (z.conj() if ctx.right else z) * grad, None


def test_a_backward_without_conjugate_fails_gradcheck():
    assert gradcheck_module(Function(lambda z: Square.apply(z, True)), normal(3, 2))
    with pytest.raises(GradcheckError):
        gradcheck_module(Function(lambda z: Square.apply(z, False)), normal(3, 2))


class Scaled(nn.Module):
    """z times a parameter, of which the graph may be cut."""

    def __init__(self, cut):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([0.5 + 1j, 2.0]))
        self.cut = cut

    def forward(self, z):
        return z * (self.scale.detach() + 0 * self.scale if self.cut else self.scale)


def test_a_parameter_with_a_wrong_gradient_fails_gradcheck():
    assert gradcheck_module(Scaled(cut=False), normal(3, 2))
    with pytest.raises(GradcheckError):
        gradcheck_module(Scaled(cut=True), normal(3, 2))


def test_a_wrong_second_derivative_fails_only_the_second_order():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z**3

        @staticmethod
        def backward(ctx, grad):
            (z,) = ctx.saved_tensors
            return 3 * z.detach().conj() ** 2 * grad

    assert gradcheck_module(Function(lambda z: z**3), normal(3), second_order=True)
    assert gradcheck_module(Function(Cube.apply), normal(3))
    with pytest.raises(GradcheckError):
        gradcheck_module(Function(Cube.apply), normal(3), second_order=True)


def test_gradcheck_module_holds_buffers_and_draws_and_leaves_the_module():
    norm = nn.BatchNorm1d(3)
    assert gradcheck_module(norm, torch.randn(4, 3, generator=torch.Generator().manual_seed(0)))
    assert norm.num_batches_tracked == 0 and norm.weight.dtype == torch.float32
    drop = Function(lambda z: z * torch.rand(z.shape, dtype=z.real.dtype))
    assert gradcheck_module(drop, normal(3, 2))
    assert gradcheck_module(drop, normal(3, 2), fast_mode=True)  # which draws its projections in between


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda z: z**2 + 3j, 0),
        (complexnn.Linear(4, 3, dtype=torch.complex128), 0),
        (torch.conj, 1),
        (torch.abs, math.sqrt(0.5)),
        (torch.real, math.sqrt(0.5)),
        (lambda z: torch.ones_like(z), 0),
        (lambda z: 3 * z + 4 * z.conj(), 0.8),
        (lambda z: (z, {"conjugate": [z.conj()]}), math.sqrt(0.5)),
    ],
)
def test_holomorphy_residual_is_the_share_of_the_conjugate_derivative(dtype, function, expected):
    if isinstance(function, nn.Module) and dtype != torch.complex128:
        function = complexnn.Linear(4, 3)
    z = normal(200, 4, dtype=dtype)
    # With the real outputs both squares are sums over some 800 random directions: relative deviation 1/sqrt(800).
    tolerance = 5 * 0.5 / math.sqrt(800) if expected == math.sqrt(0.5) else 1e-6
    assert holomorphy_residual(function, z) == pytest.approx(expected, abs=tolerance)


def test_crelu_is_not_holomorphic_and_a_real_point_raises():
    assert holomorphy_residual(complexnn.CReLU(), normal(50)) > 0.4
    with pytest.raises(TypeError, match="complex"):
        holomorphy_residual(torch.exp, torch.randn(3, generator=torch.Generator()))


def test_holomorphy_residual_of_a_constant_is_zero():
    weight = torch.ones(3, dtype=torch.complex64, requires_grad=True)
    assert holomorphy_residual(lambda z: 2 * weight, torch.randn(3, dtype=torch.complex64)) == 0.0


def test_holomorphy_residual_of_a_nan_gradient_is_nan():
    assert math.isnan(holomorphy_residual(lambda z: z * torch.nan, normal(3)))


# The contract


class Gain(nn.Module):
    """A learnable complex gain with a running power, right in every respect; the wrong ones below differ in one."""

    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__()
        dtype = dtype or torch.get_default_dtype().to_complex()
        self.num_features = num_features
        self.power = power
        self.gain = nn.Parameter(torch.empty(num_features, device=device, dtype=dtype))
        self.register_buffer("running", torch.ones(num_features, device=device, dtype=dtype.to_real()))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.gain)
        nn.init.ones_(self.running)

    def forward(self, z):
        if self.training:
            with torch.no_grad():
                self.running.lerp_(z.abs().square().mean(0), 0.5)
        return z * self.gain * self.running

    def extra_repr(self):
        return f"{self.num_features}, power={self.power}"


class NoReset(Gain):
    def reset_parameters(self):
        if not hasattr(self, "made"):  # in the constructor, whatever its fresh memory holds
            super().reset_parameters()
            self.made = True


class HalfReset(Gain):
    def reset_parameters(self):
        nn.init.normal_(self.gain)
        if not hasattr(self, "made"):
            nn.init.ones_(self.running)
            self.made = True


class WrongReset(Gain):
    def reset_parameters(self):
        super().reset_parameters()
        nn.init.normal_(self.gain, std=5.0 if hasattr(self, "made") else 1.0)
        self.made = True


class MissingReset(nn.Module):
    def __init__(self, device=None, dtype=None):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(3, device=device, dtype=dtype or torch.complex64))

    def forward(self, z):
        return z * self.gain


class Stray(Gain):
    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__(num_features, power, device, dtype)
        self.shift = torch.randn(num_features, device=device, dtype=self.gain.dtype)

    def forward(self, z):
        return super().forward(z) + self.shift


class Transient(Gain):
    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__(num_features, power, device, dtype)
        self.register_buffer("running", self.running, persistent=False)


class RandomTransient(Gain):
    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__(num_features, power, device, dtype)
        self.register_buffer("shift", torch.randn_like(self.gain), persistent=False)

    def forward(self, z):
        return super().forward(z) + self.shift


class HardCoded(Gain):
    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__(num_features, power, device, torch.complex64)


class RealLost(Gain):
    def forward(self, z):
        return super().forward(z).to(torch.complex128)


class OnCpu(Gain):
    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__(num_features, power, None, dtype)


class MadeOnCpu(Gain):
    def forward(self, z):
        return super().forward(z) + torch.zeros(self.num_features, dtype=z.dtype)


class CpuCount(Gain):
    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__(num_features, power, device, dtype)
        self.register_buffer("count", torch.zeros(()))


class OtherOnMeta(Gain):
    def forward(self, z):
        return super().forward(z)[:1] if z.is_meta else super().forward(z)


class InPlace(Gain):
    def forward(self, z):
        with torch.no_grad():
            torch.view_as_real(z).clamp_min_(0)
        return super().forward(z)


class MuteRepr(Gain):
    def extra_repr(self):
        return ""


class HiddenPower(Gain):
    def extra_repr(self):
        return f"{self.num_features}"


class Unpicklable(Gain):
    def __init__(self, num_features, power=1.0, device=None, dtype=None):
        super().__init__(num_features, power, device, dtype)
        self.function = lambda z: z


class ForgetfulCopy(Gain):
    def __deepcopy__(self, memo):
        return ForgetfulCopy(self.num_features, self.power, self.gain.device, self.gain.dtype)


class SharingCopy(Gain):
    def __deepcopy__(self, memo):
        other = self.__new__(type(self))
        other.__dict__ = dict(self.__dict__)
        return other


def test_the_right_module_keeps_the_contract():
    assert_module_contract(partial(Gain, 3), normal(4, 3))
    assert_module_contract(partial(Gain, 3))
    assert_module_contract(Gain(3))
    assert_module_contract(Gain(3, dtype=torch.complex128))
    assert_module_contract(partial(Gain, 3, power=2.0))
    assert_module_contract(partial(complexnn.Conv2d, 3, 2, 3))  # keeps its arguments as tuples
    assert_module_contract(
        lambda device=None, dtype=None: nn.Sequential(Gain(3, 1.0, device, dtype), complexnn.CReLU())
    )


WRONG = [
    (NoReset, "reset_parameters: gain"),
    (HalfReset, "reset_parameters: running"),
    (WrongReset, "reset_parameters: gain .* does not start again"),
    (Stray, "state_dict: shift"),
    (Transient, "state_dict: running .* changes in training"),
    (RandomTransient, "state_dict: another instance"),
    (HardCoded, "dtype: gain"),
    (RealLost, "dtype: output 0"),
    (OnCpu, "device|meta"),
    (MadeOnCpu, "device|meta"),
    (CpuCount, "device: count"),
    (OtherOnMeta, "device: .* on meta"),
    (InPlace, "input: .* changes its input 0"),
    (MuteRepr, "repr: num_features=32"),
    (Unpicklable, "[Pp]ickle"),
    (ForgetfulCopy, "deepcopy"),
    (SharingCopy, "deepcopy: .* shares the memory"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG, ids=[wrong.__name__ for wrong, _ in WRONG])
def test_a_module_that_breaks_one_expectation_fails_the_contract(wrong, message):
    with pytest.raises(Exception, match=message):
        assert_module_contract(partial(wrong, 32), normal(4, 32))


@pytest.mark.parametrize("wrong", [NoReset, Stray, Transient, InPlace, MuteRepr])
def test_a_broken_instance_fails_the_contract(wrong):
    with pytest.raises(AssertionError):
        assert_module_contract(wrong(3), normal(4, 3))


def test_a_module_without_reset_parameters_fails_the_contract():
    with pytest.raises(AssertionError, match="no such method"):
        assert_module_contract(MissingReset, normal(4, 3))


def test_a_repr_that_hides_a_changed_argument_fails_the_contract():
    assert_module_contract(partial(HiddenPower, 3), normal(4, 3))
    with pytest.raises(AssertionError, match=r"repr: power=2\.0"):
        assert_module_contract(partial(HiddenPower, 3, power=2.0), normal(4, 3))


def test_the_contract_leaves_an_instance_as_it_was():
    module = Gain(3)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert_module_contract(module)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())

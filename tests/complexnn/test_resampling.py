"""Upsampling: split against torch's on each part, polar against its formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import complexnn
from complexnn import functional as F

DTYPES = (torch.complex64, torch.complex128)
SHAPES = {1: (2, 3, 7), 2: (2, 3, 5, 4), 3: (2, 3, 3, 4, 2)}
MODES = [
    (1, {"scale_factor": 2}),
    (1, {"size": 11, "mode": "nearest-exact"}),
    (1, {"size": 11, "mode": "linear"}),
    (1, {"scale_factor": 2.3, "mode": "linear", "recompute_scale_factor": True}),
    (2, {"scale_factor": 2}),
    (2, {"scale_factor": (2.0, 1.5), "mode": "bilinear"}),
    (2, {"size": (7, 9), "mode": "bilinear", "align_corners": True}),
    (2, {"scale_factor": 3, "mode": "bicubic"}),
    (2, {"size": (3, 2), "mode": "area"}),
    (3, {"scale_factor": 2}),
    (3, {"size": (4, 5, 6), "mode": "trilinear", "align_corners": False}),
]


def normal(*shape: int, dtype: torch.dtype = torch.complex128, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("dims", "config"), MODES)
def test_split_interpolates_each_part(dims: int, config: dict, dtype: torch.dtype) -> None:
    z = normal(*SHAPES[dims], dtype=dtype)
    real = nn.Upsample(**config)
    expected = torch.complex(real(z.real), real(z.imag))
    torch.testing.assert_close(complexnn.Upsample(**config)(z), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("dims", "config"), MODES)
def test_polar_interpolates_the_modulus(dims: int, config: dict, dtype: torch.dtype) -> None:
    z = normal(*SHAPES[dims], dtype=dtype)
    real = nn.Upsample(**config)
    modulus = real(z.abs())
    mean = torch.complex(real(z.real), real(z.imag))
    out = complexnn.Upsample(**config, form="polar")(z)
    torch.testing.assert_close(out.abs(), modulus.clamp(min=0))
    torch.testing.assert_close(out, torch.polar(modulus.clamp(min=0), mean.angle()))


def test_linear_upsampling_is_its_formula() -> None:
    z = normal(2, 3, 4)
    out = complexnn.Upsample(size=7, mode="linear", align_corners=True)(z)
    polar = complexnn.Upsample(size=7, mode="linear", align_corners=True, form="polar")(z)
    for n in range(2):
        for c in range(3):
            for i in range(7):
                left, right = z[n, c, i // 2].item(), z[n, c, (i + 1) // 2].item()
                mean = (left + right) / 2
                assert abs(out[n, c, i].item() - mean) < 1e-14
                assert abs(polar[n, c, i].item() - (abs(left) + abs(right)) / 2 * mean / abs(mean)) < 1e-14


def test_polar_takes_the_short_way_round() -> None:
    angles = torch.tensor([math.pi - 0.1, -math.pi + 0.1], dtype=torch.float64)
    z = torch.polar(torch.tensor([2.0, 2.0], dtype=torch.float64), angles)[None, None]
    middle = complexnn.Upsample(size=3, mode="linear", align_corners=True, form="polar")(z)[0, 0, 1]
    assert abs(middle.item() - -2) < 1e-14
    split = complexnn.Upsample(size=3, mode="linear", align_corners=True)(z)[0, 0, 1]
    assert abs(split.item() - -2 * math.cos(0.1)) < 1e-14


@pytest.mark.parametrize("mode", ("nearest", "nearest-exact"))
def test_the_nearest_is_the_same_in_both_forms(mode: str) -> None:
    z = normal(2, 3, 5, 4)
    split = complexnn.Upsample(scale_factor=2, mode=mode)(z)
    torch.testing.assert_close(complexnn.Upsample(scale_factor=2, mode=mode, form="polar")(z), split)
    if mode == "nearest":
        assert torch.equal(split, z.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_polar_modulus_never_undershoots() -> None:
    z = torch.zeros(1, 1, 6, 6, dtype=torch.complex128)
    z[..., 3:] = 1j
    out = complexnn.Upsample(scale_factor=2, mode="bicubic", form="polar")(z)
    assert nn.Upsample(scale_factor=2, mode="bicubic")(z.abs()).min() < 0
    assert out.imag.min() >= 0


def test_antialiasing_as_in_torch() -> None:
    z = normal(2, 3, 9, 8)
    out = F.interpolate(z, size=(3, 4), mode="bilinear", antialias=True)
    expected = nn.functional.interpolate(z.imag.contiguous(), size=(3, 4), mode="bilinear", antialias=True)
    torch.testing.assert_close(out.imag, expected)


@pytest.mark.parametrize("form", ("split", "polar"))
@pytest.mark.parametrize("zero", (0.0, -0.0, 1e-30, 1e-40))
def test_gradients_at_zero_are_finite(form: str, zero: float) -> None:
    module = complexnn.Upsample(scale_factor=2, mode="bilinear", form=form)
    for z in (
        torch.full((2, 3, 4, 5), complex(zero, zero), dtype=torch.complex64),
        normal(2, 3, 4, 5).to(torch.complex64),
    ):
        z[0, 0, 1:3, 1:3] = complex(zero, zero)
        z.requires_grad_()
        out = module(z)
        assert out.isfinite().all()
        (gradient,) = torch.autograd.grad(out.real.sum() + out.imag.sum(), z)
        assert gradient.isfinite().all()
        assert gradient.abs().max() < 100


@pytest.mark.parametrize("form", ("split", "polar"))
def test_gradients_equal_finite_differences(form: str) -> None:
    for dims, config in ((1, {"size": 5, "mode": "linear"}), (2, {"scale_factor": 2, "mode": "bicubic"})):
        z = normal(2, 2, *(3, 2)[:dims]).requires_grad_()
        module = complexnn.Upsample(**config, form=form)
        assert torch.autograd.gradcheck(module, z, fast_mode=True)
        assert torch.autograd.gradgradcheck(lambda x, f=module: f(x) * f(x).conj(), z, fast_mode=True)


@pytest.mark.parametrize("form", ("split", "polar"))
def test_upsampling_commutes_with_phase_and_conjugation(form: str) -> None:
    z = normal(2, 3, 5, 4)
    phasor = complex(math.cos(0.7), math.sin(0.7))
    module = complexnn.Upsample(scale_factor=2, mode="bilinear", form=form)
    torch.testing.assert_close(module(z * phasor), module(z) * phasor)
    torch.testing.assert_close(module(z.conj()), module(z).conj().resolve_conj())


@pytest.mark.parametrize("form", ("split", "polar"))
def test_layout_of_the_input_does_not_matter(form: str) -> None:
    module = complexnn.Upsample(scale_factor=2, mode="bilinear", form=form)
    z = normal(2, 3, 5, 8)
    for given in (z[..., ::2], z.transpose(2, 3), z.to(memory_format=torch.channels_last)):
        torch.testing.assert_close(module(given), module(given.contiguous()))


def test_wrong_input_raises() -> None:
    with pytest.raises(TypeError, match=r"interpolate expects a complex tensor, got torch\.float32"):
        complexnn.Upsample(scale_factor=2)(torch.randn(2, 3, 4))
    with pytest.raises(ValueError, match="form must be 'split' or 'polar', got 'modulus'"):
        complexnn.Upsample(scale_factor=2, form="modulus")
    with pytest.raises(ValueError, match="form must be"):
        F.interpolate(normal(2, 3, 4), 8, form="modulus")
    with pytest.raises(ValueError, match="only one of size or scale_factor"):
        complexnn.Upsample(size=4, scale_factor=2)(normal(2, 3, 4))


def test_repr_shows_the_configuration() -> None:
    text = repr(complexnn.Upsample(size=(3, 4), mode="bilinear", align_corners=True, form="polar"))
    assert text == "Upsample(size=(3, 4), mode='bilinear', align_corners=True, form='polar')"
    assert "recompute_scale_factor=True" in repr(complexnn.Upsample(scale_factor=2, recompute_scale_factor=True))


def test_compiled_upsampling_equals_eager() -> None:
    torch._dynamo.reset()
    module = complexnn.Upsample(scale_factor=2, mode="bilinear", form="polar")
    z = normal(2, 3, 4, 5).requires_grad_()
    results = []
    for function in (module, torch.compile(module, fullgraph=True, backend="aot_eager")):
        out = function(z)
        results.append((out.detach(), torch.autograd.grad(out.real.sum(), z)[0]))
    torch.testing.assert_close(results[1], results[0])

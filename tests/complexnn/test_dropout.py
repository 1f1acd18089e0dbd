"""Dropout and phase noise: their laws, and their statistics from fixed seeds."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import complexnn

DTYPES = (torch.complex64, torch.complex128)
SHAPES = {1: (5, 7, 6), 2: (5, 7, 3, 4), 3: (5, 7, 2, 3, 4)}


def normal(*shape: int, dtype: torch.dtype = torch.complex128, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def every() -> list[nn.Module]:
    return [complexnn.Dropout(0.3), *(channel(dims)(0.3) for dims in (1, 2, 3)), complexnn.PhaseNoise(0.3)]


def channel(dims: int) -> type[nn.Module]:
    return getattr(complexnn, f"Dropout{dims}d")  # type: ignore[no-any-return]


def feed(module: nn.Module) -> Tensor:
    name = type(module).__name__
    return normal(*SHAPES[int(name[-2])]) if name.endswith("d") else normal(5, 7, 6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", (0.1, 0.5, 0.9))
def test_one_mask_serves_both_parts_and_scales_once(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    z = normal(40, 50, 10, dtype=dtype)
    dropped = complexnn.Dropout(p)(z)
    assert dropped.dtype == dtype
    zero = dropped == 0
    torch.testing.assert_close(dropped, torch.where(zero, 0, z / (1 - p)))
    assert abs(zero.double().mean().item() - p) < 5 * math.sqrt(p * (1 - p) / z.numel())


def test_dropout_keeps_the_mean() -> None:
    torch.manual_seed(0)
    z = torch.full((100_000,), 3 - 4j, dtype=torch.complex128)
    for p in (0.2, 0.5):
        error = abs(complexnn.Dropout(p)(z).mean().item() - (3 - 4j))
        assert error < 5 * 5 * math.sqrt(p / (1 - p) / z.numel())  # |z| = 5; the factor has variance p / (1 - p)


@pytest.mark.parametrize("dims", (1, 2, 3))
@pytest.mark.parametrize("p", (0.25, 0.5))
def test_channel_dropout_drops_whole_channels(dims: int, p: float) -> None:
    torch.manual_seed(0)
    z = normal(60, 50, *SHAPES[dims][2:])
    dropped = channel(dims)(p)(z)
    zero = (dropped == 0).flatten(2)
    assert torch.equal(zero.all(-1), zero.any(-1))
    torch.testing.assert_close(dropped, torch.where(zero.view(z.shape), 0, z / (1 - p)))
    dead = zero.all(-1)
    assert abs(dead.double().mean().item() - p) < 5 * math.sqrt(p * (1 - p) / dead.numel())
    # Samples and channels draw for themselves.
    assert len({tuple(row) for row in dead.tolist()}) == 60
    assert len({tuple(row) for row in dead.T.tolist()}) == 50


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_channel_dropout_of_one_sample(dims: int) -> None:
    torch.manual_seed(0)
    z = normal(400, *SHAPES[dims][2:])
    zero = (channel(dims)(0.5)(z) == 0).flatten(1)
    assert torch.equal(zero.all(-1), zero.any(-1))
    assert 0 < zero.all(-1).sum() < 400


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_channel_dropout_needs_channels(dims: int) -> None:
    for shape in ((4,), (2, 2, 2, 2, 2, 2)):
        with pytest.raises(ValueError, match=f"dropout{dims}d expects {dims + 1} or {dims + 2} dimensions"):
            channel(dims)()(normal(*shape))


def test_probability_one_gives_zeros() -> None:
    for module in (complexnn.Dropout(1.0), *(channel(dims)(1.0) for dims in (1, 2, 3))):
        z = feed(module).requires_grad_()
        dropped = module(z)
        assert torch.equal(dropped, torch.zeros_like(z))
        dropped.abs().sum().backward()
        assert torch.equal(z.grad, torch.zeros_like(z))


def test_evaluation_and_probability_zero_give_the_input_itself() -> None:
    for module in every():
        z = feed(module)
        assert module.eval()(z) is z
    for module in (complexnn.Dropout(0.0), complexnn.Dropout2d(0.0), complexnn.PhaseNoise(0.0)):
        z = feed(module)
        assert module(z) is z


def test_the_input_is_left_as_it_is() -> None:
    for module in every():
        z = feed(module)
        given = z.clone()
        assert module(z) is not z
        assert torch.equal(z, given)


@pytest.mark.parametrize("lazy", (False, True))
def test_inplace_overwrites_the_input(lazy: bool) -> None:
    z = normal(50, 20)
    z = z.conj() if lazy else z
    given = z.clone()
    torch.manual_seed(0)
    dropped = complexnn.Dropout(0.5, inplace=True)(z)
    torch.manual_seed(0)
    assert dropped is z
    assert torch.equal(dropped, complexnn.Dropout(0.5)(given))


@pytest.mark.parametrize("kind", ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"))
def test_every_dropout_can_overwrite_its_input(kind: str) -> None:
    for inplace in (True, False):
        z = normal(8, 8, 2, 2, 2)[(..., *[0] * (3 - int(kind[7:8] or 3)))].contiguous()
        kept = z.clone()
        output = getattr(complexnn, kind)(0.5, inplace)(z)
        assert torch.equal(z, output if inplace else kept) and not torch.equal(output, kept)


def test_inplace_has_the_right_gradient() -> None:
    leaf = normal(50, 20).requires_grad_()
    gradients = []
    for inplace in (True, False):
        torch.manual_seed(0)
        dropped = complexnn.Dropout(0.5, inplace=inplace)(leaf * 2j)
        gradients.append(torch.autograd.grad((dropped * normal(50, 20, seed=1)).real.sum(), leaf)[0])
    assert torch.equal(gradients[0], gradients[1])
    with pytest.raises(RuntimeError, match="leaf Variable"):
        complexnn.Dropout(inplace=True)(leaf)


def test_a_kept_infinite_element_stays() -> None:
    z = torch.full((1000,), complex(math.inf, 1), dtype=torch.complex64)
    torch.manual_seed(0)
    dropped = complexnn.Dropout(0.5)(z)
    kept = dropped.imag == 2
    assert 400 < kept.sum() < 600
    assert (dropped.real[kept] == math.inf).all()


def test_phase_noise_keeps_the_modulus() -> None:
    torch.manual_seed(0)
    z = normal(200, 500)
    noisy = complexnn.PhaseNoise(0.4)(z)
    torch.testing.assert_close(noisy.abs(), z.abs())
    turn = (noisy * z.conj()).angle()
    assert abs(turn.mean().item()) < 5 * 0.4 / math.sqrt(z.numel())
    assert abs(turn.std().item() - 0.4) < 5 * 0.4 / math.sqrt(2 * z.numel())


def test_phase_noise_shrinks_the_mean() -> None:
    torch.manual_seed(0)
    z = torch.full((200_000,), 3 - 4j, dtype=torch.complex128)
    for std in (0.3, 1.0, 3.0):
        expected = (3 - 4j) * math.exp(-(std**2) / 2)
        assert abs(complexnn.PhaseNoise(std)(z).mean().item() - expected) < 5 * 5 / math.sqrt(z.numel())


def test_a_seed_reproduces_the_noise() -> None:
    for module in every():
        z = feed(module)
        torch.manual_seed(3)
        first = module(z)
        second = module(z)
        torch.manual_seed(3)
        assert torch.equal(module(z), first)
        assert not torch.equal(second, first)


def test_noise_commutes_with_phase_and_conjugation_for_given_draws() -> None:
    phasor = complex(math.cos(0.7), math.sin(0.7))
    for module in every():
        z = feed(module)
        outputs = []
        for given in (z, z * phasor, z.conj()):
            torch.manual_seed(0)
            outputs.append(module(given))
        torch.testing.assert_close(outputs[1], outputs[0] * phasor)
        if not isinstance(module, complexnn.PhaseNoise):
            torch.testing.assert_close(outputs[2], outputs[0].conj().resolve_conj())


def test_layout_of_the_input_does_not_matter() -> None:
    for module in every():
        z = feed(module)
        sparse = torch.stack((z, z), -1)[..., 0]
        outputs = []
        for given in (z, sparse, z.conj().resolve_conj().conj()):
            torch.manual_seed(0)
            outputs.append(module(given))
        torch.testing.assert_close(outputs[1], outputs[0])
        torch.testing.assert_close(outputs[2], outputs[0])


def test_gradients_equal_finite_differences() -> None:
    for module in every():
        z = feed(module)[:2, :3].contiguous().requires_grad_()

        def seeded(x: Tensor, module: nn.Module = module) -> Tensor:
            torch.manual_seed(0)
            return module(x)  # type: ignore[no-any-return]

        assert torch.autograd.gradcheck(seeded, z, fast_mode=True)


@pytest.mark.parametrize("module", (complexnn.Dropout(0.4), complexnn.PhaseNoise(0.4)), ids=("Dropout", "PhaseNoise"))
def test_compiled_noise_keeps_its_laws(module: nn.Module) -> None:
    torch._dynamo.reset()
    torch.manual_seed(0)
    z = normal(100, 100)
    noisy = torch.compile(module, fullgraph=True, backend="aot_eager")(z)
    kept = noisy != 0
    factor = 1.0 if isinstance(module, complexnn.PhaseNoise) else 1 / 0.6
    torch.testing.assert_close(noisy.abs()[kept], z.abs()[kept] * factor)
    assert (noisy != z).any()


def test_wrong_arguments_raise() -> None:
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
            complexnn.functional.dropout(normal(3), p)
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        complexnn.Dropout2d(1.5)
    for std in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="at least 0"):
            complexnn.PhaseNoise(std)
        with pytest.raises(ValueError, match="at least 0"):
            complexnn.functional.phase_noise(normal(3), std)
    for module in every():
        for training in (True, False):
            with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float64"):
                module.train(training)(feed(module).real)


def test_repr_shows_the_configuration() -> None:
    assert repr(complexnn.Dropout(0.2)) == "Dropout(p=0.2, inplace=False)"
    assert repr(complexnn.PhaseNoise(0.2)) == "PhaseNoise(std=0.2)"

"""Pooling: against loops over every window, and NumPy and SciPy in float64."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.signal
import torch
from torch import Tensor, nn

import complexnn
from complexnn import functional as F

SHAPES = {1: (2, 3, 11), 2: (2, 3, 7, 9), 3: (2, 2, 5, 4, 6)}
DTYPES = (torch.complex64, torch.complex128)


def normal(*shape: int, dtype: torch.dtype = torch.complex128, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def layer(name: str, dims: int) -> type[nn.Module]:
    return getattr(complexnn, f"{name}{dims}d")  # type: ignore[no-any-return]


def spread(value: int | tuple[int, ...], dims: int) -> tuple[int, ...]:
    return (value,) * dims if isinstance(value, int) else value


def starts(length: int, k: int, s: int, p: int, d: int, ceil: bool) -> list[int]:
    """First positions of the windows along one dimension."""
    span = d * (k - 1) + 1
    first = range(-p, length + p, s)
    return [i for i in first if (i + span <= length + p) or (ceil and i < length and i + span < length + p + s)]


def windows(
    shape: tuple[int, ...],
    k: int | tuple[int, ...],
    s: int | tuple[int, ...] | None = None,
    p: int | tuple[int, ...] = 0,
    d: int | tuple[int, ...] = 1,
    ceil: bool = False,
) -> Iterator[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """Each output position with the positions of its window, those in the padding among them."""
    dims = len(shape)
    ks, ps, ds = (spread(v, dims) for v in (k, p, d))
    ss = ks if s is None else spread(s, dims)
    axes = [starts(*args, ceil) for args in zip(shape, ks, ss, ps, ds, strict=True)]
    for out in itertools.product(*(range(len(axis)) for axis in axes)):
        sides = [
            [axis[o] + i * step for i in range(size)] for axis, o, size, step in zip(axes, out, ks, ds, strict=True)
        ]
        yield out, list(itertools.product(*sides))


def inside(position: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return all(0 <= i < n for i, n in zip(position, shape, strict=True))


def output_size(found: list[tuple[tuple[int, ...], list[tuple[int, ...]]]]) -> tuple[int, ...]:
    return tuple(i + 1 for i in found[-1][0])


AVERAGE = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
    {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("config", AVERAGE)
@pytest.mark.parametrize("dims", (1, 2, 3))
def test_average_is_the_mean_of_each_window(dims: int, config: dict, dtype: torch.dtype) -> None:
    z = normal(*SHAPES[dims], dtype=dtype)
    shape = tuple(z.shape[2:])
    k, p = config["kernel_size"], config.get("padding", 0)
    found = list(windows(shape, k, config.get("stride"), p, ceil=config.get("ceil_mode", False)))
    expected = torch.zeros(*z.shape[:2], *output_size(found), dtype=dtype)
    for out, positions in found:
        members = [position for position in positions if inside(position, shape)]
        # Padding counts; what ceil_mode reaches beyond the padding does not.
        padded = [q for q in positions if all(i < n + p for i, n in zip(q, shape, strict=True))]
        count = len(padded if config.get("count_include_pad", True) else members)
        expected[(..., *out)] = sum(z[(..., *position)] for position in members) / count
    torch.testing.assert_close(layer("AvgPool", dims)(**config)(z), expected)


@pytest.mark.parametrize("dims", (2, 3))
def test_average_divides_by_the_override(dims: int) -> None:
    z = normal(*SHAPES[dims])
    pooled = layer("AvgPool", dims)(2, divisor_override=5)(z)
    torch.testing.assert_close(pooled, layer("AvgPool", dims)(2)(z) * 2**dims / 5)


def test_windows_may_differ_along_the_dimensions() -> None:
    z = normal(2, 3, 8, 9)
    found = list(windows((8, 9), (3, 2), (2, 3), (1, 0), (1, 2)))
    expected = torch.empty(2, 3, *output_size(found), dtype=z.dtype)
    for out, positions in found:
        members = torch.stack([z[(..., *q)] for q in positions if inside(q, (8, 9))], -1)
        expected[(..., *out)] = members.gather(-1, members.abs().argmax(-1, keepdim=True)).squeeze(-1)
    assert torch.equal(complexnn.MaxPool2d((3, 2), (2, 3), (1, 0), (1, 2))(z), expected)
    average = complexnn.AvgPool2d((3, 2), (2, 3))(z)
    torch.testing.assert_close(average[1, 2, 1, 2], z[1, 2, 2:5, 6:8].mean())


MAXIMUM = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 2, "stride": 1, "dilation": 3},
    {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("config", MAXIMUM)
@pytest.mark.parametrize("dims", (1, 2, 3))
def test_max_keeps_the_element_of_largest_modulus(dims: int, config: dict, dtype: torch.dtype) -> None:
    z = normal(*SHAPES[dims], dtype=dtype)
    if dims == 3 and config.get("dilation", 1) > 1:
        z = normal(2, 2, 6, 5, 7, dtype=dtype)
    shape = tuple(z.shape[2:])
    c = config
    found = list(
        windows(shape, c["kernel_size"], c.get("stride"), c.get("padding", 0), c.get("dilation", 1), "ceil_mode" in c)
    )
    values = torch.zeros(*z.shape[:2], *output_size(found), dtype=dtype)
    places = torch.zeros(values.shape, dtype=torch.long)
    for n, channel in itertools.product(range(z.shape[0]), range(z.shape[1])):
        for out, positions in found:
            members = [position for position in positions if inside(position, shape)]
            best = max(members, key=lambda q: abs(z[(n, channel, *q)].item()))
            values[(n, channel, *out)] = z[(n, channel, *best)]
            places[(n, channel, *out)] = int(np.ravel_multi_index(best, shape))
    pooled, indices = layer("MaxPool", dims)(**config, return_indices=True)(z)
    assert torch.equal(pooled, values)
    assert torch.equal(indices, places)
    assert torch.equal(layer("MaxPool", dims)(**config)(z), values)
    # The same choice as torch's, of the moduli.
    real = getattr(nn, f"MaxPool{dims}d")(**config, return_indices=True)(z.abs())
    assert torch.equal(indices, real[1])
    assert torch.equal(pooled.abs(), real[0])


@pytest.mark.parametrize("dims", (1, 2, 3))
@pytest.mark.parametrize("kind", ("Avg", "Max"))
def test_adaptive_pooling_covers_the_input(dims: int, kind: str) -> None:
    z = normal(*SHAPES[dims])
    shape = tuple(z.shape[2:])
    size = (4, 3, 5)[:dims]
    expected = torch.empty(*z.shape[:2], *size, dtype=z.dtype)
    for out in itertools.product(*map(range, size)):
        span = [slice(i * n // m, -(-(i + 1) * n // m)) for i, n, m in zip(out, shape, size, strict=True)]
        part = z[(..., *span)].flatten(2)
        if kind == "Avg":
            expected[(..., *out)] = part.mean(-1)
        else:
            expected[(..., *out)] = part.gather(-1, part.abs().argmax(-1, keepdim=True)).squeeze(-1)
    pooled = layer(f"Adaptive{kind}Pool", dims)(size)(z)
    torch.testing.assert_close(pooled, expected)
    if kind == "Max":
        values, indices = complexnn.AdaptiveMaxPool1d(3, return_indices=True)(z.flatten(2))
        assert torch.equal(z.flatten(2).gather(-1, indices), values)


@pytest.mark.parametrize("kind", ("Avg", "Max"))
def test_adaptive_none_keeps_a_dimension(kind: str) -> None:
    z = normal(2, 3, 6, 5)
    assert layer(f"Adaptive{kind}Pool", 2)((2, None))(z).shape == (2, 3, 2, 5)
    assert layer(f"Adaptive{kind}Pool", 3)((None, 2, 1))(z).shape == (2, 3, 2, 1)


def every(dims: int) -> list[nn.Module]:
    return [
        layer("AvgPool", dims)(2),
        layer("AdaptiveAvgPool", dims)(2),
        layer("MaxPool", dims)(2),
        layer("AdaptiveMaxPool", dims)(2),
        layer("LPPool", dims)(2, 2),
        layer("SpectralPool", dims)(2),
    ]


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_one_sample_pools_as_a_batch_of_one(dims: int) -> None:
    z = normal(*SHAPES[dims])
    for module in every(dims):
        torch.testing.assert_close(module(z[1]), module(z)[1])
    values, indices = layer("MaxPool", dims)(2, return_indices=True)(z)
    single = layer("MaxPool", dims)(2, return_indices=True)(z[1])
    assert torch.equal(single[1], indices[1])
    restored = layer("MaxUnpool", dims)(2)
    whole = restored(values, indices, output_size=z.shape)
    assert torch.equal(restored(values[1], indices[1], output_size=z.shape[1:]), whole[1])


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_layout_of_the_input_does_not_matter(dims: int) -> None:
    z = normal(*SHAPES[dims])
    turned = z.transpose(0, -1).contiguous().transpose(0, -1)
    sparse = normal(*SHAPES[dims][:-1], 2 * SHAPES[dims][-1])[..., ::2]
    lazy = z.conj()
    for module in every(dims):
        torch.testing.assert_close(module(turned), module(z))
        torch.testing.assert_close(module(sparse), module(sparse.contiguous()))
        torch.testing.assert_close(module(lazy), module(lazy.resolve_conj()))
        torch.testing.assert_close(module(lazy), module(z).conj())
    values, indices = layer("MaxPool", dims)(2, return_indices=True)(lazy)
    restored = layer("MaxUnpool", dims)(2)
    torch.testing.assert_close(restored(values.conj(), indices, z.shape), restored(values, indices, z.shape).conj())


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_wrong_input_raises(dims: int) -> None:
    for module in every(dims):
        with pytest.raises(TypeError, match=r"expects a complex tensor, got torch\.float32"):
            module(torch.randn(SHAPES[dims]))
        with pytest.raises(ValueError, match=r"expects shape \(N, C, .*, got shape \(4,\)"):
            module(normal(4))
        with pytest.raises(ValueError, match="expects shape"):
            module(normal(2, 2, 2, 2, 2, 2))
    with pytest.raises(ValueError, match="expects one number or"):
        complexnn.MaxPool2d((2, 2, 2))(normal(2, 3, 4, 4))


def test_equal_moduli_keep_the_first() -> None:
    z = torch.tensor([[1j, 1 + 0j, -1 + 0j, 0.6 + 0.8j, -1j, 1j]])
    values, indices = complexnn.MaxPool1d(3, return_indices=True)(z)
    assert indices.tolist() == [[0, 3]] or indices.tolist() == [[0, 4]]  # |0.6 + 0.8j| rounds
    values, indices = complexnn.MaxPool1d(2, return_indices=True)(z)
    assert indices.tolist()[0][0] == 0
    assert values[0, 0] == 1j


@pytest.mark.parametrize("zero", (0.0, -0.0))
def test_padding_never_wins_over_zeros(zero: float) -> None:
    z = torch.full((2, 3, 4, 4), complex(zero, zero), dtype=torch.complex64, requires_grad=True)
    pooled, indices = complexnn.MaxPool2d(3, 2, 1, return_indices=True)(z)
    assert torch.equal(pooled, torch.zeros(2, 3, 2, 2, dtype=torch.complex64))
    assert indices[0, 0].tolist() == [[0, 1], [4, 5]]  # the first of each window that is not padding
    pooled.abs().sum().backward()
    assert torch.equal(z.grad, torch.zeros_like(z))


def test_padding_alone_in_a_window_raises() -> None:
    with pytest.raises(ValueError, match="got one of padding alone: length 2, kernel_size 2, padding 1, dilation 3"):
        complexnn.MaxPool1d(2, padding=1, dilation=3)(normal(1, 1, 2))
    z = normal(1, 1, 3)  # one window at -2, 2, 6, 10
    pooled = complexnn.MaxPool1d(4, stride=7, padding=2, dilation=4, ceil_mode=True)(z)
    assert torch.equal(pooled, z[..., 2:])


def test_nan_wins_as_in_torch() -> None:
    z = normal(1, 2, 6, dtype=torch.complex64)
    z[0, 1, 2] = complex(float("nan"), 0)
    pooled, indices = complexnn.MaxPool1d(3, return_indices=True)(z)
    assert pooled[0, 1, 0].isnan() and indices[0, 1, 0] == 2
    assert pooled.isnan().sum() == 1


def test_infinite_elements_win() -> None:
    z = normal(1, 1, 4, dtype=torch.complex64)
    z[0, 0, 1] = complex(-math.inf, 2)
    assert complexnn.MaxPool1d(4)(z).item() == complex(-math.inf, 2)


@pytest.mark.parametrize("scale", (1e-30, 1e30))
def test_modulus_neither_underflows_nor_overflows(scale: float) -> None:
    z = normal(2, 3, 8, dtype=torch.complex64)
    torch.testing.assert_close(complexnn.MaxPool1d(2)(z * scale) / scale, complexnn.MaxPool1d(2)(z))
    torch.testing.assert_close(complexnn.LPPool1d(3, 2)(z * scale) / scale, complexnn.LPPool1d(3, 2)(z))


def test_gradient_reaches_only_the_elements_kept() -> None:
    z = normal(2, 3, 6, 6).requires_grad_()
    pooled, indices = complexnn.MaxPool2d(2, return_indices=True)(z)
    weight = normal(2, 3, 3, 3, seed=1)
    (pooled * weight).sum().abs().backward()
    kept = torch.zeros(2, 3, 36, dtype=torch.bool).scatter(-1, indices.flatten(2), True).view(z.shape)
    assert torch.equal(z.grad != 0, kept)


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_gradients_equal_finite_differences(dims: int) -> None:
    z = normal(*{1: (2, 2, 5), 2: (2, 2, 3, 4), 3: (2, 2, 3, 4, 2)}[dims]).requires_grad_()
    modules = [
        layer("AvgPool", dims)(2, stride=1, padding=1, count_include_pad=False),
        layer("AdaptiveAvgPool", dims)(2),
        layer("MaxPool", dims)(2, stride=1),
        layer("AdaptiveMaxPool", dims)(2),
        layer("LPPool", dims)(1, 2),
        layer("LPPool", dims)(1.5, 2, stride=1),
        layer("LPPool", dims)(3, 2, ceil_mode=True),
        layer("SpectralPool", dims)(2),
    ]
    for module in modules:
        assert torch.autograd.gradcheck(module, z, fast_mode=dims > 1)
    values, indices = layer("MaxPool", dims)(2, return_indices=True)(z)
    values = values.detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: layer("MaxUnpool", dims)(2)(v, indices, z.shape), values)


@pytest.mark.parametrize("dims", (1, 2))
def test_second_derivatives_equal_finite_differences(dims: int) -> None:
    z = normal(2, 2, *(4, 4)[:dims]).requires_grad_()
    for module in (layer("LPPool", dims)(2.5, 2), layer("SpectralPool", dims)(3), layer("MaxPool", dims)(2)):
        assert torch.autograd.gradgradcheck(lambda x, f=module: f(x) * f(x).conj(), z, fast_mode=True)


@pytest.mark.parametrize("dims", (1, 2, 3))
@pytest.mark.parametrize("config", ({}, {"stride": 1, "padding": 1}, {"stride": 3}))
def test_unpooling_puts_the_elements_back(dims: int, config: dict) -> None:
    z = normal(2, 3, *(8, 5, 6)[:dims])
    values, indices = layer("MaxPool", dims)(2, **config, return_indices=True)(z)
    restored = layer("MaxUnpool", dims)(2, **config)(values, indices, output_size=z.shape)
    expected = torch.zeros_like(z).flatten(2)
    for n, c in itertools.product(range(2), range(3)):
        for value, index in zip(values[n, c].flatten(), indices[n, c].flatten(), strict=True):
            expected[n, c, index] = value
    assert torch.equal(restored, expected.view(z.shape))
    real = getattr(nn, f"MaxUnpool{dims}d")(2, **config)(values.real.contiguous(), indices, output_size=z.shape)
    assert torch.equal(restored.real, real)


def test_unpooling_has_torchs_size_by_default() -> None:
    values, indices = complexnn.MaxPool2d(3, 2, return_indices=True)(normal(2, 3, 9, 7))
    real = nn.MaxUnpool2d(3, 2)(values.real.contiguous(), torch.zeros_like(indices))
    assert complexnn.MaxUnpool2d(3, 2)(values, torch.zeros_like(indices)).shape == real.shape


def test_unpooling_rejects_what_does_not_fit() -> None:
    values, indices = complexnn.MaxPool2d(2, return_indices=True)(normal(2, 3, 6, 6))
    unpool = complexnn.MaxUnpool2d(2)
    for size in ((8, 6), (6, 4), (6,), (6, 6, 6)):
        with pytest.raises(ValueError, match="expects an output_size that pools to the input's"):
            unpool(values, indices, size)
    assert unpool(values, indices, output_size=(7, 6)).shape == (2, 3, 7, 6)
    with pytest.raises(ValueError, match="expects indices of the input's shape"):
        unpool(values, indices[:1])
    with pytest.raises(RuntimeError, match="out of bounds"):
        unpool(values, indices + 36)
    with pytest.raises(TypeError, match="expects a complex tensor"):
        unpool(values.real, indices)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", (1.0, 1.5, 2.0, 3.0, 7.0))
@pytest.mark.parametrize("dims", (1, 2, 3))
def test_power_average_is_its_formula(dims: int, p: float, dtype: torch.dtype) -> None:
    z = normal(*SHAPES[dims], dtype=dtype)
    shape = tuple(z.shape[2:])
    for s, ceil in ((None, False), (1, False), (3, True)):
        found = list(windows(shape, 2, s, ceil=ceil))
        expected = np.empty((*z.shape[:2], *output_size(found)), dtype=complex)
        array = z.to(torch.complex128).numpy()
        for out, positions in found:
            members = [array[(..., *q)] for q in positions if inside(q, shape)]
            total = sum(abs(m) ** (p - 1) * m for m in members)
            expected[(..., *out)] = total * abs(total) ** (1 / p - 1)
        pooled = layer("LPPool", dims)(p, 2, stride=s, ceil_mode=ceil)(z)
        torch.testing.assert_close(pooled, torch.from_numpy(expected).to(dtype), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_power_average_of_nonnegative_reals_is_torchs(dims: int) -> None:
    x = normal(*SHAPES[dims]).abs()
    for p in (1, 2, 5, math.inf):
        real = getattr(nn, f"LPPool{dims}d")(p, 2)(x)
        torch.testing.assert_close(layer("LPPool", dims)(p, 2)(x.to(torch.complex128)), real.to(torch.complex128))


def test_power_average_goes_from_the_sum_to_the_largest() -> None:
    z = normal(2, 3, 8, 6)
    torch.testing.assert_close(complexnn.LPPool2d(1, 2)(z), 4 * complexnn.AvgPool2d(2)(z))
    assert torch.equal(complexnn.LPPool2d(math.inf, 2)(z), complexnn.MaxPool2d(2)(z))
    # Windows whose second modulus is at most 0.9 of the first: 0.9^400 is below 1e-18.
    first, second = z.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2).abs().topk(2).values.unbind(-1)
    clear = second < 0.9 * first
    assert clear.sum() > 20
    high = complexnn.LPPool2d(400.0, 2)(z)
    torch.testing.assert_close(high[clear], complexnn.MaxPool2d(2)(z)[clear])


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_power_average_at_infinity_keeps_stride_and_ceil_mode(dims: int) -> None:
    z = normal(*SHAPES[dims])
    for stride, ceil_mode in ((None, True), (1, False), (3, True)):
        expected = layer("MaxPool", dims)(2, stride, ceil_mode=ceil_mode)(z)
        assert torch.equal(layer("LPPool", dims)(math.inf, 2, stride, ceil_mode)(z), expected)


def test_power_average_of_a_window_that_cancels_is_zero() -> None:
    for p in (1.0, 1.5, 2.0, 8.0):
        for window in ([1 + 1j, -1 - 1j], [0j, 0j], [complex(-0.0, -0.0), 0j], [1e-30 + 0j, -1e-30 + 0j]):
            z = torch.tensor([window], dtype=torch.complex64, requires_grad=True)
            pooled = complexnn.LPPool1d(p, 2)(z)
            assert pooled.item() == 0
            pooled.real.sum().backward()
            assert z.grad.isfinite().all()


def test_power_average_of_tiny_elements_has_finite_gradients() -> None:
    for p in (1.0, 1.5, 2.0, 8.0):
        for window in ([1e-40 + 1e-40j, -1e-40 + 0j], [1j, 1e-40 + 0j], [1j, 1e-30 + 0j], [1 + 0j, -1 + 1e-40j]):
            z = torch.tensor([window], dtype=torch.complex64, requires_grad=True)
            pooled = complexnn.LPPool1d(p, 2)(z)
            assert pooled.isfinite().all()
            pooled.real.sum().backward()
            assert z.grad.isfinite().all()


def test_power_average_has_exact_gradients_at_any_scale() -> None:
    z = normal(2, 2, 8, dtype=torch.complex64)
    gradients = []
    for scale in (1.0, 1e-30, 1e25):
        leaf = (z * scale).requires_grad_()
        complexnn.LPPool1d(3.0, 4)(leaf).real.sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(gradients[1], gradients[0])
    torch.testing.assert_close(gradients[2], gradients[0])


def test_power_average_rejects_what_is_no_norm() -> None:
    for p in (0.5, 0, -math.inf, math.nan):
        with pytest.raises(ValueError, match="expects a norm_type of at least 1"):
            complexnn.LPPool1d(p, 2)(normal(2, 3, 4))
    with pytest.raises(ValueError, match="expects a kernel no longer than the input"):
        complexnn.LPPool1d(2, 5)(normal(2, 3, 4))
    for kernel, stride in ((0, None), (-1, None), (2, 0), (2, -1)):
        with pytest.raises(ValueError, match="expects kernel_size and stride of at least 1"):
            complexnn.LPPool2d(2, kernel, stride)(normal(2, 3, 4, 4))


def truncated(array: np.ndarray, size: int, axis: int) -> np.ndarray:
    """The low frequencies along one axis, by explicit Fourier matrices of unit norm."""
    n = array.shape[axis]
    forward = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) / math.sqrt(n)
    inverse = np.exp(2j * np.pi * np.outer(np.arange(size), np.arange(size)) / size) / math.sqrt(size)
    keep = np.zeros((size, n))
    for frequency in range(-((size - 1) // 2), (size - 1) // 2 + 1):
        keep[frequency % size, frequency % n] = 1
    if size % 2 == 0:
        if size == n:
            keep[size // 2, size // 2] = 1
        else:
            keep[size // 2, size // 2] = keep[size // 2, -size // 2 % n] = 0.5
    return np.moveaxis(np.tensordot(inverse @ keep @ forward, array, (1, axis)), 0, axis)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", (1, 2, 3, 4))
@pytest.mark.parametrize("dims", (1, 2, 3))
def test_spectral_pooling_keeps_the_low_frequencies(dims: int, size: int, dtype: torch.dtype) -> None:
    z = normal(*SHAPES[dims], dtype=dtype)
    expected = z.to(torch.complex128).numpy()
    for axis in range(2, 2 + dims):
        expected = truncated(expected, size, axis)
    torch.testing.assert_close(layer("SpectralPool", dims)(size)(z), torch.from_numpy(expected).to(dtype))


def test_spectral_pooling_to_an_odd_size_is_scipys_resampling() -> None:
    z = normal(2, 3, 10, 8)
    expected = scipy.signal.resample(scipy.signal.resample(z.numpy(), 7, axis=2), 5, axis=3)
    pooled = complexnn.SpectralPool2d((7, 5), norm="forward")(z)
    torch.testing.assert_close(pooled, torch.from_numpy(expected))


def test_spectral_pooling_sizes() -> None:
    z = normal(2, 3, 10, 8)
    torch.testing.assert_close(complexnn.SpectralPool2d((10, 8))(z), z)
    torch.testing.assert_close(complexnn.SpectralPool2d((None, None))(z), z)
    assert complexnn.SpectralPool2d((None, 3))(z).shape == (2, 3, 10, 3)
    torch.testing.assert_close(complexnn.SpectralPool2d(output_ratio=0.5)(z), complexnn.SpectralPool2d((5, 4))(z))
    torch.testing.assert_close(
        complexnn.SpectralPool2d(output_ratio=(0.35, 1.0))(z), complexnn.SpectralPool2d((3, 8))(z)
    )


def test_spectral_pooling_norms() -> None:
    z = normal(2, 3, 10, 8)
    constant = torch.full((1, 1, 10, 8), 2 + 1j, dtype=torch.complex128)
    forward = complexnn.SpectralPool2d((4, 3), norm="forward")
    torch.testing.assert_close(forward(constant), constant[..., :4, :3])
    torch.testing.assert_close(complexnn.SpectralPool2d((4, 3))(z), forward(z) * math.sqrt(80 / 12))
    torch.testing.assert_close(complexnn.SpectralPool2d((4, 3), norm="backward")(z), forward(z) * 80 / 12)


def test_spectral_pooling_keeps_the_second_moment_of_white_noise() -> None:
    z = normal(400, 3, 9, 12)
    pooled = complexnn.SpectralPool2d((5, 7))(z)
    count = pooled.numel()  # |y|^2 has mean and standard deviation 1; the elements are uncorrelated
    assert abs(pooled.abs().square().mean().item() - 1) < 5 / math.sqrt(count)


@pytest.mark.parametrize("size", ((4, 5), (3, 6), (8, 2)))
def test_spectral_pooling_of_a_real_plane_is_real(size: tuple[int, int]) -> None:
    x = normal(2, 3, 8, 7).real.to(torch.complex128)
    assert complexnn.SpectralPool2d(size)(x).imag.abs().max() < 1e-14


def test_spectral_pooling_never_gains_energy() -> None:
    z = normal(8, 1, 8, 6)
    for size in ((4, 4), (7, 2), (1, 1)):
        energy = complexnn.SpectralPool2d(size)(z).abs().square().sum((1, 2, 3))
        assert (energy <= z.abs().square().sum((1, 2, 3)) * (1 + 1e-12)).all()


def test_spectral_pooling_rejects_what_does_not_fit() -> None:
    for arguments in ({}, {"output_size": 3, "output_ratio": 0.5}):
        with pytest.raises(ValueError, match="expects either output_size or output_ratio"):
            complexnn.SpectralPool1d(**arguments)
    with pytest.raises(ValueError, match="norm must be"):
        complexnn.SpectralPool1d(3, norm="unitary")
    z = normal(2, 3, 8, 6)
    for module in (
        complexnn.SpectralPool2d(7),
        complexnn.SpectralPool2d((0, 3)),
        complexnn.SpectralPool2d(output_ratio=0.1),
        complexnn.SpectralPool2d(output_ratio=1.5),
    ):
        with pytest.raises(ValueError, match="expects output sizes from 1 to the input's"):
            module(z)
    with pytest.raises(ValueError, match="expects one number or 2"):
        complexnn.SpectralPool2d((1, 2, 3))(z)
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        complexnn.SpectralPool2d(2.5)(z)  # type: ignore[arg-type]


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_every_pooling_commutes_with_phase_and_conjugation(dims: int) -> None:
    z = normal(*SHAPES[dims])
    phasor = complex(math.cos(0.7), math.sin(0.7))
    for module in every(dims):
        torch.testing.assert_close(module(z * phasor), module(z) * phasor)
        torch.testing.assert_close(module(z.conj().resolve_conj()), module(z).conj().resolve_conj())


@pytest.mark.parametrize("dims", (1, 2, 3))
def test_meta_device_gives_the_shape(dims: int) -> None:
    z = normal(*SHAPES[dims])
    for module in every(dims):
        assert module(z.to("meta")).shape == module(z).shape


def test_repr_shows_what_differs() -> None:
    assert repr(complexnn.AvgPool2d(2)) == "AvgPool2d(kernel_size=2, stride=2, padding=0)"
    text = repr(complexnn.AvgPool2d(2, ceil_mode=True, count_include_pad=False, divisor_override=3))
    assert text.endswith("ceil_mode=True, count_include_pad=False, divisor_override=3)")
    assert "return_indices=True" in repr(complexnn.MaxPool1d(2, return_indices=True))
    assert repr(complexnn.SpectralPool1d(3)) == "SpectralPool1d(output_size=3, norm='ortho')"
    assert "output_ratio=0.5" in repr(complexnn.SpectralPool1d(output_ratio=0.5))


@pytest.mark.parametrize(
    "module",
    (
        complexnn.AvgPool2d(2),
        complexnn.MaxPool2d(3, 2, 1, return_indices=True),
        complexnn.LPPool2d(2.5, 2),
        complexnn.SpectralPool2d((4, 3)),
    ),
    ids=lambda module: type(module).__name__,
)
def test_compiled_pooling_equals_eager(module: nn.Module) -> None:
    torch._dynamo.reset()
    z = normal(2, 3, 6, 6).requires_grad_()
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    values = []
    for function in (module, compiled):
        pooled = function(z)
        pooled = pooled[0] if isinstance(pooled, tuple) else pooled
        (gradient,) = torch.autograd.grad((pooled * normal(*pooled.shape, seed=3)).real.sum(), z)
        values.append((pooled.detach(), gradient))
    torch.testing.assert_close(values[1], values[0])


def test_functions_equal_their_layers() -> None:
    z = normal(2, 3, 8, 6)
    assert torch.equal(F.avg_pool2d(z, (2, 3)), complexnn.AvgPool2d((2, 3))(z))
    assert torch.equal(F.max_pool2d(z, 2), complexnn.MaxPool2d(2)(z))  # type: ignore[arg-type]
    assert torch.equal(F.lp_pool2d(z, 2.0, 2), complexnn.LPPool2d(2, 2)(z))
    assert torch.equal(F.spectral_pool2d(z, 3), complexnn.SpectralPool2d(3)(z))

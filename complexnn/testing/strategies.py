"""Hypothesis strategies: complex tensors, unit phasors, unitary matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from complexnn.functional.checks import complex_dtype

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

LAYOUTS = ("contiguous", "permuted", "strided", "conjugated")


def _strategies() -> Any:
    try:
        import hypothesis.strategies
    except ImportError as error:
        raise ImportError("the strategies of complexnn.testing need Hypothesis: pip install hypothesis") from error
    return hypothesis.strategies


def _lay(values: Tensor, layout: str) -> Tensor:
    """The same values, stored another way."""
    if layout == "contiguous":
        return values
    if layout == "permuted":  # the last dimension is the slowest in memory
        order = tuple(reversed(range(values.ndim)))
        return values.permute(order).contiguous().permute(order)
    if layout == "strided":  # every other number of a longer buffer, from its second on
        buffer = torch.full((*values.shape, 2), torch.nan, dtype=values.dtype)
        buffer[..., 1] = values
        return buffer[..., 1]
    if layout == "conjugated":  # conjugated lazily: the memory holds the conjugate
        return values.conj().resolve_conj().conj()
    raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")


def _shapes(st: Any, shape: Sequence[int] | SearchStrategy[tuple[int, ...]] | None) -> Any:
    if shape is None:
        return st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)
    return st.just(tuple(shape)) if isinstance(shape, Sequence) else shape


def complex_tensors(
    shape: Sequence[int] | SearchStrategy[tuple[int, ...]] | None = None,
    dtype: torch.dtype | None = None,
    *,
    bound: float = 1e3,
    infinities: bool = False,
    layouts: Sequence[str] = LAYOUTS,
) -> SearchStrategy[Tensor]:
    """Complex tensors, awkward ones among them.

    A draw is a tensor of complex normal numbers, or of zeros, of which up to eight entries are replaced by drawn
    ones: signed zeros, denormals, numbers at the bound and, if asked for, infinities. It may be non-contiguous or a
    lazy conjugate.

    Args:
        shape: a shape, or a strategy of shapes; by default one to four dimensions of sizes one to five.
        dtype: a complex dtype; by default the twin of torch's default dtype.
        bound: the largest absolute value that a finite real or imaginary part may have.
        infinities: whether a part may be infinite.
        layouts: how the tensor may lie in memory: ``"contiguous"``, ``"permuted"``, ``"strided"``,
            ``"conjugated"``.

    Raises:
        ImportError: Hypothesis is not installed.
        TypeError: ``dtype`` is not complex.
        ValueError: ``bound`` is not positive and finite, or a layout is unknown.

    Example:
        >>> from hypothesis import given
        >>> @given(complex_tensors(shape=(2, 3)))
        ... def test_conjugation_is_an_involution(z):
        ...     assert torch.equal(z.conj().conj(), z)
        >>> test_conjugation_is_an_involution()
    """
    st = _strategies()
    dtype = complex_dtype(dtype)
    if not 0 < bound < math.inf:
        raise ValueError(f"bound must be positive and finite, got {bound}")
    if unknown := set(layouts) - set(LAYOUTS):
        raise ValueError(f"layouts must be among {', '.join(LAYOUTS)}, got {', '.join(sorted(unknown))}")
    finfo = torch.finfo(dtype)
    width = finfo.bits
    bound = float(torch.tensor(bound, dtype=dtype.to_real()))
    awkward = [0.0, finfo.smallest_normal, finfo.smallest_normal / 4, finfo.eps, 1e-30, 1.0, bound]
    awkward = [value for value in awkward if value <= bound] + ([math.inf] if infinities else [])
    parts = st.one_of(
        st.sampled_from([sign * value for value in awkward for sign in (1.0, -1.0)]),
        st.floats(-bound, bound, width=width),
    )

    @st.composite
    def tensors(draw: DrawFn) -> Tensor:
        size = draw(_shapes(st, shape))
        if draw(st.booleans()):
            generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
            values = torch.view_as_real(torch.randn(size, dtype=dtype, generator=generator)).clamp(-bound, bound)
        else:
            values = torch.zeros(*size, 2, dtype=dtype.to_real())
        flat = values.view(-1, 2)
        if len(flat):
            drawn = st.dictionaries(st.integers(0, len(flat) - 1), st.tuples(parts, parts), max_size=8)
            for index, pair in draw(drawn).items():
                flat[index] = torch.tensor(pair, dtype=flat.dtype)
        return _lay(torch.view_as_complex(values), draw(st.sampled_from(list(layouts))))

    strategy: SearchStrategy[Tensor] = tensors()
    return strategy


def unit_phasors(
    shape: Sequence[int] | SearchStrategy[tuple[int, ...]] = (), dtype: torch.dtype | None = None
) -> SearchStrategy[Tensor]:
    """Tensors of complex numbers of modulus one: e^{ja}, with 1, j, -1 and -j among them.

    Args:
        shape: a shape, or a strategy of shapes; by default one number.
        dtype: a complex dtype; by default the twin of torch's default dtype.

    Raises:
        ImportError: Hypothesis is not installed.
        TypeError: ``dtype`` is not complex.

    Example:
        >>> from hypothesis import given
        >>> @given(unit_phasors((3,)))
        ... def test_modulus_is_one(u):
        ...     torch.testing.assert_close(u.abs(), torch.ones(3))
        >>> test_modulus_is_one()
    """
    st = _strategies()
    dtype = complex_dtype(dtype)

    @st.composite
    def phasors(draw: DrawFn) -> Tensor:
        size = draw(_shapes(st, shape))
        generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
        angle = torch.rand(size, dtype=torch.float64, generator=generator) * (2 * math.pi)
        values = torch.polar(torch.ones_like(angle), angle).to(dtype)
        flat = values.view(-1)
        if len(flat):
            corners = st.dictionaries(st.integers(0, len(flat) - 1), st.sampled_from([1, 1j, -1, -1j]), max_size=4)
            for index, corner in draw(corners).items():
                flat[index] = corner
        return values

    strategy: SearchStrategy[Tensor] = phasors()
    return strategy


def unitary_matrices(
    n: int | SearchStrategy[int] | None = None, dtype: torch.dtype | None = None
) -> SearchStrategy[Tensor]:
    """Unitary matrices U^H U = 1: Haar's measure (Mezzadri 2007), the identity, and permutations with phases.

    Args:
        n: the size, or a strategy of sizes; by default one to six.
        dtype: a complex dtype; by default the twin of torch's default dtype.

    Raises:
        ImportError: Hypothesis is not installed.
        TypeError: ``dtype`` is not complex.

    Example:
        >>> from hypothesis import given
        >>> @given(unitary_matrices(3))
        ... def test_length_is_kept(u):
        ...     z = torch.ones(3, dtype=u.dtype)
        ...     torch.testing.assert_close((u @ z).norm(), z.norm())
        >>> test_length_is_kept()
    """
    st = _strategies()
    dtype = complex_dtype(dtype)
    sizes = st.integers(1, 6) if n is None else st.just(n) if isinstance(n, int) else n

    @st.composite
    def matrices(draw: DrawFn) -> Tensor:
        size = draw(sizes)
        kind = draw(st.sampled_from(["identity", "permutation", "haar"]))
        if kind == "identity":
            return torch.eye(size, dtype=dtype)
        generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
        normal = torch.randn(size, size, dtype=torch.complex128, generator=generator)
        if kind == "permutation":
            order = torch.randperm(size, generator=generator)
            return torch.diag(torch.sgn(normal[0])).to(dtype)[order]
        q, r = torch.linalg.qr(normal)
        # QR's own signs depend on the algorithm: the phases of r's diagonal make the measure Haar's.
        return (q * torch.sgn(r.diagonal())).to(dtype)

    strategy: SearchStrategy[Tensor] = matrices()
    return strategy

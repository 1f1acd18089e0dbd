"""Every activation under the common laws."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

import complexnn
from tests.laws.case import Case

SHAPE = (3, 4, 5)
CHANNELS = SHAPE[1]


def plain(make: Callable[[], nn.Module]) -> Callable[..., nn.Module]:
    """A module without parameters takes neither device nor dtype."""
    return lambda device=None, dtype=None: make()


def case(make: Callable[[], nn.Module], symmetry: str = "", name: str = "", skip: frozenset[str] = frozenset()) -> Case:
    """A parameterless activation; ``symmetry`` names those it has. Compiled once in each family, which is one code."""
    return Case(
        name or type(make()).__name__,
        plain(make),
        SHAPE,
        phase="phase" in symmetry,
        conjugation="conjugation" in symmetry,
        skip=skip,
    )


BOTH = "phase and conjugation"
ONE_PATH = frozenset({"compile"})  # the same code as the family's first member, which is compiled
FLAT = frozenset({"backward"})  # the gradient of |output|^2 is zero, as the modulus of the output is constant
SINGULAR = frozenset({"finite"})  # poles, branch points or exponential growth, as every such function has

SPLIT = [
    case(complexnn.CTanh, "conjugation"),
    case(complexnn.CTanhshrink, "conjugation", skip=ONE_PATH),
    case(complexnn.CSoftsign, "conjugation", skip=ONE_PATH),
    case(complexnn.CSoftshrink, "conjugation", skip=ONE_PATH),
    case(complexnn.CHardshrink, "conjugation", skip=ONE_PATH),
    case(complexnn.CHardtanh, "conjugation", skip=ONE_PATH),
    case(complexnn.CReLU),
    case(complexnn.CReLU6, skip=ONE_PATH),
    case(complexnn.CLeakyReLU, skip=ONE_PATH),
    case(complexnn.CELU, skip=ONE_PATH),
    case(complexnn.CCELU, skip=ONE_PATH),
    case(complexnn.CSELU, skip=ONE_PATH),
    case(complexnn.CGELU, skip=ONE_PATH),
    case(complexnn.CSiLU, skip=ONE_PATH),
    case(complexnn.CMish, skip=ONE_PATH),
    case(complexnn.CSoftplus, skip=ONE_PATH),
    case(complexnn.CSigmoid, skip=ONE_PATH),
    case(complexnn.CLogSigmoid, skip=ONE_PATH),
    case(complexnn.CHardsigmoid, skip=ONE_PATH),
    case(complexnn.CHardswish, skip=ONE_PATH),
    case(lambda: complexnn.CThreshold(0.3, -1.0), skip=ONE_PATH),
    # It draws a slope for each negative number: which one depends on how many came before.
    Case("CRReLU", plain(complexnn.CRReLU), SHAPE, random=True, skip=ONE_PATH | {"independence", "channels"}),
    Case("CPReLU", complexnn.CPReLU, SHAPE),
    Case("CPReLU per channel", lambda **kw: complexnn.CPReLU(CHANNELS, **kw), SHAPE, skip=ONE_PATH),
    case(lambda: complexnn.Split(torch.tanh), "conjugation"),
    case(lambda: complexnn.Split(nn.Tanh(), nn.Softplus()), "", name="Split of two", skip=ONE_PATH),
]

# A parameter is moved by up to one from its start: the dead disk must not swallow every input.
RECTIFIERS = [
    case(complexnn.ZReLU),
    case(complexnn.ZLeakyReLU),
    # The gradient of the radius is not a derivative, see test_radius_gradient_is_that_of_the_expected_loss.
    Case(
        "ZAbsReLU",
        lambda **kw: complexnn.ZAbsReLU(bandwidth=2.0, **kw),
        SHAPE,
        phase=True,
        conjugation=True,
        smooth=False,
    ),
    Case(
        "ZAbsReLU per channel",
        lambda **kw: complexnn.ZAbsReLU(CHANNELS, bandwidth=2.0, **kw),
        SHAPE,
        phase=True,
        conjugation=True,
        smooth=False,
        skip=ONE_PATH,
    ),
    Case("ModReLU", complexnn.ModReLU, SHAPE, phase=True, conjugation=True),
    Case(
        "ModReLU per channel",
        lambda **kw: complexnn.ModReLU(CHANNELS, **kw),
        SHAPE,
        phase=True,
        conjugation=True,
        skip=ONE_PATH,
    ),
    Case(
        "ModReLU with positive bias",
        lambda **kw: complexnn.ModReLU(init=0.7, **kw),
        SHAPE,
        phase=True,
        conjugation=True,
        skip=ONE_PATH,
    ),
    case(complexnn.Cardioid, "conjugation"),
]

POLAR = [
    case(complexnn.PolarTanh, BOTH),
    case(lambda: complexnn.PolarTanh(2.0), BOTH, name="PolarTanh(m=2)", skip=ONE_PATH),
    case(complexnn.PolarSquash, BOTH, skip=ONE_PATH),
    case(complexnn.PolarLog, BOTH, skip=ONE_PATH),
    case(complexnn.SigLog, BOTH, skip=ONE_PATH),
    case(lambda: complexnn.Polar(nn.Sigmoid()), BOTH, skip=ONE_PATH),
]

HOLOMORPHIC = [
    case(complexnn.ComplexSigmoid, "conjugation", skip=SINGULAR),
    case(complexnn.ComplexTanh, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.ComplexTan, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.ComplexSin, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.ComplexSinh, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.ComplexAsin, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.ComplexAcos, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.ComplexAtan, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.ComplexAsinh, "conjugation", skip=SINGULAR),
    case(complexnn.ComplexAtanh, "conjugation", skip=SINGULAR | ONE_PATH),
    case(complexnn.LogCosh, "conjugation", skip=SINGULAR | ONE_PATH),
]

PHASE = [
    case(complexnn.Modulus, BOTH),
    case(complexnn.Angle),
    case(complexnn.Signum, BOTH, skip=FLAT),
    case(complexnn.MVN, BOTH, skip=FLAT | ONE_PATH),
    # The first sector starts at the real axis, which conjugation does not keep.
    case(lambda: complexnn.MVN(5), name="MVN(5)", skip=FLAT),
    case(complexnn.TReLU),
    Case("GTReLU", complexnn.GTReLU, SHAPE),
    Case("GTReLU per channel", lambda **kw: complexnn.GTReLU(CHANNELS, phase_scale=True, **kw), SHAPE),
    # Relative to the mean of the channels.
    Case("EquivariantPhaseReLU", complexnn.EquivariantPhaseReLU, SHAPE, phase=True, skip=frozenset({"channels"})),
    Case(
        "EquivariantPhaseReLU per channel",
        lambda **kw: complexnn.EquivariantPhaseReLU(CHANNELS, **kw),
        SHAPE,
        phase=True,
        skip=ONE_PATH | {"channels"},
    ),
]

SOFTMAX = [
    case(complexnn.CSoftmax),
    case(complexnn.RealSoftmax, "conjugation", skip=ONE_PATH),
    case(complexnn.MagnitudeSoftmax, BOTH, skip=ONE_PATH),
    case(complexnn.PhaseSoftmax, BOTH, skip=ONE_PATH),
]

CASES: list[Case] = [*SPLIT, *RECTIFIERS, *POLAR, *HOLOMORPHIC, *PHASE, *SOFTMAX]

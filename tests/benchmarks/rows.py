"""What is timed: a layer a row, each as the real torch layer, as complexnn's and as every peer's that has it."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import complexnn

PEERS = ("complextorch", "torchcvnn", "cplxmodule", "complexPyTorch")
Make = Callable[[], nn.Module]
Check = Callable[[nn.Module, Tensor, Tensor], str]


@dataclass(frozen=True, eq=False)
class Row:
    """One layer. ``check(module, z, y)`` says what is wrong with an output, or nothing."""

    name: str
    size: str
    shape: tuple[int, ...]  # of the complex input, and of the real layer's input
    real: Make
    doubled: Make  # the real layer of twice the channels: on as many real numbers
    complexnn: Make
    check: Check
    peers: dict[str, Make]
    remarks: dict[str, str] = field(default_factory=dict)  # peer -> what a reader of its number must know
    aim: float | None = None  # complexnn's time over that of ``real``, or of ``doubled``
    aim_doubled: bool = True
    why: str = ""  # what stands in the way of the aim, or of the fastest peer


def affine(module: nn.Module, z: Tensor, y: Tensor) -> str:
    shift = module(torch.zeros_like(z))
    factor = 0.3 + 0.7j
    right = torch.allclose(module(factor * z) - shift, factor * (y - shift), atol=1e-4)
    return "" if right else "not complex-linear"


def moments(dims: tuple[int, ...], whitened: bool = False, centred: bool = True) -> Check:
    """Mean zero over ``dims`` and one power for all the others; with ``whitened`` no correlation of the parts."""

    def check(module: nn.Module, z: Tensor, y: Tensor) -> str:
        power = y.abs().square().mean(dims)
        level = float(power.mean())
        if not torch.isfinite(y).all():
            return "not finite"
        if centred and float(y.mean(dims).abs().max()) > 1e-3:
            return "wrong: the mean is not zero over the normalised dimensions"
        if float((power / level - 1).abs().max()) > 1e-2:
            return "wrong: the power is not one over the normalised dimensions"
        if whitened and float((y * y).mean(dims).abs().max()) > 1e-2 * level:
            return "wrong: the parts stay correlated"
        return "" if abs(level - 1) < 1e-2 else f"E|y|² = {level:.2g}"

    return check


def equals(reference: Callable[[Tensor], Tensor]) -> Check:
    def check(module: nn.Module, z: Tensor, y: Tensor) -> str:
        expected = reference(z)
        if y.shape != expected.shape:
            return f"wrong: shape {tuple(y.shape)}"
        share = float(((y - expected).abs() > 1e-4).float().mean())
        return f"wrong: {100 * share:.0f} % of the outputs" if share else ""

    return check


def modrelu(z: Tensor, bias: float) -> Tensor:
    return torch.sgn(z) * F.relu(z.abs() + bias)


def split(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda z: torch.complex(function(z.real), function(z.imag))


def max_pool(z: Tensor) -> Tensor:
    windows = z.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)
    return windows.gather(-1, windows.abs().argmax(-1, keepdim=True)).squeeze(-1)


def masked(module: nn.Module, z: Tensor, y: Tensor) -> str:
    kept = y != 0
    if float((y[kept] - 2 * z[kept]).abs().max()) > 1e-5:
        halved = float((y[kept] / z[kept]).real.mean())
        one_mask = bool(((y.real == 0) == (y.imag == 0)).all())
        return f"wrong: kept values times {halved:.2g} instead of 2" if one_mask else "wrong: a mask for each part"
    return "" if abs(float(kept.float().mean()) - 0.5) < 0.01 else "wrong: not half of the values kept"


def torchcvnn_native(layer: type[nn.Module]) -> Callable[..., Make]:
    """torchcvnn has no Linear or Conv of its own: its users take torch's with a complex dtype."""
    return lambda *args, **kwargs: lambda: layer(*args, dtype=torch.complex64, **kwargs)


def peer(package: str, path: str, *args: object, **kwargs: object) -> Make:
    """``package.path(*args, **kwargs)``, imported when it is made: no peer need be installed."""

    def make() -> nn.Module:
        module, _, name = f"{package}.{path}".rpartition(".")
        made: nn.Module = getattr(importlib.import_module(module), name)(*args, **kwargs)
        return made

    return make


CT = functools.partial(peer, "complextorch")
TC = functools.partial(peer, "torchcvnn")
CM = functools.partial(peer, "cplxmodule")
CP = functools.partial(peer, "complexPyTorch")
LAYERS = "complexLayers."


def cm_split(layer: type[nn.Module], *args: object, **kwargs: object) -> Make:
    """cplxmodule's promotion of a real layer: it is applied to each part."""

    def make() -> nn.Module:
        from cplxmodule.nn import CplxToCplx  # type: ignore[import-not-found]

        made: nn.Module = CplxToCplx[layer](*args, **kwargs)
        return made

    return make


PLANES = (
    "cplxmodule keeps the parts in two contiguous tensors, which torch's real kernels take as they are; here they are "
    "interleaved, and must be taken apart and put together again"
)
PASSES = (
    "there is no fused kernel: modulus, quotient, rectifier and their derivatives are separate passes over memory, of "
    "which those over interleaved parts are not vectorised; ReLU and its derivative are two passes"
)
IMAGE = (16, 32, 24, 24)
IMAGE_SIZE = "16×32×24×24"
TOKENS = (16, 32, 256)
TOKENS_SIZE = "16×32×256"


def tc_modrelu() -> nn.Module:
    """torchcvnn's, whose one bias starts at 0 and cannot be given."""
    layer = TC("nn.modReLU")()
    with torch.no_grad():
        layer.get_parameter("b").fill_(-0.1)
    return layer


INPLACE = "timed with inplace=False; the default raises in backward"

ROWS = [
    Row(
        "Linear",
        "batch 512, 256 to 256",
        (512, 256),
        lambda: nn.Linear(256, 256),
        lambda: nn.Linear(512, 512),
        lambda: complexnn.Linear(256, 256),
        affine,
        {
            "complextorch": CT("nn.Linear", 256, 256),
            "torchcvnn": torchcvnn_native(nn.Linear)(256, 256),
            "cplxmodule": CM("nn.CplxLinear", 256, 256),
            "complexPyTorch": CP(LAYERS + "ComplexLinear", 256, 256),
        },
        aim=3.3,
        aim_doubled=False,
        why="three real products take 3.0; the rest is taking the parts apart and putting them together",
    ),
    Row(
        "Linear, wider",
        "batch 512, 512 to 512",
        (512, 512),
        lambda: nn.Linear(512, 512),
        lambda: nn.Linear(1024, 1024),
        lambda: complexnn.Linear(512, 512),
        affine,
        {
            "complextorch": CT("nn.Linear", 512, 512),
            "torchcvnn": torchcvnn_native(nn.Linear)(512, 512),
            "cplxmodule": CM("nn.CplxLinear", 512, 512),
            "complexPyTorch": CP(LAYERS + "ComplexLinear", 512, 512),
        },
        aim=3.3,
        aim_doubled=False,
        why="three real products take 3.0; the rest is taking the parts apart and putting them together",
    ),
    Row(
        "Conv1d",
        "16×32×256, 32 channels, kernel 3",
        (16, 32, 256),
        lambda: nn.Conv1d(32, 32, 3, padding=1),
        lambda: nn.Conv1d(64, 64, 3, padding=1),
        lambda: complexnn.Conv1d(32, 32, 3, padding=1),
        affine,
        {
            "complextorch": CT("nn.Conv1d", 32, 32, 3, padding=1),
            "torchcvnn": torchcvnn_native(nn.Conv1d)(32, 32, 3, padding=1),
            "cplxmodule": CM("nn.CplxConv1d", 32, 32, 3, padding=1),
        },
        why=PLANES,
    ),
    Row(
        "Conv2d",
        "8×32×24×24, 32 channels, kernel 3",
        (8, 32, 24, 24),
        lambda: nn.Conv2d(32, 32, 3, padding=1),
        lambda: nn.Conv2d(64, 64, 3, padding=1),
        lambda: complexnn.Conv2d(32, 32, 3, padding=1),
        affine,
        {
            "complextorch": CT("nn.Conv2d", 32, 32, 3, padding=1),
            "torchcvnn": torchcvnn_native(nn.Conv2d)(32, 32, 3, padding=1),
            "cplxmodule": CM("nn.CplxConv2d", 32, 32, 3, padding=1),
            "complexPyTorch": CP(LAYERS + "ComplexConv2d", 32, 32, 3, padding=1),
        },
        aim=3.2,
        aim_doubled=False,
        why="three real convolutions take 3.0; the rest is taking the parts apart and putting them together",
    ),
    Row(
        "Conv2d, wider",
        "16×128×16×16, 128 channels, kernel 3",
        (16, 128, 16, 16),
        lambda: nn.Conv2d(128, 128, 3, padding=1),
        lambda: nn.Conv2d(256, 256, 3, padding=1),
        lambda: complexnn.Conv2d(128, 128, 3, padding=1),
        affine,
        {
            "complextorch": CT("nn.Conv2d", 128, 128, 3, padding=1),
            "torchcvnn": torchcvnn_native(nn.Conv2d)(128, 128, 3, padding=1),
            "cplxmodule": CM("nn.CplxConv2d", 128, 128, 3, padding=1),
            "complexPyTorch": CP(LAYERS + "ComplexConv2d", 128, 128, 3, padding=1),
        },
        aim=3.2,
        aim_doubled=False,
        why="three real convolutions take 3.0; the rest is taking the parts apart and putting them together",
    ),
    Row(
        "ConvTranspose2d",
        "8×32×12×12, 32 channels, kernel 3, stride 2",
        (8, 32, 12, 12),
        lambda: nn.ConvTranspose2d(32, 32, 3, stride=2),
        lambda: nn.ConvTranspose2d(64, 64, 3, stride=2),
        lambda: complexnn.ConvTranspose2d(32, 32, 3, stride=2),
        affine,
        {
            "complextorch": CT("nn.ConvTranspose2d", 32, 32, 3, stride=2),
            "torchcvnn": TC("nn.ConvTranspose2d", 32, 32, 3, stride=2),
            "cplxmodule": CM("nn.CplxConvTranspose2d", 32, 32, 3, stride=2),
            "complexPyTorch": CP(LAYERS + "ComplexConvTranspose2d", 32, 32, 3, stride=2),
        },
    ),
    Row(
        "BatchNorm2d (whitening)",
        IMAGE_SIZE,
        IMAGE,
        lambda: nn.BatchNorm2d(32),
        lambda: nn.BatchNorm2d(64),
        lambda: complexnn.BatchNorm2d(32),
        moments((0, 2, 3), whitened=True),
        {
            "complextorch": CT("nn.BatchNorm2d", 32),
            "torchcvnn": TC("nn.BatchNorm2d", 32),
            "cplxmodule": CM("nn.CplxBatchNorm2d", 32),
            "complexPyTorch": CP(LAYERS + "ComplexBatchNorm2d", 32),
        },
        aim=2.5,
    ),
    Row(
        "BatchNorm2d (split)",
        IMAGE_SIZE,
        IMAGE,
        lambda: nn.BatchNorm2d(32),
        lambda: nn.BatchNorm2d(64),
        lambda: complexnn.SplitBatchNorm2d(32),
        moments((0, 2, 3)),
        {
            "complextorch": CT("nn.NaiveBatchNorm2d", 32),
            "cplxmodule": cm_split(nn.BatchNorm2d, 32),
            "complexPyTorch": CP(LAYERS + "NaiveComplexBatchNorm2d", 32),
        },
        why=PLANES,
    ),
    Row(
        "LayerNorm",
        TOKENS_SIZE,
        TOKENS,
        lambda: nn.LayerNorm(256),
        lambda: nn.LayerNorm(512),
        lambda: complexnn.LayerNorm(256),
        moments((-1,)),
        {"complextorch": CT("nn.LayerNorm", 256), "torchcvnn": TC("nn.LayerNorm", 256)},
        aim=4.0,
    ),
    Row(
        "GroupNorm",
        IMAGE_SIZE + ", 8 groups",
        IMAGE,
        lambda: nn.GroupNorm(8, 32),
        lambda: nn.GroupNorm(8, 64),
        lambda: complexnn.GroupNorm(8, 32),
        lambda module, z, y: moments((-1,))(module, z, y.reshape(16, 8, -1)),
        {"complextorch": CT("nn.GroupNorm", 8, 32)},
    ),
    Row(
        "RMSNorm",
        TOKENS_SIZE,
        TOKENS,
        lambda: nn.RMSNorm(256),
        lambda: nn.RMSNorm(512),
        lambda: complexnn.RMSNorm(256),
        moments((-1,), centred=False),
        {"complextorch": CT("nn.RMSNorm", 256), "torchcvnn": TC("nn.RMSNorm", 256)},
        aim=4.0,
    ),
    Row(
        "ModReLU",
        IMAGE_SIZE,
        IMAGE,
        nn.ReLU,
        nn.ReLU,
        lambda: complexnn.ModReLU(32, init=-0.1),
        equals(lambda z: modrelu(z, -0.1)),
        {
            "complextorch": CT("nn.AdaptiveModReLU", 32, init=-0.1),
            "torchcvnn": tc_modrelu,
            "cplxmodule": CM("nn.CplxModReLU", 0.1),
        },
        remarks={
            "torchcvnn": "one bias for all channels, which starts at 0 and was set to −0.1 here",
            "cplxmodule": "a constant threshold; CplxAdaptiveModReLU learns one",
        },
        aim=2.5,
        why=PASSES,
    ),
    Row(
        "CReLU",
        IMAGE_SIZE,
        IMAGE,
        nn.ReLU,
        nn.ReLU,
        complexnn.CReLU,
        equals(split(F.relu)),
        {
            "complextorch": CT("nn.CReLU", inplace=False),
            "torchcvnn": TC("nn.CReLU"),
            "cplxmodule": cm_split(nn.ReLU),
            "complexPyTorch": CP(LAYERS + "ComplexReLU"),
        },
        remarks={"complextorch": INPLACE},
        aim=2.5,
        why=PLANES,
    ),
    Row(
        "ZReLU",
        IMAGE_SIZE,
        IMAGE,
        nn.ReLU,
        nn.ReLU,
        lambda: complexnn.ZReLU(),
        equals(lambda z: torch.where((z.real >= 0) & (z.imag >= 0), z, 0)),
        {"complextorch": CT("nn.zReLU"), "torchcvnn": TC("nn.zReLU")},
        aim=2.5,
        why=PASSES,
    ),
    Row(
        "Cardioid",
        IMAGE_SIZE,
        IMAGE,
        nn.ReLU,
        nn.ReLU,
        lambda: complexnn.Cardioid(),
        equals(lambda z: 0.5 * (1 + z.real / z.abs()) * z),
        {"complextorch": CT("nn.CVCardiod"), "torchcvnn": TC("nn.Cardioid")},
        aim=2.5,
        why=PASSES,
    ),
    Row(
        "Split GELU",
        IMAGE_SIZE,
        IMAGE,
        nn.GELU,
        nn.GELU,
        lambda: complexnn.CGELU(),
        equals(split(F.gelu)),
        {"complextorch": CT("nn.CVSplitGELU"), "torchcvnn": TC("nn.CGELU"), "cplxmodule": cm_split(nn.GELU)},
        why=PLANES,
    ),
    Row(
        "MaxPool2d",
        IMAGE_SIZE + ", kernel 2",
        IMAGE,
        lambda: nn.MaxPool2d(2),
        lambda: nn.MaxPool2d(2),
        lambda: complexnn.MaxPool2d(2),
        equals(max_pool),
        {
            "complextorch": CT("nn.MagMaxPool2d", 2),
            "torchcvnn": TC("nn.MaxPool2d", 2),
            "cplxmodule": CM("nn.CplxMaxPool2d", 2),
            "complexPyTorch": CP(LAYERS + "ComplexMaxPool2d", 2),
        },
    ),
    Row(
        "AvgPool2d",
        IMAGE_SIZE + ", kernel 2",
        IMAGE,
        lambda: nn.AvgPool2d(2),
        lambda: nn.AvgPool2d(2),
        lambda: complexnn.AvgPool2d(2),
        equals(split(lambda part: F.avg_pool2d(part, 2))),
        {
            "complextorch": CT("nn.AvgPool2d", 2),
            "torchcvnn": TC("nn.AvgPool2d", 2),
            "cplxmodule": cm_split(nn.AvgPool2d, 2),
            "complexPyTorch": CP(LAYERS + "ComplexAvgPool2d", 2),
        },
        why=PLANES,
    ),
    Row(
        "Dropout",
        IMAGE_SIZE + ", p = 0.5",
        IMAGE,
        lambda: nn.Dropout(0.5),
        lambda: nn.Dropout(0.5),
        lambda: complexnn.Dropout(0.5),
        masked,
        {
            "complextorch": CT("nn.Dropout", 0.5),
            "torchcvnn": TC("nn.Dropout", 0.5),
            "cplxmodule": CM("nn.CplxDropout", 0.5),
            "complexPyTorch": CP(LAYERS + "ComplexDropout", 0.5),
        },
    ),
]

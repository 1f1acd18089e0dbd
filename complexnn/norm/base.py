"""What the norms share: the learned map, and running statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from complexnn.functional.checks import complex_dtype

Device = torch.device | str | None


@dataclass(frozen=True)
class Form:
    """What a norm keeps of a channel: the shapes of its weight and of its statistics, None for one complex number."""

    weight: tuple[int, ...]
    statistics: tuple[tuple[str, tuple[int, ...] | None], ...] = ()


WHITENING = Form((3,), (("running_mean", None), ("running_cov", (3,))))  # rr, ri, ii
SCALING = Form((), (("running_mean", None), ("running_var", ())))
SPLIT = Form((2,), (("running_mean", None), ("running_var", (2,))))  # r, i
MAGNITUDE = Form((), (("running_power", ()),))


def register_affine(
    module: nn.Module, shape: tuple[int, ...], form: Form, affine: bool, bias: bool, device: Device, dtype: torch.dtype
) -> None:
    """A real weight of ``shape`` and the form's, and a complex bias of ``shape``; or None for either."""
    weight = torch.empty(shape + form.weight, device=device, dtype=dtype.to_real()) if affine else None
    shift = torch.empty(shape, device=device, dtype=dtype) if affine and bias else None
    module.register_parameter("weight", None if weight is None else nn.Parameter(weight))
    module.register_parameter("bias", None if shift is None else nn.Parameter(shift))


def start(tensor: Tensor | None, shape: tuple[int, ...] | None, part: float) -> None:
    """Zero what is complex; fill what is real with unit power, or with ``part`` for each of the two parts."""
    if tensor is None:
        return
    with torch.no_grad():
        tensor.fill_(0.0 if shape is None else part if shape else 1.0)
        if shape == (3,):
            tensor[..., 1] = 0


def reset_affine(weight: Tensor | None, bias: Tensor | None, form: Form) -> None:
    """Start at the map that makes E|y|^2 one."""
    start(weight, form.weight, math.sqrt(0.5))
    start(bias, None, 0.0)


class RunningNorm(nn.modules.batchnorm._NormBase):
    """Running statistics and their momentum; repr, checks and loading of old state dicts are torch's."""

    def __init__(
        self,
        form: Form,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Device,
        dtype: torch.dtype | None,
        bias: bool,
    ) -> None:
        nn.Module.__init__(self)  # torch's would make one real weight and one variance a channel
        self.form = form
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        dtype = complex_dtype(dtype)
        register_affine(self, (num_features,), form, affine, bias, device, dtype)
        count = None
        for name, shape in form.statistics:
            kind = dtype if shape is None else dtype.to_real()
            buffer = torch.empty((num_features, *(shape or ())), device=device, dtype=kind)
            self.register_buffer(name, buffer if track_running_stats else None)
        if track_running_stats:
            count = torch.tensor(0, dtype=torch.long, device=device)
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        for name, shape in self.form.statistics:
            start(getattr(self, name), shape, 0.5)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        reset_affine(self.weight, self.bias, self.form)

    def statistics(self) -> tuple[Tensor | None, ...]:
        """The running statistics, or None for each where they are neither to be used nor moved."""
        unused = self.training and not self.track_running_stats
        return tuple(None if unused else getattr(self, name) for name, _ in self.form.statistics)

    def share(self) -> float | Tensor:
        """Of the next batch in the running statistics: the momentum, or what makes them an average of all batches."""
        if self.momentum is not None:
            return self.momentum
        if self.num_batches_tracked is None:
            return 0.0
        return 1 / (self.num_batches_tracked + 1).double()

    def count(self) -> None:
        """One more batch has moved the running statistics."""
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)

"""What the losses share."""

from __future__ import annotations

from torch import nn


class Reduced(nn.Module):
    """A loss that is reduced to one number, or not; ``shown`` names what its repr tells besides."""

    reduction: str
    shown: tuple[str, ...] = ()

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in ("none", "mean", "sum"):
            raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
        self.reduction = reduction

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in ("reduction", *self.shown))

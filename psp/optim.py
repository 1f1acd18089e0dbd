"""An optimiser whose steps turn with the inputs of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class RowRMSprop(Optimizer):
    """RMSprop with one second moment for each row of a weight, that is, for each unit, over all of its inputs.

    v <- alpha v + (1 - alpha) mean_j |g_j|^2,   w_j <- w_j - lr g_j / (sqrt(v) + eps),   j over the entries of a row.

    A step is a multiple of the gradient in every row. So it stays in the subspace that the gradient is in, and it is
    equivariant: weights W Q with inputs Q^-1 x, for any unitary Q, are trained as W with x. Of RMSprop, which scales
    every entry by itself, neither is true. A parameter of one dimension has rows of one entry, as in RMSprop.

    Args:
        params: as for torch's optimisers; real or complex.
        lr: learning rate, above 0.
        alpha: share of v that stays, from 0, below 1.
        eps: added to the root, from 0.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> weight = torch.nn.Parameter(torch.zeros(2, 3))
        >>> weight.grad = torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.1, 0.1]])
        >>> RowRMSprop([weight], lr=0.1, alpha=0.0, eps=0.0).step()
        >>> weight.detach().square().mean(1).sqrt()
        tensor([0.1000, 0.1000])
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 1e-4,
        alpha: float = 0.99,
        eps: float = 1e-8,
    ) -> None:
        if not lr > 0:
            raise ValueError(f"lr must be above 0, got {lr}")
        if not 0 <= alpha < 1:
            raise ValueError(f"alpha must be from 0, below 1, got {alpha}")
        if not eps >= 0:
            raise ValueError(f"eps must be from 0, got {eps}")
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step; ``closure``, where given, evaluates the loss anew."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alpha = group["alpha"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                rows = p.grad.flatten(1) if p.ndim > 1 else p.grad.reshape(-1, 1)
                square = torch.linalg.vector_norm(rows, dim=1).square() / rows.shape[1]
                if not state:
                    state["square_avg"] = torch.zeros_like(square)
                v = state["square_avg"].mul_(alpha).add_(square, alpha=1 - alpha)
                scale = v.sqrt().add_(group["eps"]).view(p.shape[:1] + (1,) * (p.ndim - 1))
                p.addcdiv_(p.grad, scale.to(p.dtype), value=-group["lr"])
        return loss

"""Embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from complexnn import functional as F
from complexnn.functional.checks import complex_dtype, require_complex


class Embedding(nn.Embedding):
    """A table of complex vectors, looked up by index (torch's own complex one has no gradient).

    Input of integers ``(*)``, output ``(*, embedding_dim)``, complex64 or complex128. The table starts with
    E|w|^2 = 1 and a row of zeros at ``padding_idx``.

    Args:
        num_embeddings: how many vectors.
        embedding_dim: their width.
        padding_idx: the index whose row gets no gradient.
        max_norm: rows of a larger norm are scaled to it, in place, when they are looked up.
        norm_type: p of the norm (sum |w|^p)^(1/p) that ``max_norm`` bounds.
        scale_grad_by_freq: whether to divide a row's gradient by how often it occurs in the batch.
        sparse: whether the gradient is a sparse tensor, which torch.optim.SGD takes.
        device: where the table lives.
        dtype: its complex dtype; by default the complex twin of torch's default dtype.

    Raises:
        TypeError: ``dtype`` or the table is not complex.
        ValueError: ``sparse`` and ``scale_grad_by_freq`` are both asked for.
        IndexError: an index lies outside the table.

    Example:
        >>> table = Embedding(10, 3, padding_idx=0)
        >>> table(torch.tensor([[1, 0], [4, 9]])).shape
        torch.Size([2, 2, 3])
        >>> Embedding.from_pretrained(torch.tensor([[1j, 2.0], [3.0, 4j]]))(torch.tensor(1))
        tensor([3.+0.j, 0.+4.j])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if _weight is not None:
            require_complex(_weight, "Embedding")
        if sparse and scale_grad_by_freq:
            raise ValueError("scale_grad_by_freq needs a dense gradient, got sparse=True")
        super().__init__(
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight,
            _freeze,
            device,
            complex_dtype(dtype),
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

"""Complex contexts that come round again: for tasks on a circle, such as angles."""

from __future__ import annotations

import dataclasses

from psp import keys
from psp.contexts.complex import Complex


@dataclasses.dataclass(frozen=True)
class Periodic(Complex):
    """The base of families whose contexts k and k + ``period`` are the same, to the bit.

    Args:
        seed: a whole number from 0, below 2**63.
        period: how many contexts there are, from 1 to 2**32.

    Raises:
        TypeError, ValueError: a period that is not whole, or out of range.
    """

    period: int = dataclasses.field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= keys.whole(self.period, "period") <= 2**32:
            raise ValueError(f"period must be from 1 to 2**32, got {self.period}")

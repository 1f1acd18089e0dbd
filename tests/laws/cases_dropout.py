"""Dropout and phase noise."""

from __future__ import annotations

import complexnn
from tests.laws.case import Case
from tests.laws.cases_pooling import SHAPES, plain

CASES: list[Case] = [
    Case("Dropout", plain(complexnn.Dropout, 0.3), (4, 5), phase=True, conjugation=True, random=True),
    Case("Dropout1d", plain(complexnn.Dropout1d, 0.3), SHAPES[1], phase=True, conjugation=True, random=True),
    Case("Dropout2d", plain(complexnn.Dropout2d, 0.3), SHAPES[2], phase=True, conjugation=True, random=True),
    Case("Dropout3d", plain(complexnn.Dropout3d, 0.3), SHAPES[3], phase=True, conjugation=True, random=True),
    # The conjugate of e^{jt} z is e^{-jt} conj z: the same noise the other way round.
    Case("PhaseNoise", plain(complexnn.PhaseNoise, 0.3), (4, 5), phase=True, random=True),
]

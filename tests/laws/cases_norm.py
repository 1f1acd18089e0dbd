"""The norms under the common laws."""

from __future__ import annotations

from functools import partial

import complexnn
from tests.laws.case import Case

# Batch statistics tie the samples together.
batch = partial(Case, independent=False)

CASES: list[Case] = [
    batch("BatchNorm1d", partial(complexnn.BatchNorm1d, 3), (6, 3)),
    batch("BatchNorm1d sequences", partial(complexnn.BatchNorm1d, 3), (4, 3, 5)),
    batch("BatchNorm2d", partial(complexnn.BatchNorm2d, 3), (4, 3, 2, 3)),
    batch("BatchNorm2d one channel", partial(complexnn.BatchNorm2d, 1), (4, 1, 2, 3)),
    batch("BatchNorm2d no bias", partial(complexnn.BatchNorm2d, 3, bias=False), (4, 3, 2, 3)),
    batch("BatchNorm2d whitening alone", partial(complexnn.BatchNorm2d, 3, affine=False), (4, 3, 2, 3), True, True),
    batch("BatchNorm2d average", partial(complexnn.BatchNorm2d, 3, momentum=None), (4, 3, 2, 3)),
    batch("BatchNorm2d batch statistics", partial(complexnn.BatchNorm2d, 3, track_running_stats=False), (4, 3, 2, 3)),
    batch("BatchNorm3d", partial(complexnn.BatchNorm3d, 2), (3, 2, 2, 2, 3)),
    batch("SyncBatchNorm", partial(complexnn.SyncBatchNorm, 3), (4, 3, 5)),
    batch("SyncBatchNorm whitening alone", partial(complexnn.SyncBatchNorm, 3, affine=False), (4, 3, 5), True, True),
    batch("SplitBatchNorm1d", partial(complexnn.SplitBatchNorm1d, 3), (6, 3)),
    batch("SplitBatchNorm2d", partial(complexnn.SplitBatchNorm2d, 3), (4, 3, 2, 3)),
    batch(
        "SplitBatchNorm2d parts alone", partial(complexnn.SplitBatchNorm2d, 3, affine=False), (4, 3, 2, 3), False, True
    ),
    batch("SplitBatchNorm3d", partial(complexnn.SplitBatchNorm3d, 2), (3, 2, 2, 2, 3)),
    batch("MagnitudeBatchNorm1d", partial(complexnn.MagnitudeBatchNorm1d, 3), (6, 3), True, True),
    batch("MagnitudeBatchNorm2d", partial(complexnn.MagnitudeBatchNorm2d, 3), (4, 3, 2, 3), True, True),
    batch("MagnitudeBatchNorm3d", partial(complexnn.MagnitudeBatchNorm3d, 2), (3, 2, 2, 2, 3), True, True),
    Case("LayerNorm", partial(complexnn.LayerNorm, 5), (4, 3, 5)),
    Case("LayerNorm two dimensions", partial(complexnn.LayerNorm, (3, 5)), (4, 3, 5)),
    Case("LayerNorm no bias", partial(complexnn.LayerNorm, 5, bias=False), (4, 3, 5), True, True),
    Case("LayerNorm whitening", partial(complexnn.LayerNorm, (3, 5), whiten=True), (4, 3, 5)),
    Case(
        "LayerNorm whitening alone",
        partial(complexnn.LayerNorm, 5, elementwise_affine=False, whiten=True),
        (4, 3, 5),
        True,
        True,
    ),
    Case("GroupNorm", partial(complexnn.GroupNorm, 2, 4), (3, 4, 2, 3)),
    Case("GroupNorm no bias", partial(complexnn.GroupNorm, 2, 4, bias=False), (3, 4, 2, 3), True, True),
    Case("GroupNorm whitening", partial(complexnn.GroupNorm, 2, 4, whiten=True), (3, 4, 5)),
    Case("InstanceNorm1d", partial(complexnn.InstanceNorm1d, 3), (4, 3, 5), True, True),
    Case("InstanceNorm2d", partial(complexnn.InstanceNorm2d, 3, affine=True), (4, 3, 2, 3)),
    Case("InstanceNorm2d whitening", partial(complexnn.InstanceNorm2d, 3, affine=True, whiten=True), (4, 3, 2, 3)),
    Case(
        "InstanceNorm2d running",
        partial(complexnn.InstanceNorm2d, 3, affine=True, track_running_stats=True),
        (4, 3, 2, 3),
    ),
    Case("InstanceNorm3d", partial(complexnn.InstanceNorm3d, 2, whiten=True), (3, 2, 2, 2, 3), True, True),
    Case("RMSNorm", partial(complexnn.RMSNorm, 5), (4, 3, 5), True, True),
    Case("RMSNorm two dimensions", partial(complexnn.RMSNorm, (3, 5)), (4, 3, 5), True, True),
]

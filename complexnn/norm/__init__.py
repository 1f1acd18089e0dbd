"""Normalisation."""

from complexnn.norm.batch import BatchNorm1d as BatchNorm1d
from complexnn.norm.batch import BatchNorm2d as BatchNorm2d
from complexnn.norm.batch import BatchNorm3d as BatchNorm3d
from complexnn.norm.batch import SyncBatchNorm as SyncBatchNorm
from complexnn.norm.instance import InstanceNorm1d as InstanceNorm1d
from complexnn.norm.instance import InstanceNorm2d as InstanceNorm2d
from complexnn.norm.instance import InstanceNorm3d as InstanceNorm3d
from complexnn.norm.layer import GroupNorm as GroupNorm
from complexnn.norm.layer import LayerNorm as LayerNorm
from complexnn.norm.layer import RMSNorm as RMSNorm
from complexnn.norm.magnitude import MagnitudeBatchNorm1d as MagnitudeBatchNorm1d
from complexnn.norm.magnitude import MagnitudeBatchNorm2d as MagnitudeBatchNorm2d
from complexnn.norm.magnitude import MagnitudeBatchNorm3d as MagnitudeBatchNorm3d
from complexnn.norm.split import SplitBatchNorm1d as SplitBatchNorm1d
from complexnn.norm.split import SplitBatchNorm2d as SplitBatchNorm2d
from complexnn.norm.split import SplitBatchNorm3d as SplitBatchNorm3d

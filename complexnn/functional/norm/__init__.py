"""Normalisations of complex tensors."""

from complexnn.functional.norm.batch import batch_norm as batch_norm
from complexnn.functional.norm.batch import magnitude_batch_norm as magnitude_batch_norm
from complexnn.functional.norm.batch import split_batch_norm as split_batch_norm
from complexnn.functional.norm.sample import group_norm as group_norm
from complexnn.functional.norm.sample import instance_norm as instance_norm
from complexnn.functional.norm.sample import layer_norm as layer_norm
from complexnn.functional.norm.sample import rms_norm as rms_norm

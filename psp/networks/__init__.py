"""The networks of the experiments."""

from psp.networks.mlp import MLP as MLP
from psp.networks.resnet import TaskNorm as TaskNorm
from psp.networks.resnet import resnet18 as resnet18
from psp.networks.resnet import tell_norms as tell_norms

"""complexnn: torch.nn for complex tensors."""

from complexnn import functional as functional
from complexnn import init as init
from complexnn.activation import CReLU as CReLU
from complexnn.activation import ModReLU as ModReLU
from complexnn.conv import Conv1d as Conv1d
from complexnn.conv import Conv2d as Conv2d
from complexnn.conv import Conv3d as Conv3d
from complexnn.linear import Linear as Linear

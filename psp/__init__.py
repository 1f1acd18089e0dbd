"""psp: many models in one set of weights."""

from psp.contexts import Binary as Binary
from psp.contexts import BlockRotation as BlockRotation
from psp.contexts import Complex as Complex
from psp.contexts import Hadamard as Hadamard
from psp.contexts import Identity as Identity
from psp.contexts import Kernel as Kernel
from psp.contexts import LocalMix as LocalMix
from psp.contexts import OnePower as OnePower
from psp.contexts import Rotation as Rotation
from psp.contexts import SignedPermutation as SignedPermutation
from psp.optim import RowRMSprop as RowRMSprop
from psp.protect import Protection as Protection
from psp.protect import protect as protect
from psp.superpose import Superposed as Superposed
from psp.superpose import superpose as superpose

"""Families of contexts, one to a file."""

from psp.contexts.base import Context as Context
from psp.contexts.base import Family as Family
from psp.contexts.binary import Binary as Binary
from psp.contexts.complex import Complex as Complex
from psp.contexts.hadamard import Hadamard as Hadamard
from psp.contexts.identity import Identity as Identity
from psp.contexts.kernel import Kernel as Kernel
from psp.contexts.local_mix import LocalMix as LocalMix
from psp.contexts.onepower import OnePower as OnePower
from psp.contexts.periodic import Periodic as Periodic
from psp.contexts.rotation import BlockRotation as BlockRotation
from psp.contexts.rotation import Rotation as Rotation
from psp.contexts.signed_permutation import SignedPermutation as SignedPermutation

"""What superposition is compared with."""

from psp.methods.base import Joint as Joint
from psp.methods.base import Method as Method
from psp.methods.base import TaskNetwork as TaskNetwork

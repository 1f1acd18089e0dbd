"""What superposition is compared with."""

from psp.methods.base import Joint as Joint
from psp.methods.base import Method as Method
from psp.methods.base import TaskNetwork as TaskNetwork
from psp.methods.ensemble import Ensemble as Ensemble
from psp.methods.ewc import EWC as EWC
from psp.methods.ewc import OnlineEWC as OnlineEWC
from psp.methods.fisher import fisher as fisher
from psp.methods.gated import Gated as Gated
from psp.methods.multihead import MultiHead as MultiHead
from psp.methods.protected import Protected as Protected
from psp.methods.replay import Replay as Replay
from psp.methods.separate import Separate as Separate
from psp.methods.si import SI as SI
from psp.methods.supermasks import Supermasks as Supermasks

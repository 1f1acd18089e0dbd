"""Initialisers of complex weights, and the gains of activations.

The variance of a complex weight is E|w|^2, the sum of the variances of its two parts. A layer that keeps the second
moment of its signal needs E|w|^2 = gain^2 / fan. torch's own ``uniform_`` initialisers draw both parts in the bounds
meant for one real number, which doubles the variance; the ones here do not. Each fills its tensor in place, outside
autograd, and returns it; ``generator`` is the torch generator that it draws from.
"""

from complexnn.init.gain import calculate_gain as calculate_gain
from complexnn.init.lsuv import lsuv_ as lsuv_
from complexnn.init.samplers import normal_ as normal_
from complexnn.init.samplers import truncated_rayleigh_ as truncated_rayleigh_
from complexnn.init.samplers import uniform_ as uniform_
from complexnn.init.samplers import uniform_disk_ as uniform_disk_
from complexnn.init.scaled import default_ as default_
from complexnn.init.scaled import kaiming_normal_ as kaiming_normal_
from complexnn.init.scaled import kaiming_uniform_ as kaiming_uniform_
from complexnn.init.scaled import rayleigh_ as rayleigh_
from complexnn.init.scaled import variance_scaling_ as variance_scaling_
from complexnn.init.scaled import xavier_normal_ as xavier_normal_
from complexnn.init.scaled import xavier_uniform_ as xavier_uniform_
from complexnn.init.unitary import dirac_ as dirac_
from complexnn.init.unitary import independent_filters_ as independent_filters_
from complexnn.init.unitary import unitary_ as unitary_

"""Laws that anyone can check on their own modules, and Hypothesis strategies to feed them.

Every tool here raises when the law is broken, and says by how much. The strategies need Hypothesis, which is
imported only when one of them is asked for.
"""

from complexnn.testing.contract import assert_module_contract as assert_module_contract
from complexnn.testing.equivariance import assert_equivariant as assert_equivariant
from complexnn.testing.gradients import gradcheck_module as gradcheck_module
from complexnn.testing.gradients import holomorphy_residual as holomorphy_residual
from complexnn.testing.independence import assert_independent as assert_independent
from complexnn.testing.inputs import example_input as example_input
from complexnn.testing.strategies import complex_tensors as complex_tensors
from complexnn.testing.strategies import unit_phasors as unit_phasors
from complexnn.testing.strategies import unitary_matrices as unitary_matrices

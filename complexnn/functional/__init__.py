"""The mathematics of every layer, stateless."""

from complexnn.functional.activation import crelu as crelu
from complexnn.functional.activation import modrelu as modrelu

"""Losses."""

from complexnn.loss.error import CauchyLoss as CauchyLoss
from complexnn.loss.error import HuberLoss as HuberLoss
from complexnn.loss.error import L1Loss as L1Loss
from complexnn.loss.error import LogCoshLoss as LogCoshLoss
from complexnn.loss.error import MSELoss as MSELoss
from complexnn.loss.likelihood import CrossEntropyLoss as CrossEntropyLoss
from complexnn.loss.likelihood import GaussianNLLLoss as GaussianNLLLoss
from complexnn.loss.signal import PhaseLoss as PhaseLoss
from complexnn.loss.signal import SISNRLoss as SISNRLoss

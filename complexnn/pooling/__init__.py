"""Pooling."""

from complexnn.pooling.average import AdaptiveAvgPool1d as AdaptiveAvgPool1d
from complexnn.pooling.average import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from complexnn.pooling.average import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from complexnn.pooling.average import AvgPool1d as AvgPool1d
from complexnn.pooling.average import AvgPool2d as AvgPool2d
from complexnn.pooling.average import AvgPool3d as AvgPool3d
from complexnn.pooling.lp import LPPool1d as LPPool1d
from complexnn.pooling.lp import LPPool2d as LPPool2d
from complexnn.pooling.lp import LPPool3d as LPPool3d
from complexnn.pooling.max import AdaptiveMaxPool1d as AdaptiveMaxPool1d
from complexnn.pooling.max import AdaptiveMaxPool2d as AdaptiveMaxPool2d
from complexnn.pooling.max import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from complexnn.pooling.max import MaxPool1d as MaxPool1d
from complexnn.pooling.max import MaxPool2d as MaxPool2d
from complexnn.pooling.max import MaxPool3d as MaxPool3d
from complexnn.pooling.max import MaxUnpool1d as MaxUnpool1d
from complexnn.pooling.max import MaxUnpool2d as MaxUnpool2d
from complexnn.pooling.max import MaxUnpool3d as MaxUnpool3d
from complexnn.pooling.spectral import SpectralPool1d as SpectralPool1d
from complexnn.pooling.spectral import SpectralPool2d as SpectralPool2d
from complexnn.pooling.spectral import SpectralPool3d as SpectralPool3d

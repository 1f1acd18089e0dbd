"""Pooling of complex planes."""

from complexnn.functional.pooling.average import adaptive_avg_pool1d as adaptive_avg_pool1d
from complexnn.functional.pooling.average import adaptive_avg_pool2d as adaptive_avg_pool2d
from complexnn.functional.pooling.average import adaptive_avg_pool3d as adaptive_avg_pool3d
from complexnn.functional.pooling.average import avg_pool1d as avg_pool1d
from complexnn.functional.pooling.average import avg_pool2d as avg_pool2d
from complexnn.functional.pooling.average import avg_pool3d as avg_pool3d
from complexnn.functional.pooling.lp import lp_pool1d as lp_pool1d
from complexnn.functional.pooling.lp import lp_pool2d as lp_pool2d
from complexnn.functional.pooling.lp import lp_pool3d as lp_pool3d
from complexnn.functional.pooling.max import adaptive_max_pool1d as adaptive_max_pool1d
from complexnn.functional.pooling.max import adaptive_max_pool2d as adaptive_max_pool2d
from complexnn.functional.pooling.max import adaptive_max_pool3d as adaptive_max_pool3d
from complexnn.functional.pooling.max import max_pool1d as max_pool1d
from complexnn.functional.pooling.max import max_pool2d as max_pool2d
from complexnn.functional.pooling.max import max_pool3d as max_pool3d
from complexnn.functional.pooling.max import max_unpool1d as max_unpool1d
from complexnn.functional.pooling.max import max_unpool2d as max_unpool2d
from complexnn.functional.pooling.max import max_unpool3d as max_unpool3d
from complexnn.functional.pooling.spectral import spectral_pool1d as spectral_pool1d
from complexnn.functional.pooling.spectral import spectral_pool2d as spectral_pool2d
from complexnn.functional.pooling.spectral import spectral_pool3d as spectral_pool3d

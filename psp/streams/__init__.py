"""Tasks that arrive one after another."""

from psp.streams.base import Stream as Stream
from psp.streams.datasets import Images as Images
from psp.streams.datasets import load as load
from psp.streams.incremental import IncrementalClasses as IncrementalClasses
from psp.streams.labels import PermutedLabels as PermutedLabels
from psp.streams.named import stream as stream
from psp.streams.permuted import PermutedPixels as PermutedPixels
from psp.streams.rotating import RotatingImages as RotatingImages

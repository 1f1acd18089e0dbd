"""Import this before torchvision is first imported.

torchvision's Linux wheels are CUDA builds. Beside a CPU-only torch their extension cannot load, and two unguarded
registrations then make ``import torchvision`` fail. Where that is so, and only there, the module that holds them is
replaced by an empty one; everything that psp uses works without the extension. This goes when torchvision guards the
two calls itself (pytorch/vision pull request 9649).
"""

import importlib.util
import sys
import types
from pathlib import Path

import torch

_MODULE = "torchvision._meta_registrations"


def _mend() -> None:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None or "torchvision" in sys.modules:
        return
    for extension in Path(spec.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(str(extension))
        except OSError:
            sys.modules.setdefault(_MODULE, types.ModuleType(_MODULE))


_mend()

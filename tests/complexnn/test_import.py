"""What `import complexnn` costs, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_import_takes_under_300_ms_beyond_torch():
    # Processor time, so that whatever else the machine does is not counted.
    code = "import time, torch; start = time.process_time(); import complexnn; print(time.process_time() - start)"
    assert min(float(run(code)) for _ in range(3)) < 0.3


def test_import_leaves_heavy_and_optional_packages_alone():
    code = "import sys, torch; before = set(sys.modules); import complexnn; print(*(set(sys.modules) - before))"
    packages = {name.partition(".")[0] for name in run(code).split()}
    assert "complexnn" in packages
    assert not packages & {"torchvision", "hypothesis", "psp", "scipy", "sklearn", "matplotlib", "pytest", "tests"}

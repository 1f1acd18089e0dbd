"""What `import complexnn` costs, and what it leaves alone."""

from __future__ import annotations

import re
import subprocess
import sys


def test_import_takes_under_300_ms_beyond_torch():
    def microseconds() -> int:
        code = "import torch, complexnn"
        log = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True
        )
        return int(re.search(r"\|\s*(\d+) \| complexnn$", log.stderr, re.MULTILINE)[1])

    assert min(microseconds() for _ in range(3)) < 300_000


def test_import_leaves_heavy_and_optional_packages_alone():
    code = "import sys, torch; before = set(sys.modules); import complexnn; print(*(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in run.stdout.split()}
    assert "complexnn" in packages
    assert not packages & {"torchvision", "hypothesis", "psp", "scipy", "sklearn", "matplotlib", "pytest", "tests"}

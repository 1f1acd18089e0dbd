"""Imports run one way, and what needs no torchvision does not import it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("complexnn/**/*.py"), *ROOT.glob("psp/**/*.py")])


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module(path) for path in FILES}


def imported(path: Path) -> set[str]:
    """The modules of ours that a file imports when it is imported itself."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {
                f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in NAMES else node.module
                for alias in node.names
            }
    return {name for name in found if name.split(".")[0] in ("complexnn", "psp", "tests", "examples")}


def test_complexnn_knows_nothing_of_psp_and_neither_of_the_tests() -> None:
    for path in FILES:
        for name in imported(path):
            assert name.split(".")[0] not in ("tests", "examples"), f"{path} imports {name}"
            if path.is_relative_to(ROOT / "complexnn"):
                assert name.split(".")[0] == "complexnn", f"{path} imports {name}"


def test_no_file_imports_one_that_imports_it() -> None:
    graph = {module(path): imported(path) & NAMES for path in FILES}

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += graph[name]
        return seen

    assert [name for name in graph if name in reach(name)] == []


@pytest.mark.parametrize("name", ["complexnn", "psp", "psp.superpose", "psp.contexts", "psp.train"])
def test_libraries_import_without_torchvision(name: str) -> None:
    code = f"import sys; sys.modules['torchvision'] = None; import {name}; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_torchvision_imports_beside_this_torch() -> None:
    code = "import psp._torchvision, torchvision; torchvision.models.resnet18()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT)

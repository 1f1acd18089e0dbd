"""docs/layers.md lists every public item, and what it says of symmetries is what the laws find."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import complexnn
from tests.laws.case import Case

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs" / "layers.md").read_text().splitlines()
ROWS = [re.split(r"(?<!\\)\|", line)[1:-1] for line in LINES if line.startswith("| `")]
CASES: list[Case] = [
    case
    for path in sorted((ROOT / "tests" / "laws").glob("cases_*.py"))
    for case in importlib.import_module(f"tests.laws.{path.stem}").CASES
]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def public(module: object) -> set[str]:
    return {name for name, value in vars(module).items() if callable(value) and not name.startswith("_")}


@pytest.mark.parametrize("module", [complexnn, complexnn.functional, complexnn.init, complexnn.testing])
def test_every_public_name_stands_in_a_table(module):
    listed = {name for row in ROWS for name in (*names(row[0]), *names(row[-1]))}
    assert not public(module) - listed


def test_the_tables_list_nothing_else():
    modules = (complexnn, complexnn.functional, complexnn.init, complexnn.testing)
    there = set().union(*map(public, modules))
    listed = {name for row in ROWS for name in names(row[0])}
    assert not listed - there
    assert all(len(row) == 7 for row in ROWS if len(row) > 4)


@pytest.mark.parametrize(("column", "group"), [(3, "phase"), (4, "conjugation")])
def test_the_symmetries_are_those_that_the_laws_find(column, group):
    declared: dict[str, set[bool]] = {}
    for case in CASES:
        if group not in case.skip:
            declared.setdefault(type(case.make()).__name__, set()).add(getattr(case, group))
    for row in ROWS:
        found = set().union(*(declared.get(name, set()) for name in names(row[0])))
        if len(row) == 7 and found:
            cell = row[column].strip()
            assert cell == {frozenset({True}): "yes", frozenset({False}): "no"}.get(frozenset(found), cell), row
            assert len(found) == 1 or cell not in ("yes", "no"), row

"""docs/security.md says which test shows each promise: those tests exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security.md"


def rows() -> list[tuple[str, ...]]:
    """The cells of every row of the page's tables: promise, how it is kept, tests."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [row for row in cells if row[0] != "promise"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_promise_names_tests_that_exist(row: tuple[str, ...]) -> None:
    promise, how, shown = row
    assert promise
    assert how
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", shown)
    assert named
    assert re.sub(r"`[^`]+`", "", shown).strip(" ,") == ""
    for file, name in named:
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file} lacks {name}"

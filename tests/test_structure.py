"""Laws of the source itself: a newcomer finds rooms without circles, short modules and names with one meaning."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import structure

ROOT = Path(__file__).resolve().parent.parent
TREES = structure.modules(ROOT)
GRAPH = structure.imports(TREES)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even for types."""
    assert structure.circle(GRAPH) == []
    assert structure.circle(structure.rooms(GRAPH)) == []


def test_a_room_is_found_at_once() -> None:
    rooms = structure.rooms(GRAPH).keys() - {"bench"}
    assert len(rooms) <= 12, rooms
    assert len(structure.longest_chain(structure.rooms(GRAPH))) <= 8


def test_no_chain_of_imports_is_long() -> None:
    chain = structure.longest_chain(GRAPH)
    assert len(chain) <= 12, chain


def test_modules_and_functions_are_short() -> None:
    assert [path for path, lines in structure.module_lines(ROOT).items() if lines > 250] == []
    functions = structure.functions(TREES)
    assert [name for name, one in functions.items() if structure.function_lines(one) > 40] == []
    assert [name for name, one in functions.items() if structure.parameters(one) > 5] == []


def test_a_class_name_has_one_meaning() -> None:
    assert structure.repeated_classes(TREES) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [("import bench.b", {"bench.b"}), ("from bench import b", {"bench.b"}), ("from bench.b import f", {"bench.b"})],
)
def test_every_import_is_seen(code: str, found: set[str]) -> None:
    trees = {"bench": ast.parse(""), "bench.a": ast.parse(f"def f():\n    {code}"), "bench.b": ast.parse("")}
    assert structure.imports(trees)["bench.a"] == found
    assert structure.circle({"a": {"b"}, "b": {"a"}}) != []

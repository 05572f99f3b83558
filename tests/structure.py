"""The shape of the source: rooms, floors, the longest chain of imports, circles, and lengths.

    python tests/structure.py [ROOT]

Every import counts, wherever it stands: within a function, and for types alone.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median, quantiles

PACKAGES = ("bench", "baselines", "tasks")

Graph = Mapping[str, set[str]]
"""Each module, or room, with those that it imports."""


def modules(root: Path) -> dict[str, ast.Module]:
    """Every module of the three packages by its dotted name, parsed."""
    files = [path.relative_to(root) for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): ast.parse((root / path).read_text())
        for path in files
    }


def imports(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """The graph of imports between these modules."""
    return {
        name: {found for node in ast.walk(tree) for found in _imported(node, trees)} - {name}
        for name, tree in trees.items()
    }


def _imported(node: ast.AST, known: Mapping[str, ast.Module]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom) and node.module in known:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in known else node.module


def rooms(graph: Graph) -> dict[str, set[str]]:
    """The graph between rooms: the folders and modules of bench, `baselines` and `tasks`."""
    between: dict[str, set[str]] = defaultdict(set)
    for name, others in graph.items():
        between[_room(name)] |= {_room(other) for other in others} - {_room(name)}
    return dict(between)


def _room(module: str) -> str:
    top, *rest = module.split(".")
    return f"bench.{rest[0]}" if top == "bench" and rest else top


def circle(graph: Graph) -> list[str]:
    """Modules that import each other in a circle; empty where none do."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def longest_chain(graph: Graph) -> list[str]:
    """The longest way along imports, in a graph without circles."""

    @cache
    def below(name: str) -> tuple[str, ...]:
        return (name, *max((below(other) for other in sorted(graph[name])), key=len, default=()))

    return list(max(map(below, sorted(graph)), key=len))


def module_lines(root: Path) -> dict[str, int]:
    """The lines of each module, by path."""
    files = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    return {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in files}


def functions(trees: Mapping[str, ast.Module]) -> dict[str, ast.FunctionDef]:
    """Every function by `module:name:line`."""
    return {
        f"{name}:{node.name}:{node.lineno}": node
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def function_lines(function: ast.FunctionDef) -> int:
    """Lines of a function, its docstring included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def parameters(function: ast.FunctionDef) -> int:
    """Parameters of a function without `self`; the fields of a dataclass are none."""
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def repeated_classes(trees: Mapping[str, ast.Module]) -> list[str]:
    """Names of more than one class at the head of a module."""
    names = Counter(node.name for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef))
    return sorted(name for name, count in names.items() if count > 1)


def main(root: Path) -> None:
    """Print the figures."""
    trees, length = modules(root), module_lines(root)
    graph = imports(trees)
    sizes = sorted(map(function_lines, functions(trees).values()))
    print(f"{sum(length.values()):,} lines in {len(length)} modules, the longest {max(length.values())}")
    print(
        f"{len(sizes):,} functions: median {median(sizes):g} lines, p90 {quantiles(sizes, n=10)[-1]:g}, max {sizes[-1]}"
    )
    for what, between in (("rooms", rooms(graph)), ("modules", graph)):
        if found := circle(between):
            print(f"{len(between)} {what}, with a circle: {' > '.join(found)}")
        else:
            chain = longest_chain(between)
            print(f"{len(between)} {what}, the longest chain of imports {len(chain)}: {' > '.join(chain)}")
    print(f"names of several classes: {', '.join(repeated_classes(trees)) or 'none'}")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]))

"""The digest of the code that a result depends on: the modules of tasks and baselines that it reaches by imports.

Comments, docstrings and layout do not count, nor does a module that is not reached, so that a new task or a better
docstring repeats no run.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

_PACKAGES = ("baselines", "tasks")


@cache
def digest(modules: tuple[str, ...]) -> str:
    """The sha256 of what these modules and all that they import of ours say."""
    total = hashlib.sha256()
    for name in sorted(_reached(modules)):
        total.update(_read(name)[0])
    return total.hexdigest()


def _reached(modules: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _read(name)[1]
    return reached


@cache
def _read(name: str) -> tuple[bytes, tuple[str, ...]]:
    """What a module adds to a digest, and the modules of ours that it imports; once, for very many sets of tasks."""
    tree = _tree(name)
    return name.encode() + b"\0" + ast.unparse(tree).encode() + b"\0", tuple(_imports(tree))


def _imports(tree: ast.Module) -> Iterator[str]:
    """The modules of ours that a module names in imports anywhere, functions included."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if _own_file(name))


def _own_file(name: str) -> Path | None:
    """The file of a module of tasks or baselines; None for another module and for what is defined in one."""
    package, *rest = name.split(".")
    if package not in _PACKAGES:
        return None
    base = Path(importlib.import_module(package).__path__[0], *rest)
    candidates = (base.with_suffix(".py"), base / "__init__.py") if rest else (base / "__init__.py",)
    return next((path for path in candidates if path.is_file()), None)


def _tree(name: str) -> ast.Module:
    """A module without its docstrings."""
    path = _own_file(name) or Path(str(importlib.import_module(name).__file__))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            # A string that stands alone does nothing; a body must not become empty.
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
    return tree


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)

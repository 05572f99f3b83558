"""Every task and every baseline: found by looking in their folders, and by the entry points of plugins."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from itertools import combinations
from types import MappingProxyType
from typing import Any

from baselines.core.baseline import Baseline
from tasks.core.errors import InputError
from tasks.core.kinds import Task
from tasks.core.metrics.formulas import check_formula
from tasks.core.names import is_name

TYPES: Mapping[str, type[Any]] = MappingProxyType({"task": Task, "baseline": Baseline})
"""Their words in names: tasks are called TASK in modules of `tasks`, or are in the group `mt_clinical_bench.tasks`."""

MT_CLINICAL_BERT = (
    "i2b2_2010", "i2b2_2012", "i2b2_2014", "mednli", "medrqe_2016", "n2c2_2018", "n2c2_2019", "quaero_2014",
)  # fmt: skip
"""The tasks of the paper: what `--all` means, and what is measured where no task is named."""

_OF_NUMPY = ("ids", "file", "allow_pickle")
"""What an archive of evidence holds besides metrics, and the arguments of the function that writes it."""


def of_paper() -> list[Task[Any, Any]]:
    """The tasks of the paper."""
    return [task for name, task in tasks().items() if name in MT_CLINICAL_BERT]


def tasks() -> dict[str, Task[Any, Any]]:
    """Every task by name."""
    return {name: value for name, (value, _) in entries("task").items()}


def baselines() -> dict[str, Baseline]:
    """Every baseline by name."""
    return {name: value for name, (value, _) in entries("baseline").items()}


def task(name: str) -> Task[Any, Any]:
    """The task of that name; InputError lists the known ones."""
    return _entry("task", name)[0]  # type: ignore[no-any-return]


def baseline(name: str) -> Baseline:
    """The baseline of that name; InputError lists the known ones."""
    return _entry("baseline", name)[0]  # type: ignore[no-any-return]


def module(kind: str, name: str) -> str:
    """The module in which a task or a baseline is defined."""
    return _entry(kind, name)[1]


def _entry(kind: str, name: str) -> tuple[Any, str]:
    known = entries(kind)
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}: the known ones are {', '.join(known)}")
    return known[name]


@cache
def entries(kind: str) -> dict[str, tuple[Any, str]]:
    """Name -> value and module of all tasks or baselines: ours first, then plugins'."""
    found: dict[str, tuple[Any, str]] = {}
    for point in (*_ours(kind), *sorted(metadata.entry_points(group=f"mt_clinical_bench.{kind}s"))):
        # Some file systems do not tell letters by their case.
        if same := next((name for name in found if name.lower() == point.name.lower()), None):
            both = f"{found[same][1]} and {point.module}"
            raise InputError(f"two {kind}s are called {point.name!r}, in {both}: uninstall one of them")
        found[point.name] = _load(kind, point), point.module
    if kind == "baseline":
        _require_starts({name: value for name, (value, _) in found.items()})
    return found


def _require_starts(baselines: Mapping[str, Baseline]) -> None:
    """InputError for a baseline that starts from none with an encoder, or from itself in the end."""
    for name, one in baselines.items():
        passed = [name]
        while one.start is not None:
            start = baselines.get(one.start)
            if start is None or not start.needs_encoder or start.name in passed:
                raise InputError(f"the baseline {name!r} cannot be used (it starts from {one.start!r}): mend it")
            one = start
            passed.append(one.name)


def _ours(kind: str) -> Iterator[metadata.EntryPoint]:
    for module in pkgutil.iter_modules(importlib.import_module(f"{kind}s").__path__):
        if not module.ispkg:
            yield metadata.EntryPoint(
                module.name, f"{kind}s.{module.name}:{kind.upper()}", f"mt_clinical_bench.{kind}s"
            )


def _load(kind: str, point: metadata.EntryPoint) -> Any:
    try:
        value = point.load()
    except Exception as error:  # A plugin may fail in any way it likes.
        reason = f"{type(error).__name__}: {error}"
        what = f"the {kind} {point.name!r} cannot be loaded from {point.module}"
        raise InputError(f"{what} ({reason}): mend it") from error
    if not isinstance(value, TYPES[kind]) or value.name != point.name:
        raise InputError(
            f"{point.module}.{point.attr} is no {kind} named {point.name!r}, as its file or entry point is: rename one"
        )
    if fault := _fault(value):
        raise InputError(f"the {kind} {point.name!r} of {point.module} cannot be used ({fault}): mend it")
    return value


def _fault(value: Any) -> str | None:
    """What would mix up what is stored by name, or make a result that cannot be read."""
    metrics, labels = (value.metrics, value.labels) if isinstance(value, Task) else ((), ())
    if isinstance(value, Task) and (fault := _kind_fault(type(value))):
        return f"its kind {type(value).__name__} {fault}"
    for name in (value.name, *(metric.name for metric in metrics)):
        if not is_name(name) or name in _OF_NUMPY:
            return f"{name!r} is no name: give letters, digits and underscores, and none of {', '.join(_OF_NUMPY)}"
    for one, other in combinations(metrics, 2):
        if one.name == other.name:
            return f"two of its metrics are called {one.name!r}, {one.title} and {other.title}"
    for metric in metrics:
        try:
            check_formula(metric.formula, metric.columns)
        except ValueError as error:
            return f"{metric.name}: {error}"
    return "two of its labels are the same" if len({*labels}) < len(labels) else None


def _kind_fault(kind: type[Task[Any, Any]]) -> str | None:
    """What is wrong with the class of a kind of task; its head is not loaded, since that needs torch."""
    if lacking := [name for name in ("kind", "example_type", "head", "pipeline") if not hasattr(kind, name)]:
        return f"says no {' and no '.join(lacking)}"
    if not is_name(kind.kind):
        return f"is called {kind.kind!r}, which is no name: give letters, digits and underscores"
    if not is_dataclass(kind.example_type) or not {"id", "gold"} <= {one.name for one in fields(kind.example_type)}:
        return f"has {kind.example_type.__name__} for examples, which is no dataclass with an id and gold"
    try:
        found = ":" in kind.head and find_spec(kind.head.partition(":")[0])
    except ImportError:
        found = None
    return None if found else f"has the head {kind.head!r}, which is no class in a module: give module:class"

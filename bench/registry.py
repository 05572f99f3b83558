"""Every task and every baseline: found by looking in their folders, and by the entry points of plugins."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from itertools import combinations
from typing import Any, Generic, TypeVar

from baselines.core.baseline import Baseline
from tasks.core.errors import InputError
from tasks.core.kinds import Task, is_name
from tasks.core.metrics.formulas import check_formula

Value = TypeVar("Value")


@dataclass(frozen=True)
class Shelf(Generic[Value]):
    """Where values of a kind are found: under `attribute` in each module of a package, and in an entry-point group."""

    word: str
    package: str
    attribute: str
    group: str
    kind: type[Value]


_OF_NUMPY = ("ids", "file", "allow_pickle")
"""What an archive of evidence holds besides metrics, and the arguments of the function that writes it."""

TASKS: Shelf[Task[Any, Any]] = Shelf("task", "tasks", "TASK", "mt_clinical_bench.tasks", Task)  # type: ignore[type-abstract]
BASELINES: Shelf[Baseline] = Shelf("baseline", "baselines", "BASELINE", "mt_clinical_bench.baselines", Baseline)


@dataclass(frozen=True)
class Entry(Generic[Value]):
    """A task or a baseline, and the module that it stands in."""

    value: Value
    module: str


MT_CLINICAL_BERT = (
    "i2b2_2010", "i2b2_2012", "i2b2_2014", "mednli", "medrqe_2016", "n2c2_2018", "n2c2_2019", "quaero_2014",
)  # fmt: skip
"""The tasks of the paper: what `--all` means, and what is measured where no task is named."""


def of_paper() -> list[Task[Any, Any]]:
    """The tasks of the paper."""
    return [task for name, task in tasks().items() if name in MT_CLINICAL_BERT]


def tasks() -> dict[str, Task[Any, Any]]:
    """Every task by name."""
    return {name: entry.value for name, entry in entries(TASKS).items()}


def baselines() -> dict[str, Baseline]:
    """Every baseline by name."""
    return {name: entry.value for name, entry in entries(BASELINES).items()}


def task(name: str) -> Task[Any, Any]:
    """The task of that name; InputError lists the known ones."""
    return entry(TASKS, name).value


def baseline(name: str) -> Baseline:
    """The baseline of that name; InputError lists the known ones."""
    return entry(BASELINES, name).value


def entry(shelf: Shelf[Value], name: str) -> Entry[Value]:
    """What a shelf holds under a name; InputError lists what it holds."""
    known = entries(shelf)
    if name not in known:
        raise InputError(f"unknown {shelf.word} {name!r}: the known ones are {', '.join(known)}")
    return known[name]


@cache
def entries(shelf: Shelf[Value]) -> dict[str, Entry[Value]]:
    """All that a shelf holds, by name: ours first, then plugins'."""
    found: dict[str, Entry[Value]] = {}
    for point in (*_ours(shelf), *sorted(metadata.entry_points(group=shelf.group))):
        # Some file systems do not tell letters by their case.
        if same := next((name for name in found if name.lower() == point.name.lower()), None):
            both = f"{found[same].module} and {point.module}"
            raise InputError(f"two {shelf.word}s are called {point.name!r}, in {both}: uninstall one of them")
        found[point.name] = Entry(_load(shelf, point), point.module)
    return found


def _ours(shelf: Shelf[Any]) -> Iterator[metadata.EntryPoint]:
    package = importlib.import_module(shelf.package)
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg:
            place = f"{shelf.package}.{module.name}:{shelf.attribute}"
            yield metadata.EntryPoint(module.name, place, shelf.group)


def _load(shelf: Shelf[Value], point: metadata.EntryPoint) -> Value:
    try:
        value = point.load()
    except Exception as error:  # A plugin may fail in any way it likes.
        reason = f"{type(error).__name__}: {error}"
        where = f"the {shelf.word} {point.name!r} cannot be loaded from {point.module}"
        raise InputError(f"{where} ({reason}): mend it") from error
    if not isinstance(value, shelf.kind) or value.name != point.name:  # type: ignore[attr-defined]
        raise InputError(
            f"{point.module}.{point.attr} is no {shelf.word} named {point.name!r}, as its file or entry point is: "
            "rename one"
        )
    if fault := _fault(value):
        raise InputError(f"the {shelf.word} {point.name!r} of {point.module} cannot be used ({fault}): mend it")
    return value


def _fault(value: Any) -> str | None:
    """What would mix up that which is kept by a name, or leave a result that cannot be read."""
    metrics = value.metrics if isinstance(value, Task) else ()
    labels = value.labels if isinstance(value, Task) else ()
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

"""Whether runs that stand side by side may be compared: what forbids a difference, and what a reader must know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from types import MappingProxyType

from bench.report.comparison import FLOOR, Comparison
from bench.store.environment import Environment
from bench.store.runs import Result

_EXAMPLES = "numbers of examples"
# What runs must have in common on a task, as a result tells of it.
_MUST: MappingProxyType[str, Callable[[Result, str], object]] = MappingProxyType(
    {
        "corpora": lambda result, task: result.fingerprints.corpora.get(task),
        _EXAMPLES: lambda result, task: sorted(result.scores[task].examples.items()),
        "metrics": lambda result, task: [(one.name, one.formula, one.columns) for one in result.scores[task].metrics],
        # The floor has none.
        "encoders": lambda result, task: None if result.baseline == FLOOR else result.fingerprints.encoder,
    }
)


def distinct(found: Iterable[object]) -> list[str]:
    """What is there, each once, in order of its words."""
    return sorted({str(one) for one in found if one not in (None, ())})


def unlike(task: str, results: Sequence[Result]) -> tuple[str, ...]:
    """What forbids that the scores of these runs on a task be compared: in what they differ."""
    return tuple(what for what, of in _MUST.items() if len(distinct(of(result, task) for result in results)) > 1)


def refusal(task: str, results: Sequence[Result]) -> str:
    """The same as a reason; empty where there is none."""
    return f"different {' and '.join(found)}" if (found := unlike(task, results)) else ""


def disagreements(comparison: Comparison) -> list[str]:
    """One sentence for each thing that makes runs of this comparison unlike each other, the gravest first."""
    learned = [result for arm in comparison.trained for result in arm.results]
    return [*_unfair(comparison), *_settings(comparison), *_surroundings(learned), *_code(comparison)]


def _unfair(comparison: Comparison) -> Iterator[str]:
    """Tasks that may not be compared, which arms are on which side, and on how many test examples if these differ."""
    tasks: dict[str, list[str]] = {}
    for task in comparison.tasks:
        runs = [(arm.name, result) for arm in comparison.arms for result in arm.by_task.get(task, {}).values()]
        if found := unlike(task, [result for _, result in runs]):
            tasks.setdefault(f"different {' and '.join(found)}: {_sides(task, found, runs)}", []).append(task)
    for what, of in tasks.items():
        yield f"No fair comparison on {', '.join(of)}: {what}."


def _sides(task: str, found: Sequence[str], runs: Sequence[tuple[str, Result]]) -> str:
    """The arms by what they have of these: with seeds where one arm has several, without what has none, as the floor
    has no encoder."""
    sides: dict[str, dict[str, list[Result]]] = {}
    for arm, result in runs:
        values = [_MUST[what](result, task) for what in found]
        if values != [None]:
            sides.setdefault(str(values), {}).setdefault(arm, []).append(result)
    spread = Counter(arm for side in sides.values() for arm in side)
    return " against ".join(
        ", ".join(_side(arm, results, task, spread[arm] > 1, _EXAMPLES in found) for arm, results in side.items())
        for side in sides.values()
    )


def _side(arm: str, results: Sequence[Result], task: str, seeds: bool, count: bool) -> str:
    which = f" (seed {', '.join(str(result.seed) for result in results)})" if seeds else ""
    return f"{arm}{which}" + (f" ({results[0].scores[task].examples.get('test')} test examples)" if count else "")


def _settings(comparison: Comparison) -> Iterator[str]:
    tasks: dict[str, list[str]] = {}
    for task in comparison.tasks:
        runs = [_that_matter(result, task) for arm in comparison.arms for result in arm.by_task.get(task, {}).values()]
        for name in dict.fromkeys(name for run in runs for name in run):
            if len(found := distinct(run[name] for run in runs if name in run)) > 1:
                tasks.setdefault(f"{name} is {' or '.join(found)}", []).append(task)
    for what, of in tasks.items():
        where = "" if len(of) == len(comparison.tasks) else f", on {', '.join(of)}"
        yield f"Runs with different settings stand side by side: {what}{where}."


def _that_matter(result: Result, task: str) -> dict[str, object]:
    """The settings that can change a run's scores on a task; how tasks are mixed makes another arm."""
    if result.baseline == FLOOR:
        return {"dev_fraction": result.settings.dev_fraction}
    values = asdict(result.settings) | {"epochs": result.settings.epochs_for(task)}
    mixed = result.joint and result.settings.schedule == "temperature"
    left_out = ("profile", "epochs_of", "schedule", *(() if mixed else ("temperature",)))
    return {name: value for name, value in values.items() if name not in left_out}


def _surroundings(results: Sequence[Result]) -> Iterator[str]:
    values = [(field.name, [getattr(one.environment, field.name) for one in results]) for field in fields(Environment)]
    for name, found in [*values, ("precision", [one.training.precision for one in results])]:
        if len(shown := distinct(found)) > 1:
            yield f"Runs made in different surroundings stand side by side: {name} is {' or '.join(shown)}."


def _code(comparison: Comparison) -> Iterator[str]:
    """Each baseline and each task reaches code of its own: only runs that differ in the seed alone share all of it."""
    found: dict[tuple[str, str], set[str]] = {}
    for result in (result for arm in comparison.arms for result in arm.results):
        found.setdefault((result.arm, result.label), set()).add(result.fingerprints.code)
    if unlike := [f"{arm} on {tasks}" for (arm, tasks), codes in found.items() if len(codes) > 1]:
        yield f"Runs with different code stand side by side: seeds of {', '.join(unlike)}."

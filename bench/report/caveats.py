"""What a reader must know before the tables: where runs do not match, and where a corpus or a training is in doubt."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from baselines.core.settings import Settings
from bench.report import numbers
from bench.report.arms import FLOOR
from bench.report.comparison import EXAMPLES, MUST_MATCH, Comparison, mismatches
from bench.report.numbers import distinct, names_by
from bench.store.environment import Environment
from bench.store.runs import Result

NOTICED_SHARE = 0.01
"""The part of a task's mentions or examples above which notices of its corpus are a caveat."""

# Notices of a whole file are reckoned beside documents, others beside mentions.
_OF_FILES = re.compile("file|folder|archive|copy|link|text without|line ends|most texts|offsets counted")


def caveats(comparison: Comparison) -> Iterator[str]:
    """One sentence for each, the gravest first."""
    one, runs = comparison, {task: comparison.runs_of(task) for task in comparison.tasks}
    for what, tasks in names_by((task, what) for task in one.tasks for what in _unfair(task, runs[task])).items():
        yield f"No fair comparison on {', '.join(tasks)}: {what}."
    settings = {task: _several([_settings(run, task) for _, run in runs[task]]) for task in one.tasks}
    for what, tasks in names_by((task, what) for task in one.tasks for what in settings[task]).items():
        where = "" if len(tasks) == len(one.tasks) else f", on {', '.join(tasks)}"
        yield f"Runs with different settings stand side by side: {what}{where}."
    for what in _several([_values(run.environment) | {"precision": run.training.precision} for run in one.learned]):
        yield f"Runs made in different surroundings stand side by side: {what}."
    codes: dict[str, set[str]] = {}
    for run in one.results:
        # Each baseline and each task reaches code of its own: only runs that differ in the seed alone share all of it.
        codes.setdefault(f"{run.arm} on {run.label}", set()).add(run.fingerprints.code)
    if different := [name for name, found in codes.items() if len(found) > 1]:
        yield f"Runs with different code stand side by side: seeds of {', '.join(different)}."
    for task in one.tasks:
        yield from _notices(task, [result for _, result in runs[task]])
    yield from _undefined_dev_scores(one.learned or one.results)


def _values(record: Environment | Settings) -> dict[str, object]:
    return {one.name: getattr(record, one.name) for one in fields(record)}


def _several(records: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """The fields of which these records have more than one value."""
    for name in dict.fromkeys(name for one in records for name in one):
        if len(found := distinct(one[name] for one in records if name in one)) > 1:
            yield f"{name} is {' or '.join(found)}"


def _unfair(task: str, runs: Sequence[tuple[str, Result]]) -> Iterator[str]:
    """Why a task may not be compared, and which arms are on which side: with seeds where one arm has several.

    An arm that has none of what differs is on no side, as the floor has no encoder.
    """
    found = mismatches(task, [result for _, result in runs])
    sides: dict[str, dict[str, list[Result]]] = {}
    for arm, result in runs if found else ():
        values = [MUST_MATCH[what](result, task) for what in found]
        if values != [None]:
            sides.setdefault(str(values), {}).setdefault(arm, []).append(result)
    spread = Counter(arm for side in sides.values() for arm in side)

    def named(arm: str, results: Sequence[Result]) -> str:
        seeds = f" (seed {', '.join(str(one.seed) for one in results)})" if spread[arm] > 1 else ""
        tested = f" ({results[0].scores[task].examples.get('test')} test examples)" if EXAMPLES in found else ""
        return f"{arm}{seeds}{tested}"

    if found:
        against = " against ".join(", ".join(named(*arm) for arm in side.items()) for side in sides.values())
        yield f"different {' and '.join(found)}: {against}"


def _settings(result: Result, task: str) -> dict[str, object]:
    """The settings that can change a run's scores on a task; how tasks are mixed makes another arm."""
    if result.baseline == FLOOR:
        return {"dev_fraction": result.settings.dev_fraction}
    values = _values(result.settings) | {"epochs": result.settings.epochs_for(task)}
    mixed = result.joint and result.settings.schedule == "temperature"
    left_out = ("profile", "epochs_of", "schedule", *(() if mixed else ("temperature",)))
    left_out += () if result.start else ("finetune_epochs",)
    return {name: value for name, value in values.items() if name not in left_out}


def _notices(task: str, results: Sequence[Result]) -> Iterator[str]:
    """A sentence where readers mended, skipped or doubted more than NOTICED_SHARE of a corpus."""
    different = {numbers.notices(found): result for result in results if (found := result.notices.get(task))}
    for counts, result in different.items():
        examples = sum(result.scores[task].examples.values())
        of_files = sum(count for kind, count in result.notices[task].items() if _OF_FILES.search(kind))
        others = sum(result.notices[task].values()) - of_files
        size, what = _corpus_size(result, task, examples)
        if not (of_files <= NOTICED_SHARE * examples and others <= NOTICED_SHARE * size):
            yield (
                f"The corpus of {task} was read with doubt: {counts}, of about {size:,.0f} {what} "
                "(`python -m bench tasks --data DIR --verbose` lists each)."
            )


def _corpus_size(result: Result, task: str, examples: int) -> tuple[float, str]:
    """The mentions of a corpus, as many for each document as in its test set; the examples where none are counted."""
    metric = result.scores[task].metrics[0]
    gold = [k for k, column in enumerate(metric.columns) if column.endswith((":tp", ":fn"))]
    if not gold:
        return examples, "examples"
    rows = result.evidence[task].rows[metric.name]
    return examples * float(rows[:, gold].sum()) / max(len(rows), 1), "mentions"


def _undefined_dev_scores(results: Sequence[Result]) -> Iterator[str]:
    """A sentence on the tasks that had no say in which epoch was kept."""
    runs = [result.training.dev_scores for result in results]
    tasks = {
        task for epochs in runs if epochs for task in epochs[0]
        if all(math.isnan(scores.get(task, 0.0)) for scores in epochs)
    }  # fmt: skip
    if tasks:
        yield (
            f"No development score of {', '.join(sorted(tasks))} is defined: the other tasks of a training chose its "
            "epoch, and without others the last was kept."
        )

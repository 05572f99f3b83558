"""The runs of a comparison: which are done, which are missing, and why a finished one must be done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from baselines.core.baseline import Baseline
from baselines.core.settings import Settings
from bench import registry
from bench.runner import code
from bench.runner.corpora import Corpora
from bench.runner.encoder_files import EncoderFiles
from bench.store import runs as store
from bench.store import strict_json
from bench.store.atomic import Listing
from bench.store.model_cards import is_kept
from bench.store.names import RunName
from bench.store.runs import Fingerprints, Result
from tasks.core.errors import InputError
from tasks.core.kinds import Task

DONE, MISSING, CHANGED = "done", "missing", "changed"
UNSEEDED_EPOCHS = 0.01
"""What reading the training set once, without training on it, costs in epochs."""


@dataclass(frozen=True)
class Run:
    """One training on one task or on several at once."""

    baseline: Baseline
    tasks: tuple[Task[Any, Any], ...]
    seed: int
    settings: Settings

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its tasks."""
        return tuple(task.name for task in self.tasks)

    @property
    def arm(self) -> str:
        """Its arm of the comparison: another schedule is another arm."""
        mixed = self.baseline.joint and len(self.tasks) > 1 and self.settings.schedule != Settings.schedule
        return f"{self.baseline.name}-{self.settings.schedule}" if mixed else self.baseline.name

    @property
    def title(self) -> str:
        """What a line on the terminal calls it."""
        tasks = self.names[0] if len(self.tasks) == 1 else f"{len(self.tasks)} tasks"
        return f"{self.arm} · {tasks} · seed {self.seed}"


@dataclass(frozen=True)
class RunContext:
    """The surroundings of runs; `cache` is the folder of tokenised corpora, None where they are not kept."""

    corpora: Corpora
    results: Path
    encoder: EncoderFiles
    cache: Path | None = None
    keep_models: bool = False
    _fingerprints: dict[tuple[Any, ...], Fingerprints] = field(default_factory=dict, init=False, compare=False)


@dataclass(frozen=True)
class Grid:
    """What the user asked to be compared."""

    tasks: tuple[Task[Any, Any], ...]
    baselines: tuple[Baseline, ...]
    seeds: tuple[int, ...]
    settings: Settings

    def runs(self) -> Iterator[Run]:
        """A joint baseline trains all tasks at once, others each task alone; one seed is enough without chance."""
        for baseline in self.baselines:
            for seed in self.seeds if baseline.seeded else self.seeds[:1]:
                for tasks in [self.tasks] if baseline.joint else [(task,) for task in self.tasks]:
                    yield Run(baseline, tasks, seed, self.settings)


@dataclass(frozen=True)
class Planned:
    """A run and its state: done, missing or changed, and then why; `cost` is the characters that its training reads.

    `result` is what is stored of it, without evidence and scores.
    """

    run: Run
    name: RunName
    fingerprints: Fingerprints
    state: str
    why: str
    cost: float
    result: Result | None


def plan_all(runs: Iterable[Run], context: RunContext) -> list[Planned]:
    """The states of runs in the results folder, whose folders are listed once: most of a large grid is not there."""
    stored = Listing(context.results / store.RUNS)
    return [plan(run, context, stored) for run in runs]


def plan(run: Run, context: RunContext, stored: Listing | None = None) -> Planned:
    """The state of a run in the results folder."""
    name = RunName(
        corpus=context.corpora.name,
        encoder=context.encoder.name,
        arm=run.arm,
        tasks=run.names,
        seed=run.seed,
        span_head=run.settings.span_head,
    )
    wanted = fingerprints(run, context)
    stored = stored or Listing(context.results / store.RUNS)
    state, why, result = _state(run, name, wanted, context) if stored.has(name.path) else (MISSING, "", None)
    return Planned(run, name, wanted, state, why, cost(run, run.settings, context), result)


def _state(run: Run, name: RunName, wanted: Fingerprints, context: RunContext) -> tuple[str, str, Result | None]:
    """The state of a run that has a folder."""
    try:
        result = store.read_record(context.results / store.RUNS, name.path)
        store.require_as_written(result)
    except InputError as error:
        return CHANGED, str(error), None
    why = why_changed(run, wanted, result)
    if context.keep_models and run.baseline.needs_encoder and not is_kept(context.results, name, wanted):
        why = why or "its model was not kept"
    return (CHANGED if why else DONE), why, result


def summary(runs: Sequence[Planned]) -> str:
    """How many runs there are, and how many of them are done."""
    due = sum(planned.state != DONE for planned in runs)
    return f"{len(runs):,} run{'s' * (len(runs) != 1)}, {len(runs) - due:,} done, {due:,} to do"


def cost(run: Run, settings: Settings, context: RunContext) -> float:
    """The characters that the run's training reads in all its epochs under these settings."""
    return sum(
        (settings.epochs_for(task.name) if run.baseline.seeded else UNSEEDED_EPOCHS)
        * context.corpora.corpus_statistics(task).train_characters
        for task in run.tasks
    )


def fingerprints(run: Run, context: RunContext) -> Fingerprints:
    """The digests of everything that a run's result depends on; worked out once for all seeds."""
    known, key = context._fingerprints, (run.baseline.name, run.names, run.settings)
    if key not in known:
        known[key] = _fingerprints(run, context)
    return known[key]


def _fingerprints(run: Run, context: RunContext) -> Fingerprints:
    settings = strict_json.dumps(relevant_settings(run.settings, run.baseline, run.names))
    modules = [registry.module("baseline", run.baseline.name), *(registry.module("task", name) for name in run.names)]
    modules += [task.head.partition(":")[0] for task in run.tasks if run.baseline.needs_encoder]
    return Fingerprints(
        settings=hashlib.sha256(settings.encode()).hexdigest(),
        corpora={task.name: context.corpora.corpus_statistics(task).digest for task in run.tasks},
        encoder=context.encoder.digest if run.baseline.needs_encoder else None,
        code=code.digest(tuple(modules)),
    )


def relevant_settings(settings: Settings, baseline: Baseline, tasks: Sequence[str]) -> dict[str, Any]:
    """The settings that can change a run's result, by name; epochs as (task, epochs)."""
    if not baseline.seeded:
        return {"dev_fraction": settings.dev_fraction}
    values = asdict(settings)
    # A profile is a name for values; how tasks are mixed means nothing where there is one.
    for name in ("profile", "epochs_of", *(("schedule", "temperature") if len(tasks) == 1 else ())):
        del values[name]
    if values.get("schedule") != "temperature":
        values.pop("temperature", None)
    return values | {"epochs": [[task, settings.epochs_for(task)] for task in sorted(tasks)]}


def why_changed(run: Run, wanted: Fingerprints, result: Result) -> str:
    """Why a finished run must be done again; empty where nothing that it depends on has changed."""
    had, reasons = result.fingerprints, []
    if had.settings != wanted.settings:
        before, now = (relevant_settings(each.settings, run.baseline, run.names) for each in (result, run))
        reasons.append(f"the settings changed: {_differences(before, now)}")
    if corpora := [task for task in run.names if had.corpora.get(task) != wanted.corpora[task]]:
        reasons.append(f"the corpus of {', '.join(corpora)} changed")
    # None: its files were not looked at.
    if wanted.encoder is not None and had.encoder != wanted.encoder:
        reasons.append("the encoder's files changed")
    if had.code != wanted.code:
        reasons.append("the code of tasks or baselines changed")
    return "; ".join(reasons)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [name for name in now if before.get(name) != now[name]]
    return ", ".join(f"{name} {_short(before.get(name))} -> {_short(now[name])}" for name in names)


def _short(value: Any) -> str:
    """Epochs as one number where all tasks have the same."""
    if not isinstance(value, list):
        return str(value)
    if len({epochs for _, epochs in value}) == 1:
        return str(value[0][1])
    return " ".join(f"{task}={epochs}" for task, epochs in value)

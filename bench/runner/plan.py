"""The grid of runs: what there is to be done, what is done, and why a finished run must be done again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from baselines.core.baseline import Baseline
from baselines.core.settings import Settings
from bench import registry
from bench.runner import code
from bench.runner import kept_models as models
from bench.runner.context import RunContext
from bench.store import runs as store
from bench.store import strict_json
from bench.store.atomic import finish
from bench.store.names import RunName
from bench.store.runs import Fingerprints, Result
from tasks.core.errors import InputError
from tasks.core.kinds import Task

DONE, MISSING, CHANGED = "done", "missing", "changed"
AT_ONCE = 0.01
"""The passes that a count over the training set is reckoned as."""


@dataclass(frozen=True)
class Grid:
    """What the user asked to be compared."""

    tasks: tuple[Task[Any, Any], ...]
    baselines: tuple[Baseline, ...]
    seeds: tuple[int, ...]
    settings: Settings


@dataclass(frozen=True)
class Run:
    """One training to be had, on one task or on several at once."""

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
class Planned:
    """A run with its state: done, missing or changed, and then why; `cost` is characters to be read in training."""

    run: Run
    name: RunName
    fingerprints: Fingerprints
    state: str
    why: str
    cost: float
    result: Result | None


def grid(grid: Grid) -> Iterator[Run]:
    """Every run of a comparison: a joint baseline trains all tasks at once, and one without chance needs one seed."""
    for baseline in grid.baselines:
        for seed in grid.seeds if baseline.seeded else grid.seeds[:1]:
            for tasks in [grid.tasks] if baseline.joint else [(task,) for task in grid.tasks]:
                yield Run(baseline, tasks, seed, grid.settings)


def plan(runs: Iterable[Run], where: RunContext) -> list[Planned]:
    """The state of each run in a results folder."""
    return [_planned(run, where, where.results / store.RUNS) for run in runs]


def summary(planned: Sequence[Planned]) -> str:
    """How many runs there are, and how many of them are done."""
    due = sum(one.state != DONE for one in planned)
    return f"{len(planned)} run{'s' * (len(planned) != 1)}, {len(planned) - due} done, {due} to do"


def _planned(run: Run, where: RunContext, root: Path) -> Planned:
    name = RunName(
        corpus=where.corpora.name,
        encoder=where.encoder.name,
        arm=run.arm,
        tasks=run.names,
        seed=run.seed,
        span_head=run.settings.span_head,
    )
    wanted, price = fingerprints(run, where), cost(run.settings, run, where)
    finish(root / name.path)
    if not (root / name.path).exists():
        return Planned(run, name, wanted, MISSING, "", price, None)
    try:
        result = store.read(root, name.path)
        for task in result.tasks:
            with store.whole_file(root / name.path, f"answers/{task}.jsonl"):
                pass
    except InputError as error:
        return Planned(run, name, wanted, CHANGED, str(error), price, None)
    why = changed(run, wanted, result)
    if where.keep_models and run.baseline.needs_encoder and not models.is_kept(where.results, name, wanted):
        why = why or "its model was not kept"
    return Planned(run, name, wanted, CHANGED if why else DONE, why, price, result)


def cost(settings: Settings, run: Run, where: RunContext) -> float:
    """The characters that a training reads, passes counted; a count without chance is read once, and cheaply."""
    passes = [settings.epochs_for(task) if run.baseline.seeded else AT_ONCE for task in run.names]
    read = (where.corpora.corpus_statistics(task).train_characters for task in run.tasks)
    return float(sum(times * characters for times, characters in zip(passes, read, strict=True)))


def fingerprints(run: Run, where: RunContext) -> Fingerprints:
    """The digests of everything that a run's result depends on."""
    modules = [registry.entry(registry.BASELINES, run.baseline.name).module]
    modules += [registry.entry(registry.TASKS, name).module for name in run.names]
    modules += [task.head.partition(":")[0] for task in run.tasks if run.baseline.needs_encoder]
    settings = strict_json.dumps(that_matter(run.settings, run.baseline, run.names))
    return Fingerprints(
        settings=hashlib.sha256(settings.encode()).hexdigest(),
        corpora={task.name: where.corpora.corpus_statistics(task).digest for task in run.tasks},
        encoder=where.encoder.digest if run.baseline.needs_encoder else None,
        code=code.digest(tuple(modules)),
    )


def that_matter(settings: Settings, baseline: Baseline, tasks: Sequence[str]) -> dict[str, Any]:
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


def changed(run: Run, wanted: Fingerprints, result: Result) -> str:
    """Why a finished run must be done again; empty where nothing that it depends on has changed."""
    had, reasons = result.fingerprints, []
    if had.settings != wanted.settings:
        before, now = (that_matter(one.settings, run.baseline, run.names) for one in (result, run))
        reasons.append(f"the settings changed: {_differences(before, now)}")
    corpora = [task for task in run.names if had.corpora.get(task) != wanted.corpora[task]]
    if corpora:
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
    epochs = dict(value)
    alike = len(set(epochs.values())) == 1
    return str(next(iter(epochs.values()))) if alike else " ".join(f"{task}={count}" for task, count in epochs.items())

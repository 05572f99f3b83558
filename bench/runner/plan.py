"""The runs of a comparison: which are done, which are missing, and why a finished one must be done again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from baselines.core.baseline import Baseline
from baselines.core.settings import Settings
from bench import registry
from bench.runner import code
from bench.runner.corpora import Corpora
from bench.runner.encoder_files import EncoderFiles
from bench.store import runs as store
from bench.store import strict_json
from bench.store.atomic import Listing
from bench.store.model_cards import MODELS, is_kept
from bench.store.names import RunName
from bench.store.runs import Fingerprints, Result
from tasks.core.errors import InputError
from tasks.core.kinds import Task

DONE, MISSING, CHANGED = "done", "missing", "changed"
READING_EPOCHS = 0.01
"""What reading the training set once, without training on it, costs in epochs."""


@dataclass(frozen=True)
class Run:
    """One training on one task or on several at once, which starts from the encoder or from another run.

    Its settings hold those of its start too.
    """

    baseline: Baseline
    tasks: tuple[Task[Any, Any], ...]
    seed: int
    settings: Settings
    start: Run | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process finds baseline and tasks by their names: what they are made of need not travel."""
        return _run_of, (self.baseline.name, self.names, self.seed, self.settings, self.start)

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


def _run_of(baseline: str, tasks: Sequence[str], *rest: Any) -> Run:
    return Run(registry.baseline(baseline), tuple(map(registry.task, tasks)), *rest)


@dataclass(frozen=True)
class RunContext:
    """The surroundings of runs; `cache` is the folder of tokenised corpora, None where they are not kept.

    `threads` is what the user asked for, None for `default_threads`; a checkpoint is written every `checkpoint_seconds`
    at most.
    """

    corpora: Corpora
    results: Path
    encoder: EncoderFiles
    cache: Path | None = None
    keep_models: bool = False
    device: str = "cpu"
    threads: int | None = None
    default_threads: int = 1
    checkpoint_seconds: float = 30.0
    _known: dict[Any, Any] = field(default_factory=dict, init=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without what can be worked out again: it may be of thousands of runs."""
        return self.__dict__ | {"_known": {}}


@dataclass(frozen=True)
class Planned:
    """A run and its state: done, missing or changed, and then why; `cost` is the characters that its training reads.

    `result` is what is stored of it, without evidence and scores; `needed_by` counts the due runs that start from it:
    its model is kept for them.
    """

    run: Run
    name: RunName
    fingerprints: Fingerprints
    state: str
    why: str
    cost: float
    result: Result | None
    needed_by: int = 0


def plan(run: Run, context: RunContext, stored: Listing | None = None) -> Planned:
    """The state of a run in the results folder."""
    name = run_name(run, context)
    wanted = fingerprints(run, context)
    state, why, result = look_up(run, name, wanted, context, stored)
    return Planned(run, name, wanted, state, why, cost(run, run.settings, context), result)


def run_name(run: Run, context: RunContext) -> RunName:
    """What a run is called in the results folder."""
    return RunName(
        corpus=context.corpora.name,
        encoder=context.encoder.name,
        arm=run.arm,
        tasks=run.names,
        seed=run.seed,
        span_head=run.settings.span_head,
        start=run_name(run.start, context) if run.start else None,
    )


def look_up(
    run: Run, name: RunName, wanted: Fingerprints, context: RunContext, stored: Listing | None = None
) -> tuple[str, str, Result | None]:
    """The state of a run in the results folder, why it must be done again, and its record as it lies there."""
    root = context.results / store.RUNS
    if not (stored or Listing(root)).has(name.path):
        return MISSING, "", None
    try:
        result = store.read_record(root, name.path)
        store.require_as_written(result)
    except InputError as error:
        return CHANGED, str(error), None
    why = why_changed(run, wanted, result)
    had = result.environment
    if run.baseline.needs_encoder and context.threads and had.device == "cpu" and had.threads != context.threads:
        why = why or f"it was made with {had.threads} threads, not {context.threads}"
    if context.keep_models and run.baseline.needs_encoder and not is_kept(context.results / MODELS, name, wanted):
        why = why or "its model was not kept"
    return (CHANGED if why else DONE), why, result


def summary(runs: Sequence[Planned]) -> str:
    """How many runs there are, and how many of them are done."""
    due = sum(planned.state != DONE for planned in runs)
    return f"{len(runs):,} run{'s' * (len(runs) != 1)}, {len(runs) - due:,} done, {due:,} to do"


def cost(run: Run, settings: Settings, context: RunContext) -> float:
    """The characters that the run's training reads in all its epochs under these settings."""
    settings = settings.finetuning() if run.start else settings
    return sum(
        max(settings.epochs_for(task.name) if run.baseline.seeded else 0, READING_EPOCHS)
        * context.corpora.corpus_statistics(task).train_characters
        for task in run.tasks
    )


def fingerprints(run: Run, context: RunContext) -> Fingerprints:
    """The digests of everything that a run's result depends on; worked out once for all seeds."""
    known, key = context._known, (run.baseline.name, run.names, run.settings, run.start is None)
    if key not in known:
        known[key] = _fingerprints(run, context)
    if run.start is None:
        return cast(Fingerprints, known[key])
    start = run_name(run.start, context), run.start.settings
    if start not in known:
        # Both start from one encoder in the end, of which the run has the digest itself.
        found = [start[0], replace(fingerprints(run.start, context), encoder=None)]
        known[start] = hashlib.sha256(strict_json.dumps(found).encode()).hexdigest()
    return cast(Fingerprints, replace(known[key], start=known[start]))


def _fingerprints(run: Run, context: RunContext) -> Fingerprints:
    settings = strict_json.dumps(relevant_settings(run.settings, run))
    modules = [registry.module("baseline", run.baseline.name), *(registry.module("task", name) for name in run.names)]
    modules += [task.head.partition(":")[0] for task in run.tasks if run.baseline.needs_encoder]
    return Fingerprints(
        settings=hashlib.sha256(settings.encode()).hexdigest(),
        corpora={task.name: context.corpora.corpus_statistics(task).digest for task in run.tasks},
        encoder=context.encoder.digest if run.baseline.needs_encoder else None,
        code=code.digest(tuple(modules)),
    )


def relevant_settings(settings: Settings, run: Run) -> dict[str, Any]:
    """Those of these settings that can change a run's result, by name, its start apart; epochs as (task, epochs)."""
    if not run.baseline.seeded:
        return {"dev_fraction": settings.dev_fraction}
    values = asdict(settings)
    # A profile is a name for values; how tasks are mixed means nothing where there is one.
    for name in ("profile", "epochs_of", *(("schedule", "temperature") if len(run.tasks) == 1 else ())):
        del values[name]
    if values.get("schedule") != "temperature":
        values.pop("temperature", None)
    del values["epochs" if run.start else "finetune_epochs"]
    return values | ({} if run.start else {"epochs": [[task, settings.epochs_for(task)] for task in sorted(run.names)]})


def why_changed(run: Run, wanted: Fingerprints, result: Result) -> str:
    """Why a finished run must be done again; empty where nothing that it depends on has changed."""
    had, reasons = result.fingerprints, []
    if had.settings != wanted.settings:
        before, now = (relevant_settings(each.settings, run) for each in (result, run))
        reasons.append(f"the settings changed: {_differences(before, now)}")
    if corpora := [task for task in run.names if had.corpora.get(task) != wanted.corpora[task]]:
        reasons.append(f"the corpus of {', '.join(corpora)} changed")
    # None: its files were not looked at.
    if wanted.encoder is not None and had.encoder != wanted.encoder:
        reasons.append("the encoder's files changed")
    if had.code != wanted.code:
        reasons.append("the code of tasks or baselines changed")
    if had.start != wanted.start:
        reasons.append("the run it starts from changed")
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

"""The results folder: each run has a folder, written atomically, of numbers, offsets and labels; never text.

B examples, K columns of evidence.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.core.settings import PROFILES, Settings
from baselines.core.stats import TrainStats
from bench.store import strict_json
from bench.store.atomic import atomic_write, recover_all
from bench.store.bounds import EVIDENCE_BYTES, RESULT_BYTES, read_bytes, refuse_links
from bench.store.checksums import (
    CHECKSUMS,
    checksummed_file,
    damage_told,
    read_checksums,
    require_checksum,
    write_checksums,
)
from bench.store.environment import Environment
from bench.store.evidence import Evidence, parse, totals
from bench.store.names import RunName
from bench.store.sanitise import sanitise
from tasks.core.errors import InputError
from tasks.core.metrics.formulas import FORMULAS, check_formula
from tasks.core.names import is_name

FORMAT = 4
RUNS, UNFINISHED = "runs", "unfinished"
RESULT = "result.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricScore:
    """One score of one task, and how it comes from its evidence.

    `value` is nan where it is not defined. It is not stored: who reads a result works it out from the evidence.
    """

    name: str
    title: str
    primary: bool
    formula: str
    columns: tuple[str, ...]
    value: float = field(default=math.nan, metadata=strict_json.HERE_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a run reached on a task; `examples` by split, `ceiling` the recall that perfect tags would reach.

    `pipeline` is the tag that the Hugging Face hub has for tasks of its kind.
    """

    kind: str
    pipeline: str
    title: str
    examples: dict[str, int]
    ceiling: float | None
    metrics: tuple[MetricScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """What a result depends on, as sha256: when one of these changes, the run is repeated.

    `start` is of the name and the fingerprints of the run that it starts from; None is the encoder.
    """

    settings: str
    corpora: dict[str, str]
    encoder: str | None
    code: str
    start: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished run without its answers.

    `folder` is where it was read, and `evidence` was read there with it, by task; neither is stored in its record.
    """

    format: int = FORMAT
    corpus: str
    encoder: str
    arm: str
    baseline: str
    joint: bool
    tasks: tuple[str, ...]
    seed: int
    settings: Settings
    start: RunName | None = None
    fingerprints: Fingerprints
    scores: dict[str, Score]
    training: TrainStats
    test_seconds: float
    finished: str
    notices: dict[str, dict[str, int]]
    environment: Environment
    folder: Path | None = field(default=None, compare=False, metadata=strict_json.HERE_ONLY)
    evidence: dict[str, Evidence] = field(default_factory=dict, compare=False, metadata=strict_json.HERE_ONLY)

    @property
    def name(self) -> RunName:
        """Which run this is."""
        return RunName(
            corpus=self.corpus,
            encoder=self.encoder,
            arm=self.arm,
            tasks=self.tasks,
            seed=self.seed,
            span_head=self.settings.span_head,
            start=self.start,
        )

    @property
    def label(self) -> str:
        """What its set of tasks is called in paths, and what it starts from."""
        return self.name.label


def read_all(results: Path, part: str = RUNS, held: Callable[[Result], Result] = lambda result: result) -> list[Result]:
    """Every result in a part of the results folder, by path; what cannot be read is named on stderr and left out.

    `held` leaves of each result what is to be held in memory.
    """
    root, found = results / part, []
    refuse_links(root)
    recover_all(root)
    for path in sorted(root.glob(f"*/*/*/seed-*/{RESULT}")):
        try:
            found.append(held(read(root, path.parent.relative_to(root))))
        except InputError as error:
            sys.stderr.write(f"warning: {sanitise(str(error))}\n")
    return found


def read(root: Path, run: Path) -> Result:
    """The result in one run's folder, its scores from its evidence; InputError where it is damaged or elsewhere."""
    result = read_record(root, run)
    evidence = {task: read_evidence(result, task) for task in result.scores}
    scores = {task: _scored(score, totals(evidence[task])) for task, score in result.scores.items()}
    return replace(result, scores=scores, evidence=evidence)


def read_record(root: Path, run: Path) -> Result:
    """The record in one run's folder, without evidence, and so without values of its scores."""
    with checksummed_file(root / run, RESULT, "a finished result", RESULT_BYTES) as data:
        result = strict_json.loads(Result, data)
        if result.name.path != run:
            raise ValueError(f"it is the result of {result.name.path}")
        _check(result)
    return replace(result, folder=root / run)


def require_as_written(result: Result) -> None:
    """InputError unless evidence and answers of a result that was read from a folder are what was written there."""
    assert result.folder is not None
    with damage_told(result.folder / CHECKSUMS):
        checksums = read_checksums(result.folder)
    for file in (name for task in result.tasks for name in (f"evidence/{task}.npz", f"answers/{task}.jsonl")):
        with damage_told(result.folder / file):
            require_checksum(checksums, file, read_bytes(result.folder / file, EVIDENCE_BYTES))


def _check(result: Result) -> None:
    """ValueError where a result is of the right form and yet means nothing."""
    if result.settings.profile not in PROFILES:
        raise ValueError(f"it has the unknown profile {result.settings.profile!r}")
    if set(result.scores) != set(result.tasks):
        raise ValueError(f"it has scores for {len(result.scores)} of its {len(result.tasks)} tasks")
    if not all(is_name(task) for start in result.name.starts for task in start.tasks):
        raise ValueError("it starts from a run of what is no task")
    for task, score in result.scores.items():
        if not is_name(task) or not score.metrics:
            raise ValueError(f"{task!r} is no name of a task, or has no metric")
        for metric in score.metrics:
            _check_formula(metric.formula, metric.columns)


_check_formula = lru_cache(maxsize=4096)(check_formula)  # Thousands of results have the same.


def _scored(score: Score, totals: Mapping[str, NDArray[Any]]) -> Score:
    """The scores of a task, each worked out from the totals of its evidence."""
    metrics = []
    for metric in score.metrics:
        value = float(FORMULAS[metric.formula](totals[metric.name], metric.columns))
        # One nan for all: two undefined scores are the same.
        metrics.append(replace(metric, value=math.nan if math.isnan(value) else value))
    return replace(score, metrics=tuple(metrics))


def read_evidence(result: Result, task: str) -> Evidence:
    """The evidence of one task of a result that was read from a folder."""
    assert result.folder is not None
    with checksummed_file(result.folder, f"evidence/{task}.npz") as data:
        return parse(data, {metric.name: len(metric.columns) for metric in result.scores[task].metrics})


def write(root: Path, result: Result, evidence: Mapping[str, Evidence], answers: Mapping[str, Sequence[str]]) -> Path:
    """Store a finished run below `root`, in place of an older result of the same run; the folder it lies in.

    `answers` are lines of `answer_line`: written out they take a tenth of the memory that mentions take.
    """
    folder = root / result.name.path
    with atomic_write(folder) as new:
        _fill(new, result, evidence, answers)
        write_checksums(new)
    return folder


def _fill(folder: Path, result: Result, evidence: Mapping[str, Evidence], answers: Mapping[str, Sequence[str]]) -> None:
    for part in ("evidence", "answers"):
        (folder / part).mkdir()
    for task, observed in evidence.items():
        arrays = {"ids": observed.ids, **observed.rows}
        np.savez_compressed(folder / "evidence" / task, **arrays)  # type: ignore[arg-type]  # Its stub lacks named arrays.
        with (folder / "answers" / f"{task}.jsonl").open("w") as file:
            file.writelines(answers[task])
    (folder / RESULT).write_text(strict_json.dumps(result, indent=1) + "\n")


def answer_line(example: str, answer: Any) -> str:
    """The answer to an example of this id, in the JSON of the task's kind, as a line of a file."""
    return strict_json.dumps({"id": example, "answer": answer}) + "\n"

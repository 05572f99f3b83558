"""The results folder: one folder for each run, written whole or not at all. Numbers, offsets and labels; never text.

B examples, K columns of evidence.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.core.baseline import Record
from baselines.core.settings import PROFILES, Settings
from bench import strict_json
from bench.environment import Environment
from bench.inert import plain
from bench.untrusted import RESULT_BYTES, check_formula, read_arrays, read_bytes, reason, refuse_links
from bench.whole import written_whole
from tasks.core.errors import InputError

FORMAT = 1
RUNS, UNFINISHED = "runs", "unfinished"
_RESULT = "result.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One score of one task, and how it comes from its evidence; `value` is nan where it is not defined."""

    name: str
    title: str
    primary: bool
    formula: str
    columns: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a run reached on a task; `examples` by split, `ceiling` the recall that perfect tags would reach."""

    kind: str
    title: str
    examples: dict[str, int]
    ceiling: float | None
    metrics: tuple[Metric, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DependsOn:
    """What a result depends on, as sha256: when one of these changes, the run is repeated."""

    settings: str
    corpora: dict[str, str]
    encoder: str | None
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunName:
    """Which run: it says where a result lies, so that no two results share a path."""

    corpus: str
    encoder: str
    arm: str
    tasks: tuple[str, ...]
    seed: int
    span_head: str = Settings.span_head

    @property
    def path(self) -> Path:
        """The run's folder below `runs`, `unfinished` or `reference`."""
        comparison = comparison_label(self.corpus, self.encoder, self.span_head)
        return Path(comparison, self.arm, tasks_label(self.tasks), f"seed-{self.seed}")


def comparison_label(corpus: str, encoder: str, span_head: str) -> str:
    """What a comparison is called in paths: its corpora, its encoder and, if it is not the usual one, its span head."""
    return "-".join([corpus, encoder, *([span_head] if span_head != Settings.span_head else [])])


def tasks_label(tasks: Sequence[str]) -> str:
    """What a set of tasks is called in a path: up to three names, or their number and a digest of their names."""
    names = sorted(tasks)
    if len(names) <= 3:
        return "+".join(names)
    return f"{len(names)}-tasks-{hashlib.sha256('+'.join(names).encode()).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that is known of a finished run but its evidence and answers; `folder` is where it was read."""

    format: int = FORMAT
    corpus: str
    encoder: str
    arm: str
    baseline: str
    joint: bool
    tasks: tuple[str, ...]
    seed: int
    settings: Settings
    depends_on: DependsOn
    scores: dict[str, Score]
    training: Record
    test_seconds: float
    finished: str
    notices: dict[str, dict[str, int]]
    environment: Environment
    folder: Path | None = field(default=None, compare=False, metadata=strict_json.HERE_ONLY)

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
        )

    @property
    def label(self) -> str:
        """What its set of tasks is called in paths."""
        return tasks_label(self.tasks)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the metrics of a task observed: ids [B], and for each metric by name its rows [B, K]."""

    ids: NDArray[np.str_]
    rows: dict[str, NDArray[Any]]


def read_all(results: Path, part: str = RUNS) -> list[Result]:
    """Every result in a part of the results folder, by path; what cannot be read is named on stderr and left out."""
    root, found = results / part, []
    refuse_links(root)
    for path in sorted(root.glob(f"*/*/*/seed-*/{_RESULT}")):
        try:
            found.append(read(root, path.parent.relative_to(root)))
        except InputError as error:
            sys.stderr.write(f"warning: {plain(str(error))}\n")
    return found


def read(root: Path, run: Path) -> Result:
    """The result in one run's folder; InputError where there is none that is whole and in its place."""
    path = root / run / _RESULT
    try:
        result = strict_json.loads(Result, read_bytes(path, RESULT_BYTES))
        if result.format != FORMAT:
            raise ValueError(f"its format is {result.format}, not {FORMAT}")
        if result.name.path != run:
            raise ValueError(f"it is the result of {result.name.path}")
        _check(result)
        there = {task for task in result.scores if _evidence(root / run, task).is_file()}
        if there != set(result.tasks):
            raise ValueError(f"it has a score and evidence for {len(there)} of its {len(result.tasks)} tasks")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is not a finished result ({reason(error)}): give the command that made it again"
        ) from None
    return replace(result, folder=root / run)


def _check(result: Result) -> None:
    """ValueError where a result is of the right form and yet means nothing."""
    if result.settings.profile not in PROFILES:
        raise ValueError(f"it has the unknown profile {result.settings.profile!r}")
    for task, score in result.scores.items():
        if Path(task).name != task or not score.metrics:
            raise ValueError(f"{task!r} is no name of a task, or has no metric")
        for metric in score.metrics:
            check_formula(metric.formula, metric.columns)


def read_evidence(result: Result, task: str) -> Evidence:
    """The evidence of one task of a result that was read from a folder."""
    assert result.folder is not None
    path, metrics = _evidence(result.folder, task), result.scores[task].metrics
    try:
        arrays = read_arrays(path, ("ids", *(metric.name for metric in metrics)))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({reason(error)}): delete its run's folder and run again") from None
    evidence = Evidence(arrays.pop("ids"), arrays)
    if evidence.ids.dtype.kind != "U" or evidence.ids.ndim != 1:
        raise InputError(f"{path}: its ids are not text: delete its run's folder and run again")
    for metric in metrics:
        rows = evidence.rows[metric.name]
        numbers = rows.dtype.kind in "biuf" and rows.shape == (len(evidence.ids), len(metric.columns))
        if not numbers or not np.isfinite(rows).all():
            raise InputError(f"{path}: {metric.name} is not finite numbers: delete its run's folder and run again")
    return evidence


def write(root: Path, result: Result, evidence: Mapping[str, Evidence], answers: Mapping[str, Sequence[str]]) -> Path:
    """Store a finished run below `root`, in place of an older result of the same run; the folder it lies in.

    `answers` are lines of `answer_line`: written out they take a tenth of the memory that mentions take.
    """
    folder = root / result.name.path
    with written_whole(folder) as new:
        _fill(new, result, evidence, answers)
    return folder


def _fill(folder: Path, result: Result, evidence: Mapping[str, Evidence], answers: Mapping[str, Sequence[str]]) -> None:
    for part in ("evidence", "answers"):
        (folder / part).mkdir()
    for task, observed in evidence.items():
        arrays = {"ids": observed.ids, **observed.rows}
        np.savez_compressed(_evidence(folder, task), **arrays)  # type: ignore[arg-type]  # Its stub lacks named arrays.
        with (folder / "answers" / f"{task}.jsonl").open("w") as file:
            file.writelines(answers[task])
    (folder / _RESULT).write_text(strict_json.dumps(result, indent=1) + "\n")


def answer_line(example: str, answer: Any) -> str:
    """The answer to an example of this id: spans as [label, [[start, end], ...]] in order, else as it is."""
    said = [[span.label, span.fragments] for span in sorted(answer)] if isinstance(answer, frozenset) else answer
    return strict_json.dumps({"id": example, "answer": said}) + "\n"


def _evidence(folder: Path, task: str) -> Path:
    return folder / "evidence" / f"{task}.npz"

"""The table of runs: each training behind the figures, with its record to look at."""

from __future__ import annotations

from bench.report import words
from bench.report.comparison import FLOOR, Arm, Comparison
from bench.report.table import Cell, Table
from bench.store import Result

_RECORD = "result.json"


def run_table(comparison: Comparison) -> Table:
    """One row a run, linked to its record."""
    return Table(
        name=f"{comparison.name}-runs",
        title="The runs behind these figures",
        align="llrrrll",
        header=("arm", "tasks", "seed", "training", "chosen round", "finished", "record"),
        rows=tuple(_row(arm, result) for arm in comparison.arms for result in arm.results),
        notes=(f"The records lie in runs/{comparison.name}/<arm>/<tasks>/seed-<seed>/ of the results folder.",),
        detail=True,
    )


def _row(arm: Arm, result: Result) -> tuple[str, ...]:
    training = result.training
    return (
        *(arm.name, result.label, str(result.seed), words.duration(training.train_seconds)),
        "" if arm.baseline == FLOOR else words.count(training.chosen_round),
        result.finished,
        Cell(_RECORD, file=result.folder and result.folder / _RECORD),
    )

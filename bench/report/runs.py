"""The table of runs: each training behind the figures, with its record to look at."""

from __future__ import annotations

from bench.report import words
from bench.report.comparison import Comparison
from bench.report.table import Cell, Table
from bench.store import Result

RECORD = "result.json"


def run_table(comparison: Comparison) -> Table:
    """One row a run, linked to its record."""
    return Table(
        name=f"{comparison.name}-runs",
        title="The runs behind these figures",
        align="llrrrll",
        header=("arm", "tasks", "seed", "training", "chosen round", "finished", "record"),
        rows=tuple(_row(arm.name, result) for arm in comparison.arms for result in arm.results),
        detail=True,
    )


def _row(arm: str, result: Result) -> tuple[str, ...]:
    training = result.training
    record = Cell(f"{result.name.path.as_posix()}/{RECORD}", file=result.folder and result.folder / RECORD)
    return (
        *(arm, result.label, str(result.seed), words.duration(training.train_seconds)),
        *(words.count(training.chosen_round), result.finished, record),
    )

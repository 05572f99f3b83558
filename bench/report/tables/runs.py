"""Each run behind the figures, linked to its record."""

from __future__ import annotations

from bench.report import numbers
from bench.report.arms import FLOOR
from bench.report.comparison import Comparison
from bench.report.table import CellText, Table
from bench.store.runs import RESULT


def table(comparison: Comparison) -> Table:
    """One row a run."""
    return Table(
        title="The runs behind these figures",
        align="llrrrll",
        header=("arm", "tasks", "seed", "training", "best epoch", "finished", "record"),
        rows=tuple(
            (
                arm.name,
                result.label,
                str(result.seed),
                numbers.duration(result.training.train_seconds),
                "" if arm.baseline == FLOOR else numbers.count(result.training.best_epoch),
                result.finished,
                CellText(RESULT, file=result.folder and result.folder / RESULT),
            )
            for arm in comparison.arms
            for result in arm.results
        ),
        notes=(f"The records lie in runs/{comparison.name}/<arm>/<tasks>/seed-<seed>/ of the results folder.",),
    )

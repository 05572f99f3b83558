"""What a report holds of evidence: the rows that statistics and labels need, small, so that thousands of runs fit.

B examples, K columns of evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.store.evidence import Evidence
from bench.store.runs import MetricScore, Result, Score

_F1_FORMULA = "micro_f1"


def metric_of_labels(score: Score) -> MetricScore | None:
    """The first metric of a task whose evidence is true and false positives and negatives of each label."""
    return next((one for one in score.metrics if one.formula == _F1_FORMULA and ":" in one.columns[0]), None)


def holding() -> Callable[[Result], Result]:
    """A function that leaves of a result's evidence what a report needs; results of the same test set share its ids."""
    known: dict[str, NDArray[np.str_]] = {}

    def held(result: Result) -> Result:
        return replace(result, evidence={task: of_task(result.scores[task], task, result) for task in result.evidence})

    def of_task(score: Score, task: str, result: Result) -> Evidence:
        evidence = result.evidence[task]
        needed = {one.name for one in (score.metrics[0], metric_of_labels(score)) if one}
        ids = known.setdefault(task, evidence.ids)
        same = np.array_equal(ids, evidence.ids)
        return Evidence(ids if same else evidence.ids, {name: _small(evidence.rows[name]) for name in needed})

    return held


def _small(rows: NDArray[Any]) -> NDArray[Any]:
    """The same numbers [B, K] in a byte each, where they are counts below 256: an eighth of the memory."""
    if rows.size and rows.min() >= 0 and rows.max() < 256 and np.array_equal(small := rows.astype(np.uint8), rows):
        return small
    return rows

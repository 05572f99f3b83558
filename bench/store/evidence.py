"""The evidence of a run: what its metrics observed of each example, as it is read from its file and as it is held.

B examples, K columns of evidence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.store.bounds import arrays


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the metrics of a task observed: ids [B], and for each metric by name its rows [B, K]."""

    ids: NDArray[np.str_]
    rows: dict[str, NDArray[Any]]


def parse(data: bytes, widths: Mapping[str, int]) -> Evidence:
    """The evidence in a file, in which each metric has so many columns; ValueError where it has not."""
    rows = arrays(data, ("ids", *widths))
    evidence = Evidence(rows.pop("ids"), rows)
    if evidence.ids.dtype.kind != "U" or evidence.ids.ndim != 1:
        raise ValueError("its ids are not text")
    for metric, width in widths.items():
        if rows[metric].dtype.kind not in "biuf" or rows[metric].shape != (len(evidence.ids), width):
            raise ValueError(f"{metric} is not finite numbers")
    for metric, found in _distinct(evidence):
        if not np.isfinite(found).all():
            raise ValueError(f"{metric} is not finite numbers")
    return evidence


def totals(evidence: Evidence) -> dict[str, NDArray[Any]]:
    """The sum over examples of each metric's rows, [K]."""
    sums = {id(found): found.sum(axis=0) for _, found in _distinct(evidence)}
    return {metric: sums[id(found)] for metric, found in evidence.rows.items()}


def _distinct(evidence: Evidence) -> Collection[tuple[str, NDArray[Any]]]:
    """Each array once, with a metric that has it: those that count the same share one."""
    return {id(found): (metric, found) for metric, found in evidence.rows.items()}.values()

"""The evidence of a run: what its metrics observed of each example, as it is read from its file and as it is held.

B examples, K columns of evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.store.bounds import arrays

_SMALLER = (np.uint8, np.uint16)


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
        found = rows[metric]
        numbers = found.dtype.kind in "biuf" and found.shape == (len(evidence.ids), width)
        if not numbers or not np.isfinite(found).all():
            raise ValueError(f"{metric} is not finite numbers")
    return evidence

"""What a check finds: one finding for each score or ratio of times that the reference guards."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.store.runs import Result

STEADY, DRIFTED, UNJUDGED, UNCOMPARED = "steady", "drifted", "not judged", "not compared"
"""`not judged` fails a check, `not compared` does not: it is a speed that two machines do not share."""

POINTS, TIMES = "points", "times"

Arm = tuple[str, str]
"""A comparison, and an arm in it."""


@dataclass(frozen=True, slots=True, order=True)
class GuardedCell:
    """A task of an arm of a comparison. What was trained together, and what it started from, is part of an arm."""

    comparison: str
    arm: str
    task: str

    @property
    def of_arm(self) -> Arm:
        """The arm of all its tasks."""
        return self.comparison, self.arm


def cell_of(result: Result, task: str) -> GuardedCell:
    """The cell that a result fills."""
    origin = f"-from-{result.name.origin}" if result.start else ""
    arm = f"{result.arm}/{result.label}" if result.joint else result.arm + origin
    return GuardedCell(result.name.comparison, arm, task)


@dataclass(frozen=True, slots=True)
class Moved:
    """A column of a document's evidence that differs from the reference."""

    column: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Change:
    """A document or pair whose evidence differs, by its id, in the first metric that tells."""

    seed: int
    document: str
    metric: str
    moved: tuple[Moved, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The judgement of one measure of a task or an arm; nan is what is not known.

    `before` and `now` are means over the trainings of each side, in `unit`; `noise` is what a change must exceed to be
    more than noise. `equal`: the evidence equals the reference's to the digit. `changes` are the documents that differ
    where they must not.
    """

    cell: GuardedCell
    measure: str
    judgement: str
    why: str = ""
    unit: str = POINTS
    before: float = math.nan
    now: float = math.nan
    noise: float = math.nan
    equal: bool = False
    changes: tuple[Change, ...] = ()

"""What a check finds, and what it tolerates.

Comparisons are written so that NaN fails: `not x <= limit`, never `x > limit`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.store.runs import Result

STEADY, DRIFTED, UNJUDGED, UNCOMPARED = "steady", "drifted", "not judged", "not compared"
"""`not judged` fails a check, `not compared` does not: it is a speed that two machines do not share."""

POINTS, TIMES = "points", "times"

FALSE_ALARM = 0.05
"""How often noise alone may carry any of the measures of one check out of its noise: shared between them all."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """In score units: beyond `margin` and more than noise is drift, beyond `limit` is drift at once."""

    margin: float
    limit: float


# From honest trainings: docs/drift.md, "Where the margins come from".
SCORE = Tolerance(margin=0.06, limit=0.15)
"""For the primary metric of a task, in both directions: what is suddenly much better may have seen its gold."""

PHI = Tolerance(margin=0.05, limit=0.12)
"""For the recall of PHI, downwards alone: what is missed there is a name that is published."""


Arm = tuple[str, str]
"""A comparison, and an arm in it."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What is compared with what: the folder of a comparison, the arm in it, and a task."""

    comparison: str
    arm: str
    task: str

    @property
    def of_arm(self) -> Arm:
        """The arm of all its tasks."""
        return self.comparison, self.arm


def place_of(result: Result, task: str) -> Place:
    """Where a result is compared; what was trained together is part of what an arm is."""
    arm = f"{result.arm}/{result.label}" if result.joint else result.arm
    return Place(result.name.comparison, arm, task)


@dataclass(frozen=True, slots=True)
class Moved:
    """A column of a document's evidence that is not what it was."""

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
    """What became of one measure of a task or an arm; nan is what there is not.

    `before` and `now` are means over the trainings of each side, in `unit`; `noise` is what a change must exceed to be
    more than noise. `equal`: the evidence is the reference's to the digit. `changes` are the documents that differ
    where they should not have.
    """

    place: Place
    measure: str
    judgement: str
    why: str = ""
    unit: str = POINTS
    before: float = math.nan
    now: float = math.nan
    noise: float = math.nan
    equal: bool = False
    changes: tuple[Change, ...] = ()

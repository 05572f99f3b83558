"""Findings as workflow commands, which GitHub shows as annotations of a run and of its pull request.

Format: docs.github.com/actions/reference/workflow-commands-for-github-actions, "Setting an error message".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.drift.findings import DRIFTED, STEADY, UNJUDGED, Finding
from bench.report import numbers
from bench.store.sanitise import sanitise

_LEVELS = {DRIFTED: "error", UNJUDGED: "error", STEADY: "notice"}


def render(findings: Sequence[Finding]) -> str:
    """A line for each finding that fails the check, and for each whose documents differ where they should not."""
    return "".join(f"{line}\n" for line in _lines(findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        if one.judgement in (DRIFTED, UNJUDGED) or one.changes:
            title = f"{one.place.task} {one.measure}: {one.judgement}"
            figures = "" if math.isnan(one.before) else f"{numbers.points(one.before)} -> {numbers.points(one.now)}"
            message = ": ".join(filter(None, (f"{one.place.comparison} {one.place.arm}", figures, one.why)))
            yield f"::{_LEVELS[one.judgement]} title={_data(title, ':,')}::{_data(message)}"


def _data(text: str, more: str = "") -> str:
    # Line ends, which would begin a command of their own, are among what is written as code points.
    return "".join(f"%{ord(char):02X}" if char in "%" + more else char for char in sanitise(text))

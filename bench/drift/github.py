"""Findings as workflow commands, which GitHub shows as annotations of a run and of its pull request.

Format: docs.github.com/actions/reference/workflow-commands-for-github-actions, "Setting an error message".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.drift.findings import DRIFTED, STEADY, UNJUDGED, Finding
from bench.inert import plain
from bench.report import words

_LEVELS = {DRIFTED: "error", UNJUDGED: "error", STEADY: "notice"}


def render(findings: Sequence[Finding]) -> str:
    """A line for each finding that fails the check, and for each whose documents differ where they should not."""
    return "".join(f"{line}\n" for line in _lines(findings))


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        if one.judgement in (DRIFTED, UNJUDGED) or one.changes:
            title = f"{one.place.task} {one.measure}: {one.judgement}"
            yield f"::{_LEVELS[one.judgement]} title={_property(title)}::{_data(_message(one))}"


def _message(one: Finding) -> str:
    figures = f"{words.points(one.before)} -> {words.points(one.now)}" if one.before == one.before else ""
    return ": ".join(filter(None, (f"{one.place.comparison} {one.place.arm}", figures, one.why)))


def _data(text: str) -> str:
    # Line ends, which would begin a command of their own, are among what is written as code points.
    return plain(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

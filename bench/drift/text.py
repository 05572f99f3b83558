"""Findings for people: a table for each arm, and under it why, and which documents differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from bench.drift.findings import PHI, POINTS, Arm, Change, Finding, Tolerance
from bench.report import numbers
from bench.report.formats import terminal
from bench.report.table import Section, Table

MOST_DOCUMENTS = 10
"""Documents named in one table; `--json` has all."""

_REMEDY = "What is not judged here can be after:"
_HEADER = ("task", "measure", "before", "now", "change", "noise", "judgement")


def render(findings: Sequence[Finding], tolerance: Tolerance, commands: Mapping[Arm, str]) -> str:
    """The whole judgement, 80 columns wide; `commands` give results that can be judged where these cannot."""
    kinds = [one.judgement for one in findings]
    equal = sum(one.equal for one in findings)
    counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys((*_ALWAYS, *kinds))]
    notes = (
        f"{', '.join(counts)}; {equal} equal to the digit.",
        f"Drift: more than {numbers.points(tolerance.margin)} points and more than noise, or more than "
        f"{numbers.points(tolerance.limit)} points; for the recall of PHI a loss of {numbers.points(PHI.margin)} and "
        f"{numbers.points(PHI.limit)}.",
    )
    arms = groupby(findings, key=lambda one: one.place.of_arm)
    tables = tuple(_table(arm, list(found), commands.get(arm)) for arm, found in arms)
    return terminal.render([Section(name="check", title="Drift from the reference", notes=notes, tables=tables)])


_ALWAYS = ("steady", "drifted", "not judged")


def _table(arm: Arm, findings: Sequence[Finding], command: str | None) -> Table:
    return Table(
        name="check",
        title=" ".join(arm),
        align="llrrrrl",
        header=_HEADER,
        rows=tuple(_row(one) for one in findings),
        notes=(*_reasons(findings), *_documents(findings), *([_REMEDY] if command else [])),
        commands=(command,) if command else (),
    )


def _row(one: Finding) -> tuple[str, ...]:
    judgement = "equal" if one.equal else one.judgement
    if one.unit != POINTS:
        ratios = ("" if math.isnan(value) else f"{value:.3g}" for value in (one.before, one.now))
        return one.place.task, one.measure, *ratios, numbers.ratio(one.now, one.before), "", judgement
    before, now = ("" if math.isnan(value) else numbers.points(value) for value in (one.before, one.now))
    change = one.now - one.before
    moved = "" if math.isnan(change) else numbers.points(change, signed=True)
    noise = "" if math.isnan(one.noise) else f"±{numbers.points(one.noise)}"
    return one.place.task, one.measure, before, now, moved, noise, judgement


def _reasons(findings: Sequence[Finding]) -> Iterator[str]:
    """Each reason once, with all that it is a reason for."""
    reasons: dict[str, list[str]] = {}
    for one in findings:
        if one.why:
            reasons.setdefault(one.why, []).append(f"{one.place.task} {one.measure}")
    for why, names in reasons.items():
        yield f"{', '.join(names) if len(names) < len(findings) else 'All of them'}: {why}."


def _documents(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        for change in one.changes[:MOST_DOCUMENTS]:
            yield f"{one.place.task}, {document(change)}"
        if len(one.changes) > MOST_DOCUMENTS:
            yield f"{one.place.task}: {len(one.changes) - MOST_DOCUMENTS} more documents differ; --json lists them."


def document(change: Change) -> str:
    """A document that differs: its id, and what of its evidence moved."""
    moved = ", ".join(f"{one.column} {one.before:g} -> {one.now:g}" for one in change.moved)
    return f"{change.document} (seed {change.seed}), {change.metric}: {moved}"

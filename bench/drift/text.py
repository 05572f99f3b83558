"""Findings for people: a table for each arm, and under it why, which documents differ, and what could be judged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from bench.drift.findings import DRIFTED, POINTS, STEADY, UNJUDGED, Arm, Change, Finding, GuardedCell
from bench.drift.judge import PHI, Tolerance, by_cell
from bench.report import numbers
from bench.report.comparison import Selection, comparisons
from bench.report.formats import terminal
from bench.report.missing import command
from bench.report.table import Section, Table
from bench.store.runs import Result

MOST_DOCUMENTS = 10
"""Documents named in one table; `--json` has all."""


def commands(
    findings: Sequence[Finding], reference: Sequence[Result], results: Sequence[Result], folder: Path
) -> dict[Arm, str]:
    """A command for each arm with something not judged: its results, with the reference's settings, can be judged."""
    before, now = by_cell(reference), by_cell(results)
    unjudged: dict[Arm, list[GuardedCell]] = {}
    for one in findings:
        if one.judgement == UNJUDGED:
            unjudged.setdefault(one.cell.of_arm, []).append(one.cell)
    found = {}
    for arm, cells in unjudged.items():
        (like,) = comparisons([next(iter(before[cell].values())) for cell in cells], Selection())
        seeds = {seed for cell in cells for seed in now.get(cell, {})} or {min(before[cells[0]])}
        tasks = list(dict.fromkeys(cell.task for cell in cells))
        found[arm] = command(like, like.arms[0].name, tasks, sorted(seeds), folder)
    return found


def render(findings: Sequence[Finding], tolerance: Tolerance, commands: Mapping[Arm, str]) -> str:
    """The whole judgement, 80 columns wide; `commands` make results that can be judged where these cannot."""
    kinds = [one.judgement for one in findings]
    counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys((STEADY, DRIFTED, UNJUDGED, *kinds))]
    notes = (
        f"{', '.join(counts)}; {sum(one.equal for one in findings)} equal to the digit.",
        f"Drift: more than {numbers.points(tolerance.margin)} points and more than noise, or more than "
        f"{numbers.points(tolerance.limit)} points; for the recall of PHI a loss of {numbers.points(PHI.margin)} and "
        f"{numbers.points(PHI.limit)}.",
    )
    arms = groupby(findings, key=lambda one: one.cell.of_arm)
    tables = tuple(_table(arm, list(found), commands.get(arm)) for arm, found in arms)
    return terminal.render([Section(name="check", title="Drift from the reference", notes=notes, tables=tables)])


def _table(arm: Arm, findings: Sequence[Finding], command: str | None) -> Table:
    remedy = ["What is not judged here can be after:"] if command else []
    return Table(
        name="check",
        title=" ".join(arm),
        align="llrrrrl",
        header=("task", "measure", "before", "now", "change", "noise", "judgement"),
        rows=tuple(_row(one) for one in findings),
        notes=(*_reasons(findings), *_documents(findings), *remedy),
        commands=(command,) if command else (),
    )


def _row(one: Finding) -> tuple[str, ...]:
    if one.unit == POINTS:
        before, now = ("" if math.isnan(value) else numbers.points(value) for value in (one.before, one.now))
        change = "" if math.isnan(one.now - one.before) else numbers.points(one.now - one.before, signed=True)
        noise = "" if math.isnan(one.noise) else f"±{numbers.points(one.noise)}"
    else:
        before, now = ("" if math.isnan(value) else f"{value:.3g}" for value in (one.before, one.now))
        change, noise = numbers.ratio(one.now, one.before), ""
    return one.cell.task, one.measure, before, now, change, noise, "equal" if one.equal else one.judgement


def _reasons(findings: Sequence[Finding]) -> Iterator[str]:
    """Each reason once, with all that it is a reason for."""
    reasons: dict[str, list[str]] = {}
    for one in findings:
        if one.why:
            reasons.setdefault(one.why, []).append(f"{one.cell.task} {one.measure}")
    for why, names in reasons.items():
        yield f"{', '.join(names) if len(names) < len(findings) else 'All of them'}: {why}."


def _documents(findings: Sequence[Finding]) -> Iterator[str]:
    for one in findings:
        for change in one.changes[:MOST_DOCUMENTS]:
            yield f"{one.cell.task}, {document(change)}"
        if len(one.changes) > MOST_DOCUMENTS:
            yield f"{one.cell.task}: {len(one.changes) - MOST_DOCUMENTS} more documents differ; --json lists them."


def document(change: Change) -> str:
    """A document that differs: its id, and how its evidence differs."""
    moved = ", ".join(f"{one.column} {one.before:g} -> {one.now:g}" for one in change.moved)
    return f"{change.document} (seed {change.seed}), {change.metric}: {moved}"

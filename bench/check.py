"""`python -m bench check`: 0 nothing drifted, 1 something did, 2 it could not be judged."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import InputError

if TYPE_CHECKING:
    from bench.drift import Finding, Tolerance

STEADY, DRIFTED, UNJUDGED = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `check`."""
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="results to judge")
    parser.add_argument("--reference", type=Path, default=Path("results/reference"), metavar="DIR")
    parser.add_argument("--corpus", choices=("demo", "official"), default="demo", help="which results; default: demo")
    parser.add_argument("--margin", type=float, metavar="POINTS", help="changes up to this never drift")
    parser.add_argument("--limit", type=float, metavar="POINTS", help="changes beyond this drift at once")
    parser.add_argument("--update", action="store_true", help="make these results the reference; needs --why")
    parser.add_argument("--why", default="", metavar="TEXT", help="the reason, kept in the reference's HISTORY.md")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def main(args: argparse.Namespace) -> int:
    """Judges the results, or accepts them; the exit status."""
    from bench.drift import judge
    from bench.reference import accept
    from bench.store import read_all

    results = [result for result in read_all(args.results) if result.corpus == args.corpus]
    if args.update:
        accepted = accept(results, args.reference, args.why)
        print(f"{len(accepted)} results are now the reference in {args.reference}")
        return STEADY
    old = read_all(args.reference.parent, args.reference.name)
    if len(old) != len(list(args.reference.rglob("result.json"))):
        raise InputError(f"Not every result in {args.reference} can be read: restore it")
    tolerance = _tolerance(args)
    findings = judge([result for result in old if result.corpus == args.corpus], results, tolerance)
    if not findings:
        raise InputError(f"There is no {args.corpus} reference in {args.reference}: make one with --update --why")
    print(_json(findings) if args.json else _text(findings, tolerance), end="")
    return status(findings)


def status(findings: Sequence[Finding]) -> int:
    """1 where anything drifted, 2 where nothing did but something could not be judged, 0 where all is steady."""
    judgements = {finding.judgement for finding in findings}
    if judgements == {"steady"}:
        return STEADY
    return DRIFTED if "drifted" in judgements else UNJUDGED


def _tolerance(args: argparse.Namespace) -> Tolerance:
    from bench.drift import LIMIT, MARGIN, Tolerance

    margin = MARGIN if args.margin is None else args.margin / 100
    return Tolerance(margin, LIMIT if args.limit is None else args.limit / 100)


def _json(findings: Sequence[Finding]) -> str:
    from bench import strict_json

    return strict_json.dumps({"status": status(findings), "findings": findings}, indent=1) + "\n"


def _text(findings: Sequence[Finding], tolerance: Tolerance) -> str:
    from bench.report import terminal, words
    from bench.report.table import Section, Table

    reasons = [f"{_name(one)}: {one.judgement}: {one.why}." for one in findings if one.why]
    found = [one.judgement for one in findings]
    counts = [f"{found.count(kind)} {kind}" for kind in ("steady", "drifted", "not judged")]
    table = Table(
        name="check",
        title=f"{', '.join(counts)}. Drift: more than {words.points(tolerance.margin)} points and more than noise, or "
        f"more than {words.points(tolerance.limit)} points.",
        align="llrrrl",
        header=("task", "arm", "before", "now", "95 % interval", "judgement"),
        rows=tuple(_row(one) for one in findings),
        notes=tuple(reasons),
    )
    return terminal.render([Section(name="check", title="Drift from the reference", notes=(), tables=(table,))])


def _name(one: Finding) -> str:
    return f"{one.place.comparison} {one.place.arm} {one.place.task}"


def _row(one: Finding) -> tuple[str, ...]:
    from bench.report import words

    before, now = ("" if value != value else words.points(value) for value in (one.before, one.now))
    low, high = (words.points(bound, signed=True) for bound in (one.low, one.high))
    known = not math.isnan(one.low)
    return one.place.task, one.place.arm, before, now, f"[{low}, {high}]" if known else "", one.judgement

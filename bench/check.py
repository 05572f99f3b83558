"""`python -m bench check`: 0 nothing drifted, 1 something did, 2 it could not be judged."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import InputError

if TYPE_CHECKING:
    from bench.drift.findings import Finding
    from bench.drift.judge import Rule
    from bench.store import Result

OK, DRIFT, UNKNOWN = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `check`."""
    add = parser.add_argument
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="results to judge")
    add("--reference", type=Path, default=Path("results/reference"), metavar="DIR")
    add("--corpus", choices=("demo", "official"), default="demo", help="which results; default: demo")
    add("--margin", type=float, metavar="POINTS", help="changes of a score up to this never drift")
    add("--limit", type=float, metavar="POINTS", help="changes of a score beyond this drift at once")
    add("--exact", action="store_true", help="what is not equal to the reference, document by document, has drifted")
    add("--update", action="store_true", help="make these results the reference; needs --why")
    add("--why", default="", metavar="TEXT", help="the reason, kept in the reference's HISTORY.md")
    add("--json", action="store_true", help="print the findings as JSON")
    add("--junit", type=Path, metavar="FILE", help="write the findings as JUnit XML too")
    in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
    add("--github", action="store_true", default=in_actions, help="annotate a pull request (default in GitHub Actions)")


def main(args: argparse.Namespace) -> int:
    """Judges the results, or accepts them; the exit status."""
    from bench.reference import accept, read_reference
    from bench.store import read_all

    results = [result for result in read_all(args.results) if result.corpus == args.corpus]
    if args.update:
        accepted = accept(results, args.reference, args.why)
        print(f"{len(accepted)} results are now the reference in {args.reference}")
        return OK
    reference = [result for result in read_reference(args.reference) if result.corpus == args.corpus]
    if not reference:
        raise InputError(f"There is no {args.corpus} reference in {args.reference}: make one with --update --why")
    rule = _rule(args)
    findings = _findings(reference, results, rule)
    _tell(args, findings, rule)
    return status(findings)


def status(findings: Sequence[Finding]) -> int:
    """1 where anything drifted, 2 where nothing did but something could not be judged, 0 where all is steady."""
    from bench.drift.findings import DRIFTED, STEADY, UNCOMPARED

    judgements = {finding.judgement for finding in findings}
    if DRIFTED in judgements:
        return DRIFT
    return OK if STEADY in judgements and judgements <= {STEADY, UNCOMPARED} else UNKNOWN


def _rule(args: argparse.Namespace) -> Rule:
    from bench.drift.findings import SCORE, Tolerance
    from bench.drift.judge import Rule

    margin = SCORE.margin if args.margin is None else args.margin / 100
    return Rule(Tolerance(margin, SCORE.limit if args.limit is None else args.limit / 100), exact=args.exact)


def _findings(reference: Sequence[Result], results: Sequence[Result], rule: Rule) -> list[Finding]:
    from bench.drift.judge import judge
    from bench.drift.speed import judge_speed

    found = [*judge(reference, results, rule), *judge_speed(reference, results)]
    return sorted(found, key=lambda one: (one.place.comparison, one.place.arm))


def _tell(args: argparse.Namespace, findings: Sequence[Finding], rule: Rule) -> None:
    from bench import strict_json
    from bench.drift import github, junit, text
    from bench.report.files import show

    if args.junit:
        args.junit.parent.mkdir(parents=True, exist_ok=True)
        args.junit.write_text(junit.render(findings), encoding="utf-8")
    if args.json:
        print(strict_json.dumps({"status": status(findings), "findings": findings}, indent=1))
    else:
        show(text.render(findings, rule.tolerance))
    if args.github:
        # GitHub reads both streams; on this one a --json stays JSON.
        sys.stderr.write(github.render(findings))

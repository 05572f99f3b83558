"""`python -m bench check`: 0 nothing drifted, 1 something did, 2 it could not be judged."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.core.errors import InputError, about

if TYPE_CHECKING:
    from bench.drift.findings import Arm, Finding
    from bench.drift.judge import Tolerance
    from bench.store.runs import Result

OK, DRIFT, UNKNOWN = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `check`."""
    add = parser.add_argument
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="results to judge")
    add("--reference", type=Path, default=Path("results/reference"), metavar="DIR")
    add("--corpus", default="demo", metavar="NAME", help="demo (of any size), official, or demo-x0.1; default: demo")
    add("--margin", type=float, metavar="POINTS", help="changes of a score up to this never drift")
    add("--limit", type=float, metavar="POINTS", help="changes of a score beyond this drift at once")
    add("--exact", action="store_true", help="what is not equal to the reference, document by document, has drifted")
    add("--update", action="store_true", help="make these results the reference; needs --why")
    add("--why", default="", metavar="TEXT", help="the reason, kept in the reference's HISTORY.md")
    add("--prune", action="store_true", help="with --update: drop what these comparisons have and is not given")
    add("--json", action="store_true", help="print the findings as JSON")
    add("--junit", type=Path, metavar="FILE", help="write the findings as JUnit XML too")
    in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
    add("--github", action="store_true", default=in_actions, help="annotate a pull request (default in GitHub Actions)")


def main(args: argparse.Namespace) -> int:
    """Judges the results, or accepts them; the exit status."""
    from bench.drift.judge import SCORE, Rule, Tolerance, judge
    from bench.drift.reference import accept, read_reference
    from bench.drift.speed import judge_speed
    from bench.drift.text import commands
    from bench.report.comparison import Selection

    asked = Selection(corpora=(args.corpus,))
    results = [result for result in _whole_arms(args.results) if asked.takes(result)]
    if args.update:
        for line in accept(results, args.reference, args.why, args.prune):
            print(line)
        return OK
    reference = [result for result in read_reference(args.reference) if asked.takes(result)]
    if not reference:
        raise InputError(f"There is no {args.corpus} reference in {args.reference}: make one with --update --why")
    margin = SCORE.margin if args.margin is None else args.margin / 100
    tolerance = Tolerance(margin, SCORE.limit if args.limit is None else args.limit / 100)
    findings = judge(reference, results, Rule(tolerance, exact=args.exact)) + judge_speed(reference, results)
    findings.sort(key=lambda one: one.cell.of_arm)
    _print(args, findings, tolerance, commands(findings, reference, results, args.results))
    for name in sorted({one.name.comparison for one in results} - {one.name.comparison for one in reference}):
        sys.stderr.write(f"{name} was not looked at: the reference has nothing of it\n")
    return status(findings)


def _whole_arms(results: Path) -> list[Result]:
    """The results of arms of which every seed can be read: a part of them would be judged as if it were all."""
    from bench.store.runs import RESULT, RUNS, read_all

    found = read_all(results)
    there = {path.parent for path in (results / RUNS).glob(f"*/*/*/seed-*/{RESULT}")}
    lost = {folder.parent for folder in there - {one.folder for one in found}}
    return [one for one in found if one.folder and one.folder.parent not in lost]


def status(findings: Sequence[Finding]) -> int:
    """1 where anything drifted, 2 where nothing did but something could not be judged, 0 where all is steady."""
    from bench.drift.findings import DRIFTED, STEADY, UNCOMPARED

    judgements = {finding.judgement for finding in findings}
    if DRIFTED in judgements:
        return DRIFT
    return OK if STEADY in judgements and judgements <= {STEADY, UNCOMPARED} else UNKNOWN


def _print(
    args: argparse.Namespace, findings: Sequence[Finding], tolerance: Tolerance, commands: Mapping[Arm, str]
) -> None:
    from bench.drift import ci, text
    from bench.store import strict_json

    if args.junit:
        args.junit.parent.mkdir(parents=True, exist_ok=True)
        with about(args.junit):
            args.junit.write_text(ci.junit(findings), encoding="utf-8")
    if args.json:
        found = {"status": status(findings), "findings": findings, "commands": [*commands.values()]}
        print(strict_json.dumps(found, indent=1))
    else:
        sys.stdout.write(text.render(findings, tolerance, commands))
    if args.github:
        # GitHub reads both streams; on this one a --json stays JSON.
        sys.stderr.writelines(ci.github_annotations(findings))

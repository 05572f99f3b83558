"""`python -m bench report`: the comparison on the terminal, or in another format, or all of them in a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.store.sanitise import sanitise

# Nothing else is imported before a report is asked for: help starts at once.
_FORMS = {
    "json": "print tidy rows, one a score",
    "csv": "print tidy rows, one a score",
    "markdown": "print tables for a README",
    "latex": "print a document for pdflatex",
    "html": "print one page for a browser",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `report`."""
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="where the results lie")
    parser.add_argument("--tasks", nargs="+", default=(), metavar="TASK", help="only these tasks")
    parser.add_argument("--baselines", nargs="+", default=(), metavar="BASELINE", help="only these baselines or arms")
    parser.add_argument("--seeds", nargs="+", default=(), type=int, metavar="SEED", help="only these seeds")
    parser.add_argument("--corpus", choices=("demo", "official"), help="only results on these corpora")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write every format and all figures to this folder")
    parser.add_argument(
        "--eval-cards",
        action="store_true",
        help="write an Every Eval Ever record and model-card metadata of each run, to the report's folder",
    )
    form = parser.add_mutually_exclusive_group()
    for name, what in _FORMS.items():
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name, help=what)


def main(args: argparse.Namespace) -> int:
    """Prints the report in the form asked for; 0, or InputError where there is nothing to report."""
    from bench.report import files
    from bench.report.comparison import Selection

    selection = Selection(
        tasks=tuple(args.tasks),
        baselines=tuple(args.baselines),
        seeds=tuple(args.seeds),
        corpora=(args.corpus,) if args.corpus else (),
    )
    report = files.read(args.results, selection)
    if args.out:
        for path in files.write_files(report, args.out):
            sys.stderr.write(f"{sanitise(str(path))}\n")
    if args.eval_cards:
        written = files.write_eval_cards(report, args.out or args.results / "report")
        sys.stderr.write(f"{len(written)} eval cards are in {sanitise(str(written[0].parents[4]))}\n")
    if args.form or not (args.out or args.eval_cards):
        sys.stdout.write(report.text(args.form) if args.form else files.printed(report))
    return 0

"""Honest trainings and trainings with a defect, and what the drift check says of each: makes the tables of
docs/drift.md.

    python tests/seed_defects.py --results DIR [--only honest NAME ...]

It takes about an hour of one processor core. What is finished is kept; the same command goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import MappingProxyType
from unittest.mock import patch

import defects
from bench import cli
from bench.drift.findings import Finding
from bench.drift.judge import Rule, judge
from bench.reference import accept, read_reference
from bench.report import words
from bench.store import Result, read_all

SPANS, PAIRS = "i2b2_2010", "n2c2_2019"
# Half the demo's notes: enough to be learnt, and small enough for thirty trainings.
WHAT = f"--tasks {SPANS} {PAIRS} --baselines multitask --scale 0.5 --epochs 4 {PAIRS}=3 --precision float32".split()
REFERENCE, HONEST = range(5), range(5, 25)
SEED_OF_DEFECTS = 25

DEFECTS: MappingProxyType[str, Callable[[], AbstractContextManager[None]]] = MappingProxyType(
    {
        "heads left out of the optimiser": defects.heads_left_out,
        "offsets one short": defects.offsets_one_short,
        "offsets one short after a note's first window": lambda: defects.offsets_one_short(from_window=1),
        "padding in the loss": defects.padding_in_the_loss,
        f"{PAIRS}: shuffled labels": lambda: defects.taught(PAIRS, defects.shuffled),
        f"{SPANS}: treatment and test swapped": lambda: defects.taught(SPANS, defects.swapped("treatment", "test")),
        f"{SPANS}: treatments not read": lambda: defects.taught(SPANS, defects.forgotten(["treatment"])),
        f"{SPANS}: test set in training": lambda: defects.leaked_test_set(SPANS),
    }
)


def main(argv: Sequence[str]) -> int:
    """Trains what is missing, then prints the tables; 0 if every defect is caught and no alarm is false."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=("honest", *DEFECTS), metavar="NAME", help="do no more than these")
    args = parser.parse_args(argv)
    _train(args.results / "honest", (*REFERENCE, *HONEST)) if "honest" in (args.only or ["honest"]) else None
    for name, defect in DEFECTS.items():
        if name in (args.only or DEFECTS):
            _train(_folder(args.results, name), [SEED_OF_DEFECTS], defect())
    return 0 if args.only else _judge(args.results)


def _folder(results: Path, name: str) -> Path:
    return results / name.replace(" ", "-").replace(":", "").replace("'", "")


def _train(results: Path, seeds: Iterable[int], defect: AbstractContextManager[None] | None = None) -> None:
    silent = (patch(f"bench.report.files.{name}", lambda *paths: None) for name in ("print_report", "write_report"))
    with defect or nullcontext(), next(silent), next(silent):
        if cli.main(["run", *WHAT, "--results", str(results), "--seeds", *map(str, seeds)]):
            sys.exit(1)


def _judge(results: Path) -> int:
    honest = {one.seed: one for one in read_all(results / "honest")}
    accept([honest[seed] for seed in REFERENCE], results / "reference", "five honest trainings")
    reference = read_reference(results / "reference")
    alarms = _honest_table(reference, [honest[seed] for seed in HONEST])
    missed = _defects_table(reference, results)
    return int(bool(alarms or missed))


def _honest_table(reference: Sequence[Result], reruns: Sequence[Result]) -> int:
    found = [judge(reference, [one], Rule()) for one in reruns]
    print(f"{len(reruns)} honest reruns, each against the same {len(reference)} trainings:\n")
    print("| task | measure | reference | reruns | largest change | noise | alarms |\n|:--|:--|--:|--:|--:|--:|--:|")
    for each in zip(*found, strict=True):
        place, measure = each[0].place, each[0].measure
        old = [one.scores[place.task].metrics[0].value for one in reference]
        now = [one.now for one in each]
        change, alarms = max(abs(one.now - one.before) for one in each), sum(one.judgement != "steady" for one in each)
        cells = (words.mean_and_spread(old), words.mean_and_spread(now), words.points(change), _noise(each[0]), alarms)
        print(f"| {place.task} | {measure} | {' | '.join(map(str, cells))} |")
    return sum(one.judgement != "steady" for each in found for one in each)


def _defects_table(reference: Sequence[Result], results: Path) -> int:
    missed = 0
    print("\n| defect | task | before | now | noise | judgement |\n|:--|:--|--:|--:|--:|:--|")
    for name in DEFECTS:
        found = judge(reference, read_all(_folder(results, name)), Rule())
        missed += all(one.judgement == "steady" for one in found)
        for one in found:
            cells = (one.place.task, words.points(one.before), words.points(one.now), _noise(one), one.judgement)
            print(f"| {name} | {' | '.join(cells)} |")
    return missed


def _noise(one: Finding) -> str:
    return f"±{words.points(one.noise)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Honest trainings, trainings with a defect, and what the drift check says of each: the tables of docs/drift.md.

    python tests/seed_defects.py --results DIR

Real trainings of a small encoder on small corpora: two minutes of one core. What is finished is kept.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median

import defects
from bench.drift.findings import STEADY
from bench.drift.judge import Rule, judge
from bench.report import numbers
from bench.store.runs import Result, read_all
from conftest import make_encoder
from small_trainings import SCORES, SPANS, SmallBench

HONEST, IN_REFERENCE, CHOICES = range(20), 5, 20
"""Seeds, trainings in a reference, and how many references are drawn for each honest training from the others."""

SEED_OF_DEFECTS = 0
"""One of the reference, so that on one machine the check can also say in how many documents the evidence differs."""

NONE = "none"
DEFECTS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    NONE: nullcontext,
    "heads left out of the optimiser": defects.heads_left_out,
    "offsets one short": defects.offsets_one_short,
    "offsets one short after a note's first window": lambda: defects.offsets_one_short(from_window=1),
    "padding in the loss": defects.padding_in_the_loss,
    f"{SCORES}: shuffled labels": lambda: defects.training_set_changed(SCORES, defects.gold_shuffled),
    f"{SPANS}: PATIENT and DATE swapped": lambda: defects.training_set_changed(
        SPANS, defects.labels_swapped("PATIENT", "DATE")
    ),
    f"{SPANS}: DATE not read": lambda: defects.training_set_changed(SPANS, defects.labels_lost(["DATE"])),
    f"{SPANS}: test set in training": lambda: defects.leaked_test_set(SPANS),
}


def main(argv: Sequence[str]) -> int:
    """Trains what is missing, then prints the tables; 0 if every defect is caught and no alarm is false."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, metavar="DIR")
    args = parser.parse_args(argv)
    results = args.results.resolve()
    bench = SmallBench(results, make_encoder(results / "encoder"))
    bench.train("honest", *HONEST)
    for name, defect in DEFECTS.items():
        with defect():
            bench.train(_folder(name), SEED_OF_DEFECTS)
    return _judge(results)


def _folder(defect: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in defect)


def _judge(results: Path) -> int:
    honest = {one.seed: one for one in read_all(results / "honest")}
    alarms = _honest_table([honest[seed] for seed in HONEST])
    missed = _defects_table([honest[seed] for seed in HONEST[:IN_REFERENCE]], results)
    print(f"\n{alarms} false alarms, {missed} defects missed")
    return int(bool(alarms or missed))


def _honest_table(honest: Sequence[Result]) -> int:
    """Each training against references drawn from the others; the number of alarms."""
    draw, found = random.Random(0), []
    for one in honest:
        others = [other for other in honest if other is not one]
        found += [judge(draw.sample(others, IN_REFERENCE), [one], Rule()) for _ in range(CHOICES)]
    print(f"{len(honest)} honest trainings, each against {CHOICES} references of {IN_REFERENCE} others:\n")
    print("| task | measure | mean and spread | largest change | median noise | alarms |\n|:--|:--|--:|--:|--:|--:|")
    for each in zip(*found, strict=True):
        scores, changes = [one.now for one in each[::CHOICES]], [abs(one.now - one.before) for one in each]
        noise, alarms = median(one.noise for one in each), sum(one.judgement != STEADY for one in each)
        cells = (numbers.mean_and_spread(scores), numbers.points(max(changes)), numbers.points(noise), f"{alarms}")
        print(f"| {each[0].cell.task} | {each[0].measure} | {' | '.join(cells)} |")
    return sum(one.judgement != STEADY for each in found for one in each)


def _defects_table(reference: Sequence[Result], results: Path) -> int:
    """Each defect against the same reference; the number of those of which neither scores nor documents tell."""
    missed = 0
    print("\n| defect | task | measure | before | now | noise | judgement | documents |")
    print("|:--|:--|:--|--:|--:|--:|:--|--:|")
    for name in DEFECTS:
        found = judge(reference, read_all(results / _folder(name)), Rule())
        told = any(one.judgement != STEADY or one.changes for one in found)
        missed += told is (name == NONE)
        for one in found:
            noise = "" if one.equal else numbers.points(one.noise)
            figures = f"{numbers.points(one.before)} | {numbers.points(one.now)} | {noise}"
            judgement = "equal" if one.equal else one.judgement
            print(f"| {name} | {one.cell.task} | {one.measure} | {figures} | {judgement} | {len(one.changes) or ''} |")
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The commands whose results can be judged, where what is there could not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.drift.findings import UNJUDGED, Arm, Finding, Place
from bench.drift.judge import by_place
from bench.report.arms import Selection
from bench.report.comparison import comparisons
from bench.report.missing import command
from bench.store.runs import Result


def commands(
    findings: Sequence[Finding], reference: Sequence[Result], results: Sequence[Result], folder: Path
) -> dict[Arm, str]:
    """One for each arm of which something is not judged, with the settings of the reference and the seeds at hand."""
    before, now = by_place(reference), by_place(results)
    unjudged: dict[Arm, list[Place]] = {}
    for one in findings:
        if one.judgement == UNJUDGED:
            unjudged.setdefault(one.place.of_arm, []).append(one.place)
    found = {}
    for arm, places in unjudged.items():
        (like,) = comparisons([next(iter(before[place].values())) for place in places], Selection())
        seeds = {seed for place in places for seed in now.get(place, {})} or {min(before[places[0]])}
        found[arm] = command(
            like, like.arms[0].name, list(dict.fromkeys(one.task for one in places)), sorted(seeds), folder
        )
    return found

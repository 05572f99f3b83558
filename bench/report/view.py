"""A comparison with what is worked out for it once, so that every table and figure shares it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from baselines.core.settings import Settings
from bench.report.comparison import DEMO, Comparison, Selection, comparisons
from bench.report.missing import expected
from bench.report.tables.cost import Cost, cost_of
from bench.report.tables.differences import Contrast, contrasts
from bench.store.runs import read_all
from tasks.core.errors import InputError


@dataclass(frozen=True)
class View:
    """One comparison, and the arms that a reader looks for in it, run or not."""

    comparison: Comparison
    arms: tuple[str, ...]

    @cached_property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Each arm against the single-task baseline; takes a second, and only some formats need it."""
        return tuple(contrasts(self.comparison))

    @cached_property
    def costs(self) -> dict[str, Cost]:
        """What each arm that learns cost for all tasks together; without those that no seed has whole."""
        found = {arm.name: cost_of(self.comparison, arm) for arm in self.comparison.trained}
        return {name: cost for name, cost in found.items() if cost}

    @property
    def title(self) -> str:
        """What the comparison is of; it says so where the corpora are made up."""
        what = "Demo corpora (made up: these are not clinical results)" if self.demo else "Official corpora"
        one = self.comparison
        head = "" if one.span_head == Settings.span_head else f", {one.span_head} span heads"
        return f"{what}, encoder {one.encoder}{head}"

    @property
    def demo(self) -> bool:
        """Whether the corpora are made up."""
        return self.comparison.kind == DEMO

    def contrast(self, arm: str) -> Contrast | None:
        """An arm against the single-task baseline, where both have been run."""
        return next((found for found in self.contrasts if found.arm == arm), None)


def views(results: Path, selection: Selection) -> list[View]:
    """Every comparison below the results folder; InputError where there is none."""
    found = comparisons(read_all(results), selection)
    if not found:
        raise InputError(
            f"There is no finished run to report in {results}, or none that the filters let through: "
            "run `python -m bench run --all`, or name its folder with --results."
        )
    return [View(one, tuple(expected(one, selection.baselines))) for one in found]

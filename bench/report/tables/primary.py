"""The main table: every task's primary score in each arm, and whether an arm that learns in company differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from bench.report import words
from bench.report.comparison import FLOOR, SINGLE, Comparison
from bench.report.missing import gaps, stands_for
from bench.report.table import Cell, Table
from bench.report.tables.differences import NOT_RUN, Contrast, caveats, lines, not_compared, told
from bench.report.tables.published import JAMIA_MULTI, JAMIA_SINGLE, Published, footnotes
from bench.report.tables.scores import PARTLY, score_cell, values
from bench.report.view import View
from bench.statistics.comparing import MARGIN

_CONTRAST = ("diff.", "95 % interval", "p (Holm)", "verdict")
_MEAN = "mean"


@dataclass(frozen=True, slots=True)
class _Column:
    """A heading, and the cell of each row by its name; `cut`: a table too wide is best cut before it."""

    head: str
    cell: Callable[[str], str]
    side: str = "r"
    cut: bool = False


def primary_table(view: View, commands: Sequence[str]) -> Table:
    """One row a task: primary metric, size of the test set, the score of each arm, and its difference from single."""
    one, papers = view.comparison, () if view.demo else (JAMIA_SINGLE, JAMIA_MULTI)
    beside = [paper for paper in papers if set(paper.figures) & set(one.tasks)]
    columns = [*_about(view), *(column for name in view.arms for column in _arm(view, name)), *_papers(beside)]
    return Table(
        name=f"{one.name}-scores",
        title="Scores on the test sets (x100)",
        align="".join(column.side for column in columns),
        header=tuple(column.head for column in columns),
        rows=tuple(tuple(column.cell(row) for column in columns) for row in (*one.tasks, _MEAN)),
        # What holds of two arms is said once; what is missing comes last, before its commands.
        notes=tuple(dict.fromkeys((*_notes(view), *(footnotes(beside) if beside else ()), *_lacking(view, commands)))),
        commands=tuple(commands),
        total=True,
        cuts=tuple(place for place, column in enumerate(columns) if column.cut),
    )


def _about(view: View) -> Iterator[_Column]:
    one = view.comparison
    yield _Column("task", str, "l")
    yield _Column("metric", lambda row: "" if row == _MEAN else one.primary(row), "l")
    yield _Column("test", lambda row: "" if row == _MEAN else _tested(one, row))


def _tested(one: Comparison, task: str) -> str:
    """The test examples of a task, in every arm its own."""
    results = (result for arm in one.arms for result in arm.by_task.get(task, {}).values())
    return " or ".join(dict.fromkeys(words.count(result.scores[task].examples.get("test")) for result in results))


def _arm(view: View, name: str) -> Iterator[_Column]:
    """The scores of an arm and, if it learns in company, how they differ from what learns alone."""
    others = [arm for arm in view.arms if _contrasted(view, arm)]
    yield _Column(
        name,
        lambda row: _mean_cell(view, name) if row == _MEAN else score_cell(view.comparison, name, row),
        cut=name in others[1:],
    )
    for place, head in enumerate(_CONTRAST if name in others else ()):
        yield _Column(
            head,
            lambda row, place=place: _difference(view.contrast(name), row)[place],  # type: ignore[misc]
            "l" if head == "verdict" else "r",
            cut=place == 0 and name == others[0],
        )


def _papers(beside: Sequence[Published]) -> Iterator[_Column]:
    for place, paper in enumerate(beside):
        yield _Column(
            f"{paper.source.mark} {paper.short}",
            lambda row, paper=paper: "" if row == _MEAN else paper.cell(row),  # type: ignore[misc]
            cut=place == 0,
        )


def _contrasted(view: View, arm: str) -> bool:
    return SINGLE in view.arms and arm not in (FLOOR, SINGLE)


def _difference(contrast: Contrast | None, row: str) -> tuple[str, ...]:
    found = {one.name: one for one in lines(contrast)} if contrast else {}
    if row in found:
        return told(found[row])
    reason = contrast.unpaired.get(row, NOT_RUN) if contrast else NOT_RUN
    return (words.MISSING,) * 4 if reason == NOT_RUN else (*["none"] * 3, f"not compared: {reason}")


def _mean_cell(view: View, name: str) -> Cell:
    """The mean over tasks of the seeds that have them all."""
    one = view.comparison
    scores = [values(one, name, task, one.primary(task)) for task in one.tasks]
    whole = sorted(set.intersection(*map(set, scores)))
    means = [fmean(score[seed] for score in scores) for seed in whole]
    partly = means and any(gaps(one, name, task) for task in one.tasks)
    return Cell(words.mean_and_spread(means) + (PARTLY if partly else ""), words.each(means))


def _notes(view: View) -> Iterator[str]:
    one, seeds = view.comparison, ", ".join(map(str, view.comparison.seeds))
    if len(one.seeds) > 1:
        yield f"Mean ± standard deviation over seeds {seeds}."
    else:
        yield f"One seed ({seeds}): how much another seed would change these scores is unknown."
    if any(_contrasted(view, name) for name in view.arms):
        yield (
            "diff.: the arm to its left minus single_task, over the seeds both have. p: after Holm's correction over "
            f"the tasks. The margin of the verdict is {words.points(MARGIN)} points."
        )
    for contrast in view.contrasts:
        yield from caveats(contrast)
        yield from (f"Not compared: {contrast.arm}, {what}." for what in not_compared(contrast))


def _lacking(view: View, commands: Sequence[str]) -> Iterator[str]:
    yield from stands_for(view.comparison, commands)
    if any(gaps(view.comparison, name, task) for name in view.arms for task in view.comparison.tasks):
        yield f'Cells that say "missing", or end in {PARTLY} (only some seeds are there), are filled by:'

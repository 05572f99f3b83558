"""What an arm gains over the single-task baseline: as it is judged, by resampling, relative, and what causes the doubt.

Each table has one row a task, then their mean where every task has the same seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench.report import numbers
from bench.report.comparison import Comparison, Contrast
from bench.report.table import Table
from bench.statistics import variance
from bench.statistics.calibrated import holds, nearest
from bench.statistics.comparing import MARGIN, MOST_SEEDS, UNDECIDED, Difference, seeds_to_decide, verdict
from bench.statistics.paired import Paired
from bench.statistics.resampling import RESAMPLES, resample

POSITIVE, NEGATIVE, UNCLEAR = "positive", "negative", "unclear"


def difference_cells(found: Difference) -> tuple[str, str, str, str]:
    """The difference in points, its interval, its p-value and its verdict."""
    gain = numbers.points(found.value, signed=True)
    return gain, numbers.interval(found.low, found.high), numbers.p_value(found.p), verdict(found)


def difference(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task: difference, interval, p-value after Holm, verdict; then the mean over tasks."""
    no_mean = contrast.mean is None and (contrast.unpaired or len(contrast.each) > 1)
    return Table(
        title=f"Difference: {contrast.arm} minus single_task, in points",
        align="lrrrrl",
        header=("task", "diff.", "95 % interval", "p (Holm)", "seeds", "verdict"),
        rows=tuple((line.name, *difference_cells(line)[:3], str(line.seeds), verdict(line)) for line in contrast.lines),
        notes=(
            "Interval and p: Student's t, of seeds crossed with examples (docs/statistics.md); Holm corrects p over "
            "the tasks, not the intervals, and the mean is one test of its own. better, worse: the interval leaves out "
            f"0 and p < 0.05. no worse: the interval ends above -{numbers.points(MARGIN)} points.",
            *unreliable(contrast),
            *(["No mean over tasks: not every task has the same seeds in both arms."] if no_mean else []),
            *(f"Not compared: {what}." for what in not_compared(contrast)),
        ),
    )


def not_compared(contrast: Contrast) -> list[str]:
    """Each reason once, with the tasks that it keeps from being compared."""
    return [f"{', '.join(tasks)}: {why}" for why, tasks in numbers.names_by(contrast.unpaired.items()).items()]


def unreliable(found: Contrast) -> Iterator[str]:
    """Where the interval and p do not hold: one seed, and what calibration has measured otherwise or not at all."""
    if any(paired.seeds == 1 for paired in found.pairs):
        yield "Where seeds is 1, seed variance is unknown: interval, p and verdict speak of these trained models alone."
    missed = [(one.name, what) for one in found.pairs if one.seeds > 1 and (what := _calibration(one))]
    if missed:
        reasons = "; ".join(f"{', '.join(tasks)}: {what}" for what, tasks in numbers.names_by(missed).items())
        yield f"Calibration does not vouch for all of these intervals (type I error, 3.5 to 6.5 % demanded): {reasons}."


def _calibration(paired: Paired) -> str | None:
    """The type I errors that calibration measured of tests like this one; None where they are as demanded."""
    cells = nearest(paired.formula, paired.examples, paired.seeds)
    if not cells:
        return "not measured for this metric with so few examples"
    if holds(cells):
        return None
    shares = [100 * cell.type_one for cell in cells]
    where = f"{cells[0].examples} examples, {cells[0].seeds} seeds"
    return f"{min(shares):.1f} to {max(shares):.1f} % ({where})"


def resampling(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task: what the hierarchical bootstrap and paired randomisation say."""
    each, mean = resample(contrast.pairs)
    resampled = [*each, *([mean] if mean and contrast.mean else [])]
    return Table(
        title=f"The same by resampling: {contrast.arm} minus single_task, in points",
        align="lrrr",
        header=("task", "95 % interval (t)", "95 % interval (bootstrap)", "p (randomisation)"),
        rows=tuple(
            (
                line.name,
                numbers.interval(line.low, line.high),
                numbers.interval(one.low, one.high),
                "" if line is contrast.mean else numbers.p_value(one.p),
            )
            for line, one in zip(contrast.lines, resampled, strict=True)
        ),
        notes=(
            "Percentile bootstrap of seeds, then examples, and approximate randomisation over examples within matched "
            f"seeds, {RESAMPLES:,} draws each, the same in both arms, p not corrected. Neither keeps its "
            "error with few seeds (docs/statistics.md), so verdicts rest on t.",
        ),
    )


def _sign(difference: Difference) -> str:
    """The sign of the transfer, where the corrected p-value shows one; negative transfer is a task that loses."""
    if not difference.p < 1 - variance.LEVEL:
        return UNCLEAR
    return POSITIVE if difference.value > 0 else NEGATIVE


def transfer(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task, then their means, of which that of the relative changes is the field's Delta_m."""
    effects = []
    for effect in (variance.relative_change, variance.error_reduction):
        each = [variance.estimate(paired, effect) for paired in contrast.pairs]
        effects.append([*each, *([variance.mean_over_tasks(each)] if contrast.mean else [])])
    named = {sign: [one.name for one in contrast.each if _sign(one) == sign] for sign in (POSITIVE, NEGATIVE, UNCLEAR)}
    counts = [f"{sign} on {len(names)}" + (f" ({', '.join(names)})" if names else "") for sign, names in named.items()]
    notes = [
        f"Transfer is {', '.join(counts)}.",
        "gain: in points. change: relative to the score of single_task. errors: relative to what that lacks to 100, so "
        "+10 % is a tenth of the errors gone. positive, negative: where p after Holm is below 0.05.",
    ]
    return Table(
        title=f"Transfer: what sharing does to each task, {contrast.arm} against single_task",
        align="lrrrrrl",
        header=("task", "gain", "change", "95 % interval", "errors", "95 % interval", "transfer"),
        rows=tuple(
            (line.name, numbers.points(line.value, signed=True), *_percent(change), *_percent(error), _sign(line))
            for line, change, error in zip(contrast.lines, *effects, strict=True)
        ),
        notes=(*notes, *(["The mean change is Delta_m of the multitask literature."] if contrast.mean else [])),
    )


def _percent(one: variance.GainEstimate) -> tuple[str, str]:
    figures = [f"{100 * figure + 0.0:+.1f}" for figure in (one.value, *one.interval()) if math.isfinite(figure)]
    value = figures[0] + " %" if figures else numbers.UNDEFINED
    return value, f"[{figures[1]}, {figures[2]}]" if len(figures) == 3 else numbers.UNDEFINED


def budget(comparison: Comparison, contrast: Contrast) -> Table:
    """One row a task, then their mean."""
    return Table(
        title=f"What the doubt comes from: {contrast.arm} minus single_task, and the seeds that would settle it",
        align="lrrrrr",
        header=("task", "seeds", "from seeds", "examples", "from examples", "seeds to decide"),
        rows=tuple(
            (
                line.name,
                str(line.seeds),
                numbers.UNKNOWN if line.seeds == 1 else numbers.points(line.seed_spread),
                str(line.examples),
                numbers.points(line.example_spread),
                _seeds(line, 1 if line is contrast.mean else len(contrast.each)),
            )
            for line in contrast.lines
        ),
        notes=(
            "From seeds, from examples: standard deviations of the difference, in points, that other trainings and "
            "another test set would cause. Seeds to decide: the fewest with which 8 of 10 such experiments reach a "
            "verdict, if difference and variances seen are the true ones; none: what the examples leave open remains "
            f"open with {MOST_SEEDS} seeds.",
        ),
    )


def _seeds(difference: Difference, tests: int) -> str:
    if verdict(difference) != UNDECIDED:
        return "decided"
    needed = seeds_to_decide(difference, tests)
    if math.isnan(needed):
        return numbers.UNKNOWN if difference.seeds == 1 else numbers.UNDEFINED
    return "none" if math.isinf(needed) else str(round(needed))

"""A plan as lines of text: one a run, or for a large grid one an arm and state, and why runs are done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from bench.runner.plan import DONE, Planned
from bench.runner.progress import duration
from bench.runner.schedule_estimate import ScheduleEstimate, schedule

Seconds = Callable[[Iterable[Planned]], float | None]
"""What runs take that are due, None where it is not known."""

MOST_LINES = 100
"""A plan of more runs than this is told in sums."""

MOST_REASONS = 20


def lines(runs: Sequence[Planned], seconds: Seconds) -> Iterator[str]:
    """The states of runs, and how long those that are due will take."""
    if len(runs) <= MOST_LINES:
        yield from (
            _line(one.state, one.run.title + (f": {one.why}" if one.why else ""), [one], seconds) for one in runs
        )
        return
    groups: dict[tuple[str, str], list[Planned]] = {}
    for one in runs:
        groups.setdefault((one.state, one.run.arm), []).append(one)
    for (state, arm), group in groups.items():
        yield _line(state, f"{arm} · {_runs(len(group))}", group, seconds)
    yield from _reasons(runs)


def _line(state: str, what: str, runs: Sequence[Planned], seconds: Seconds) -> str:
    return f"{state:<9}{'' if state == DONE else about(seconds(runs)):<20}{what}"


def again(runs: Sequence[Planned]) -> Iterator[str]:
    """Why runs are done again: a line a run, or of many a line a reason."""
    if len(runs) <= MOST_LINES:
        return (f"{one.run.title} again: {one.why}" for one in runs if one.why)
    return _reasons(runs)


def _reasons(runs: Iterable[Planned]) -> Iterator[str]:
    """Why runs are done again, each reason once, the commonest first; a damaged one's own folder is no reason apart."""
    counts = Counter(one.why.replace(one.name.path.as_posix(), "RUN") for one in runs if one.why)
    for why, count in counts.most_common(MOST_REASONS):
        yield f"{_runs(count)} again: {why}"
    if (left := sum(counts.values()) - sum(count for _, count in counts.most_common(MOST_REASONS))) > 0:
        yield f"{_runs(left)} again for {len(counts) - MOST_REASONS:,} other reasons"


def on_gpus(runs: Iterable[Planned], seconds: Seconds, gpus: int) -> str:
    """How long the runs that are due take on so many GPUs, and how well these are used."""
    found = on_workers(runs, seconds, gpus)
    where = f"on {gpus:,} GPU{'s' * (gpus != 1)}, one run each, the longest first"
    busy = f", {found.efficiency:.0%} of their time busy" if found else ""
    return f"{where}: {about(found.seconds if found else None)}{busy}"


def on_workers(runs: Iterable[Planned], seconds: Seconds, workers: int) -> ScheduleEstimate | None:
    """The schedule of the runs that are due, so many at once; None where it is not known what each takes."""
    due = [one for one in runs if one.state != DONE]
    each = [taken for one in due if (taken := seconds([one])) is not None]
    if len(each) < len(due):
        return None
    places = {one.name: place for place, one in enumerate(due)}
    starts = [places.get(one.name.start) if one.name.start else None for one in due]
    return schedule(list(zip(each, starts, strict=True)), workers)


def about(seconds: float | None) -> str:
    """An estimate in words."""
    return "unknown time" if seconds is None else f"about {duration(seconds)}"


def _runs(count: int) -> str:
    return f"{count:,} run{'s' * (count != 1)}"

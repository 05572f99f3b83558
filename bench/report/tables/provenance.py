"""What the figures depend on: versions, device, digests and settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields

from baselines.core.settings import Settings
from bench.report import numbers
from bench.report.comparison import Comparison
from bench.report.numbers import distinct
from bench.report.table import Table
from bench.store.environment import Environment


def table(comparison: Comparison) -> Table:
    """One row a thing that the figures depend on; the floor's has neither device nor encoder of interest."""
    runs, tasks = comparison.results, comparison.tasks
    learned = [result for arm in comparison.trained for result in arm.results] or runs
    notices = {task: distinct(numbers.notices(run.notices[task]) for run in runs if run.notices.get(task))
               for task in tasks}  # fmt: skip
    rows = [
        *_fields("", [one.environment for one in learned]),
        ("precision", _all(one.training.precision for one in learned)),
        ("encoder digest", _short(one.fingerprints.encoder for one in learned)),
        ("code digest", _short(one.fingerprints.code for one in learned)),
        *((f"corpus {task}", _short(one.fingerprints.corpora.get(task) for one in runs)) for task in tasks),
        *((f"notices {task}", " or ".join(found)) for task, found in notices.items() if found),
        *_fields("setting ", [one.settings for one in learned]),
        ("seeds", ", ".join(map(str, comparison.seeds))),
        ("finished", f"{min(one.finished for one in learned)} to {max(one.finished for one in learned)}"),
    ]
    return Table(
        title="What these figures depend on",
        align="ll",
        header=("what", "value"),
        rows=tuple(rows),
    )


def _fields(prefix: str, records: Sequence[Environment] | Sequence[Settings]) -> Iterator[tuple[str, str]]:
    for field in fields(records[0]):
        yield prefix + field.name, _all(getattr(record, field.name) for record in records)


def _all(found: Iterable[object]) -> str:
    return ", ".join(distinct(found)) or "none"


def _short(digests: Iterable[str | None]) -> str:
    return ", ".join(digest[:12] for digest in distinct(digests))

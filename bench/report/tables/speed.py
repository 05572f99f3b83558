"""What `python -m bench speed` measured, as sections of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.report.comparison import DEMO, kind_of
from bench.report.table import Section
from bench.report.tables import inference, training
from bench.report.tables.speed_layout import title
from bench.store import speed_record as record
from bench.store.speed_record import Speed


def sections(speeds: Sequence[Speed], whole: bool) -> list[Section]:
    """A section for each measurement; without `whole` its first table alone."""
    found = [section(speed) for speed in speeds]
    return found if whole else [replace(one, tables=one.tables[:1]) for one in found]


def section(speed: Speed) -> Section:
    """One measurement as a section of its own; a table travels without it, and says itself that notes are made up."""
    mark = " [demo: not clinical results]" if kind_of(speed.corpus) == DEMO else ""
    tables = {
        record.INFERENCE: inference.tables,
        record.TRAINING: training.of_training,
        record.GROWTH: training.of_growth,
    }
    name = "-".join(speed.path.parts)
    found = tuple(
        replace(one, name=f"{name}{one.name and '-'}{one.name}", title=one.title + mark)
        for one in tables[speed.kind](speed)
    )
    return Section(name=name, title=title(speed) + mark, notes=(), tables=found)

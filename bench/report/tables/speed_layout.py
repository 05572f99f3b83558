"""What the tables of speed share: their title, their one layout, and how a timing is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from bench.report import numbers
from bench.report.comparison import DEMO, kind_of
from bench.report.table import Table
from bench.store import speed_record as record
from bench.store.speed_record import Speed, Timing

UNITS = MappingProxyType(
    {record.READING: "a character", record.PREPARING: "a character", record.TRAINING: "a token",
     record.DEVELOPMENT: "an example"}
)  # fmt: skip
"""The unit of each stage of growth."""

SUBJECTS = MappingProxyType(
    {
        record.CORPUS: ("Training against the size of the corpus", "times the demo", tuple(UNITS)),
        record.HEADS: ("Training against the number of heads", "tasks", (record.TRAINING,)),
        record.LENGTH: ("Training against the length of a note", "characters", (record.PREPARING, record.TRAINING)),
        record.BATCH: ("Training with full batches of the paper's sizes", "windows", ()),
    }
)
"""What grows -> the title of its measurement, what its sizes count, and the stages shown by the unit."""


def title(speed: Speed) -> str:
    """What was measured where; it says so where the notes are made up."""
    here, notes = speed.environment, "demo notes (made up)" if kind_of(speed.corpus) == DEMO else "official notes"
    what = {record.INFERENCE: "Inference", record.TRAINING: f"Training on {speed.subject}"}.get(speed.kind)
    device = here.processor if here.device == "cpu" else here.device
    threads = f"{here.threads} thread{'s' * (here.threads != 1)}"
    return f"{what or SUBJECTS[speed.subject][0]}: {notes}, encoder {speed.encoder}, {device}, {threads}"


Rows = Iterable[Sequence[str]]


def table(name: str, title: str, header: Sequence[str], rows: Rows, notes: Iterable[str] = ()) -> Table:
    """The one layout: what a row is about, and then figures; `name` follows that of the measurement."""
    cells = tuple(map(tuple, rows))
    first = "r" if all(row[0].replace(",", "").isdecimal() for row in cells) else "l"
    align = first + "r" * (len(header) - 1)
    return Table(name=name, title=title, align=align, header=tuple(header), rows=cells, notes=tuple(notes))


Key = tuple[str, str, str]
"""The work, arm and task of timings, "" for any."""

Column = tuple[Any, ...]
"""A function that writes one timing or several, and the key of each."""


def by_size(
    speed: Speed, work: str, heading: tuple[str, str, str], columns: Mapping[str, Column], notes: Iterable[str] = ()
) -> Table:
    """A row for each size at which a work was measured; the heading is name, title and what a size counts."""
    name, title, unit = heading

    def cell(size: int, show: Callable[..., str], *keys: Key) -> str:
        return show(*(speed.timing(work, arm, size, task) for work, arm, task in keys))

    rows = [[numbers.count(size), *(cell(size, *column) for column in columns.values())] for size in speed.sizes(work)]
    return table(name, title, (unit, *columns), rows, notes)


def _known(form: str, value: float) -> str:
    return form.format(value) if math.isfinite(value) else numbers.UNKNOWN


decimal, milliseconds, percent = (partial(_known, form) for form in ("{:,.1f}", "{:.1f} ms", "{:.0%}"))


def time(timing: Timing) -> str:
    """The seconds of a round."""
    return numbers.duration(timing.median_seconds)


def rate(timing: Timing) -> str:
    """Units a second."""
    return decimal(timing.units_per_second)


def peak(timing: Timing) -> str:
    """The peak memory of the process."""
    return numbers.size(timing.peak_bytes)


def above_base(timing: Timing) -> str:
    """The peak memory beyond Python and its libraries."""
    return numbers.size(timing.bytes_above_base)


def gflops_of_product(speed: Speed, arm: str) -> str:
    """What large matrix products reached beside an arm, in GFLOP/s."""
    product = speed.timing(record.PRODUCT, arm)
    return numbers.count(product.flops / product.median_seconds / 1e9)

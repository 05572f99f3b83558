"""The tables of `python -m bench growth`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from bench.report import numbers
from bench.report.table import Section, Table
from bench.store.growth_record import (
    BATCH,
    CORPUS,
    DEVELOPMENT,
    HEADS,
    LENGTH,
    PREPARING,
    READING,
    SECOND,
    TRAINING,
    WRITING,
    Growth,
    Point,
    Stage,
)

LIMIT_BYTES = 8_000_000_000
"""What training at BERT-base's size with the paper's batches must fit in."""


MEASURED = (PREPARING, TRAINING, DEVELOPMENT, SECOND)
"""The stages whose memory is shown."""


@dataclass(frozen=True)
class Column:
    """A stage as tables and figures show it: of one task, or of all together (None), with what its units are."""

    stage: str
    unit: str
    task: str | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return f"{self.task or self.stage}, {self.unit}"

    def of(self, point: Point) -> Stage | None:
        """The stage at a point, if it was measured there."""
        return point.stage(self.stage, self.task)


@dataclass(frozen=True)
class Show:
    """How a measurement is shown: what grows, and its stages."""

    title: str
    size: str
    columns: Callable[[Growth], tuple[Column, ...]]
    once: tuple[str, ...] = ()


def _of_tasks(growth: Growth) -> tuple[Column, ...]:
    return Column(TRAINING, "a sub-word"), *(Column(TRAINING, "a sub-word", task) for task in growth.tasks)


SHOWN = MappingProxyType(
    {
        CORPUS: Show(
            "Training against the size of the corpus",
            "times the demo",
            lambda growth: (
                Column(READING, "a character"),
                Column(PREPARING, "a character"),
                Column(TRAINING, "a sub-word"),
                Column(DEVELOPMENT, "an example"),
            ),
            once=(WRITING, READING, PREPARING, SECOND),
        ),
        HEADS: Show("Training against the number of heads", "tasks", _of_tasks),
        LENGTH: Show(
            "Training against the length of a note",
            "characters",
            lambda growth: (Column(PREPARING, "a character"), Column(TRAINING, "a sub-word")),
        ),
        BATCH: Show("Training with full batches of the paper's sizes", "windows", _of_tasks),
    }
)


def where(growth: Growth) -> str:
    """What was measured where, in words."""
    here = growth.environment
    device = here.processor if here.device == "cpu" else here.device
    return f"demo notes (made up), encoder {growth.encoder}, {device}, {here.threads} thread{'s' * (here.threads != 1)}"


def section(growth: Growth) -> Section:
    """One measurement as a section of its own."""
    return Section(
        name=name(growth),
        title=f"{SHOWN[growth.against].title}: {where(growth)}",
        notes=(),
        tables=tuple(_batch_tables(growth) if growth.against == BATCH else _tables(growth)),
    )


def name(growth: Growth) -> str:
    """The stem of the files that show a measurement."""
    return "-".join(growth.path.parts)


def above_libraries(point: Point, stage: Stage | None) -> int | None:
    """The most memory of a stage beyond what Python and its libraries hold."""
    if stage is None or stage.peak_bytes is None or point.libraries_bytes is None:
        return None
    return max(0, stage.peak_bytes - point.libraries_bytes)


def peaks(point: Point) -> list[Stage]:
    """Every stage in which memory was looked at."""
    return [stage for name in MEASURED if (stage := point.stage(name)) is not None]


def _tables(growth: Growth) -> Iterator[Table]:
    shown = SHOWN[growth.against]
    if shown.once:
        yield _table(growth, "Seconds", [(stage, partial(_seconds, stage)) for stage in shown.once])
    columns = [(column.title, partial(_per_unit, column)) for column in shown.columns(growth)]
    columns.append(("sub-words in an update", partial(_update_size, growth)))
    yield _table(growth, "Microseconds for each unit", columns)
    stages = list(dict.fromkeys(stage.name for point in growth.points for stage in peaks(point)))
    yield _table(growth, "Peak memory beyond the libraries", [(stage, partial(_memory, stage)) for stage in stages])


def _table(growth: Growth, title: str, columns: Sequence[tuple[str, Callable[[Point], str]]]) -> Table:
    shown = SHOWN[growth.against]
    return Table(
        name=f"{name(growth)}-{title.split()[0].lower()}",
        title=title,
        align="r" * (1 + len(columns)),
        header=(shown.size, *(head for head, _ in columns)),
        rows=tuple((numbers.count(point.size), *(cell(point) for _, cell in columns)) for point in growth.points),
    )


def _seconds(stage: str, point: Point) -> str:
    found = point.stage(stage)
    return numbers.UNKNOWN if found is None else numbers.duration(found.seconds)


def _per_unit(column: Column, point: Point) -> str:
    found = column.of(point)
    return "" if found is None else f"{1e6 * found.seconds / found.units:,.4g}"


def _update_size(growth: Growth, point: Point) -> str:
    """As many batches of each task were timed as make the updates asked for."""
    trained = [stage for stage in point.stages if stage.name == TRAINING]
    updates = len(trained) * -(-growth.updates // max(1, len(trained)))
    return numbers.count(sum(stage.units for stage in trained) / updates if trained else None)


def _memory(stage: str, point: Point) -> str:
    return numbers.size(above_libraries(point, point.stage(stage)))


def _batch_tables(growth: Growth) -> Iterator[Table]:
    (point,) = growth.points
    rows = [_batch_row(task, point) for task in growth.tasks]
    yield Table(
        name=f"{name(growth)}-memory",
        title="Time and peak memory of the process in an update",
        align="lrrrr",
        header=("task", "sub-words", "time", "sub-words a second", "peak memory"),
        rows=tuple(rows),
        notes=(
            f"Batches of {growth.settings.span_batch} windows of {growth.settings.max_length} sub-words and of "
            f"{growth.settings.pair_batch} pairs of {growth.settings.pair_max_length}, all of them full; optimiser, "
            "best weights and checkpoints are there. Python and its libraries hold "
            f"{numbers.size(point.libraries_bytes)} of it.",
        ),
    )


def _batch_row(task: str, point: Point) -> tuple[str, ...]:
    stage = point.stage(TRAINING, task)
    if stage is None:
        return task, *(numbers.UNKNOWN,) * 4
    return (
        task, numbers.count(stage.units), numbers.duration(stage.seconds), numbers.count(stage.units / stage.seconds),
        numbers.size(stage.peak_bytes),
    )  # fmt: skip

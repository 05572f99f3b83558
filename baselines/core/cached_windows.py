"""Windows that a training reads in every epoch, made once: held in memory, or in an Arrow file that is memory-mapped.

T tokens of a window, R read positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from baselines.core import checksummed
from baselines.core.windows import ExampleWindows, Window
from tasks.core.kinds import Task

_TYPES = {"input_ids": "int32", "token_type_ids": "uint8", "read_positions": "int32", "offset_mapping": "int32"}

_NOTHING = np.zeros(0, dtype=np.int64)
_NO_WINDOW = Window(_NOTHING, _NOTHING, _NOTHING, _NOTHING.reshape(0, 2), np.zeros(0))
"""The row of an example without windows, such as a blank text: it must still be answered, with no mention."""

_Row = tuple[Window, str]
"""A window and, where it is the first of an example of the dev set, that example as JSON."""


def cached_train_windows(windows: Iterable[Window], file: Path | None) -> Sequence[Window]:
    """The windows, read from their file if it is valid; else they are made, and written to the file if one is given."""
    return list(windows) if file is None else _cached(((window, "") for window in windows), file)


def cached_dev_windows(
    task: Task[Any, Any], examples: Iterable[ExampleWindows], file: Path | None
) -> Iterable[ExampleWindows]:
    """Examples with their windows, to be iterated again and again; cached as `cached_train_windows` caches windows."""
    if file is None:
        return list(examples)
    return MappedExamples(task, _cached((row for one in examples for row in _rows(task, *one)), file))


def read_ids(windows: Sequence[Window]) -> np.ndarray:
    """Every token id in windows, once and in order."""
    parts = windows.ids() if isinstance(windows, MappedWindows) else (window.input_ids for window in windows)
    return np.unique(np.concatenate([np.unique(part) for part in parts])).astype(np.int64)


class MappedWindows(Sequence[Window]):
    """Windows in an Arrow file; each is read from disk when it is asked for."""

    def __init__(self, file: Path) -> None:
        from datasets import Dataset

        # Columns as they lie in the file: to ask the dataset itself for a row takes fifty times as long.
        self._batches = Dataset.from_file(str(file)).data.table.to_batches()
        self._starts = np.cumsum([0, *map(len, self._batches)])
        columns = [[batch[name] for name in (*_TYPES, "targets")] for batch in self._batches]
        # Of a column of lists: where each list begins and ends, and the values of all of them.
        self._columns = [[(lists.offsets.to_numpy(), lists.values.to_numpy()) for lists in each] for each in columns]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, number: Any) -> Any:
        batch, row = self._locate(int(number))
        *arrays, targets = (values[starts[row] : starts[row + 1]] for starts, values in self._columns[batch])
        ids, types, positions, offsets = (array.astype(np.int64) for array in arrays)
        # The file holds flat lists. A flat head has one target for each read position, a nested one a row of them.
        width = len(targets) // max(len(positions), 1)
        targets = targets.reshape(-1, width) if width > 1 else targets
        return Window(ids, types, positions, offsets.reshape(-1, 2), targets)

    def example(self, number: int) -> str:
        """The example whose first window is this one, as JSON; empty where it is not the first."""
        batch, row = self._locate(number)
        return str(self._batches[batch]["example"][row])

    def ids(self) -> Iterator[np.ndarray]:
        """The token ids of all windows, some thousand windows at a time."""
        return (columns[0][1] for columns in self._columns)

    def _locate(self, number: int) -> tuple[int, int]:
        if not 0 <= number < len(self):
            raise IndexError(number)
        batch = int(np.searchsorted(self._starts, number, side="right")) - 1
        return batch, number - int(self._starts[batch])


class MappedExamples(Iterable[ExampleWindows]):
    """Examples with their windows, from an Arrow file."""

    def __init__(self, task: Task[Any, Any], rows: MappedWindows) -> None:
        self._task, self._rows = task, rows

    def __iter__(self) -> Iterator[ExampleWindows]:
        begins = (number for number in range(len(self._rows)) if self._rows.example(number))
        for begin, end in pairwise(chain(begins, [len(self._rows)])):
            example, windows = self._rows.example(begin), [self._rows[number] for number in range(begin, end)]
            yield self._task.example_from_json(example), [window for window in windows if len(window.input_ids)]


def _rows(task: Task[Any, Any], example: Any, windows: Sequence[Window]) -> Iterator[_Row]:
    for number, window in enumerate(windows or [_NO_WINDOW]):
        yield window, "" if number else task.example_to_json(example)


def _cached(rows: Iterable[_Row], file: Path) -> MappedWindows:
    if not checksummed.is_valid(file):
        with checksummed.write(file) as unfinished:
            _write(iter(rows), unfinished)
    return MappedWindows(file)


def _write(rows: Iterator[_Row], file: Path) -> None:
    from datasets import Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    # Targets have the type of the first window's: classes, or similarity scores.
    first = next(rows, None)
    targets = str(first[0].targets.dtype) if first else "int64"
    lists = {name: List(Value(kind)) for name, kind in {**_TYPES, "targets": targets}.items()}
    with ArrowWriter(features=Features(lists | {"example": Value("string")}), path=str(file)) as writer:
        for window, example in chain([first] if first else [], rows):
            writer.write({name: getattr(window, name).ravel() for name in lists} | {"example": example})
        writer.finalize()

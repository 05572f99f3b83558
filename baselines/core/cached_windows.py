"""What a training reads again and again, cut once: in memory, or in an Arrow file that is mapped, not loaded.

T sub-words of a window, R places a head reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from baselines.core import checksummed as sealed
from baselines.core.windows import ExampleWindows, Window
from tasks.core.kinds import Task

_NOTHING = np.zeros(0, dtype=np.int64)
_NO_WINDOW = Window(_NOTHING, _NOTHING, _NOTHING, _NOTHING.reshape(0, 2), np.zeros(0))
"""Stands for the windows of a text that has none."""

_TYPES = {"input_ids": "int32", "token_type_ids": "uint8", "read_positions": "int32", "offset_mapping": "int32"}

_Row = tuple[Window, str]
"""A window and, where an example that is kept begins with it, that example as JSON."""


def cached_train_windows(windows: Iterable[Window], file: Path | None) -> Sequence[Window]:
    """The windows, from their file where it is whole; else they are made, and kept there if there is a file."""
    return list(windows) if file is None else _kept(((window, "") for window in windows), file)


def cached_dev_windows(
    task: Task[Any, Any], cuts: Iterable[ExampleWindows], file: Path | None
) -> Iterable[ExampleWindows]:
    """Examples with their windows, to be gone through again and again; kept as `cached_train_windows` keeps windows."""
    if file is None:
        return list(cuts)
    return MappedCuts(task, _kept((row for cut in cuts for row in _rows(task, *cut)), file))


def read_ids(windows: Sequence[Window]) -> np.ndarray:
    """Every sub-word id that stands in windows, once and in order."""
    parts = windows.ids() if isinstance(windows, MappedWindows) else (window.input_ids for window in windows)
    return np.unique(np.concatenate([np.unique(part) for part in parts])).astype(np.int64)


class MappedWindows(Sequence[Window]):
    """Windows in an Arrow file; each is read from disk when it is asked for."""

    def __init__(self, file: Path) -> None:
        from datasets import Dataset

        # Columns as they lie in the file: to ask the dataset itself for a row takes fifty times as long.
        self._batches = Dataset.from_file(str(file)).data.table.to_batches()
        self._starts = np.cumsum([0, *map(len, self._batches)])
        self._columns = [[_column(batch[name]) for name in (*_TYPES, "targets")] for batch in self._batches]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, place: Any) -> Any:
        batch, row = self._found(int(place))
        *wholes, targets = (values[starts[row] : starts[row + 1]] for starts, values in self._columns[batch])
        input_ids, token_type_ids, read_positions, offset_mapping = (part.astype(np.int64) for part in wholes)
        # A flat head has one target for each place, a nested one a row of them.
        width = len(targets) // max(len(read_positions), 1)
        return Window(
            input_ids,
            token_type_ids,
            read_positions,
            offset_mapping.reshape(-1, 2),
            targets.reshape(-1, width) if width > 1 else targets,
        )

    def begins(self, place: int) -> str:
        """The example that begins with the window at a place, as JSON; empty where none does."""
        batch, row = self._found(place)
        return str(self._batches[batch]["begins"][row])

    def ids(self) -> Iterator[np.ndarray]:
        """The sub-word ids of all of them, some thousand windows at a time."""
        return (columns[0][1] for columns in self._columns)

    def _found(self, place: int) -> tuple[int, int]:
        if not 0 <= place < len(self):
            raise IndexError(place)
        batch = int(np.searchsorted(self._starts, place, side="right")) - 1
        return batch, place - int(self._starts[batch])


class MappedCuts(Iterable[ExampleWindows]):
    """Examples of a task with their windows, from the rows of an Arrow file."""

    def __init__(self, task: Task[Any, Any], rows: MappedWindows) -> None:
        self._task, self._rows = task, rows

    def __iter__(self) -> Iterator[ExampleWindows]:
        example = ""
        windows: list[Window] = []
        for place in range(len(self._rows)):
            if begun := self._rows.begins(place):
                if example:
                    yield self._task.example_from_json(example), windows
                example, windows = begun, []
            window = self._rows[place]
            if len(window.input_ids):
                windows.append(window)
        if example:
            yield self._task.example_from_json(example), windows


def _rows(task: Task[Any, Any], example: Any, windows: Sequence[Window]) -> Iterator[_Row]:
    for place, window in enumerate(windows or [_NO_WINDOW]):
        yield window, "" if place else task.example_to_json(example)


def _column(rows: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of a column of lists where each begins and ends, and all their values."""
    return rows.offsets.to_numpy(), rows.values.to_numpy()


def _kept(rows: Iterable[_Row], file: Path) -> MappedWindows:
    if not sealed.is_whole(file):
        with sealed.written(file) as unfinished:
            _write(iter(rows), unfinished)
    return MappedWindows(file)


def _write(rows: Iterator[_Row], file: Path) -> None:
    from datasets import Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    first = next(rows, None)
    targets = str(first[0].targets.dtype) if first else "int64"
    lists = {name: List(Value(kind)) for name, kind in {**_TYPES, "targets": targets}.items()}
    with ArrowWriter(features=Features(lists | {"begins": Value("string")}), path=str(file)) as writer:
        for window, begins in chain([first] if first else [], rows):
            writer.write({name: getattr(window, name).ravel() for name in lists} | {"begins": begins})
        writer.finalize()

"""The windows that a training reads again and again: in memory, or in an Arrow file that is mapped, not loaded.

T sub-words of a window, R places a head reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from baselines.core.windows import Window
from tasks.core.private import private


def taught(windows: Iterable[Window], file: Path | None) -> Sequence[Window]:
    """The windows, from their file where it is whole; else they are made, and kept there if there is a file."""
    if file is None:
        return list(windows)
    if found := _mapped(file):
        return found
    stream = iter(windows)
    first = next(stream, None)
    if first is None:
        return []
    _write(chain([first], stream), first.targets.dtype, file)
    return MappedWindows(file)


def read_ids(windows: Sequence[Window]) -> np.ndarray:
    """Every sub-word id that stands in windows, once and in order."""
    seen: set[int] = set()
    for window in windows:
        seen.update(window.ids.tolist())
    return np.array(sorted(seen), dtype=np.int64)


class MappedWindows(Sequence[Window]):
    """Windows in an Arrow file; each is read from disk when it is asked for."""

    def __init__(self, file: Path) -> None:
        from datasets import Dataset

        self._rows = Dataset.from_file(str(file)).with_format("numpy")

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> Any:
        row = self._rows[int(place)]
        places = row["places"].astype(np.int64)
        # A flat head has one target for each place, a nested one a row of them.
        rows = row["targets"].reshape(len(places), -1)
        return Window(
            ids=row["ids"].astype(np.int64),
            segments=row["segments"].astype(np.int64),
            places=places,
            characters=np.zeros((0, 2), dtype=np.int64),  # Nothing is answered in training.
            targets=rows[:, 0] if rows.shape[1] == 1 else rows,
        )


def _mapped(file: Path) -> MappedWindows | None:
    """The windows of a file; None where there is none, or what a full disk or a power cut has left of one."""
    try:
        return MappedWindows(file) if file.is_file() else None
    except (OSError, ValueError):  # Arrow's own errors are of these.
        return None


def _write(windows: Iterator[Window], targets: np.dtype[Any], file: Path) -> None:
    from datasets import Features, List, Value
    from datasets.arrow_writer import ArrowWriter

    types = {"ids": "int32", "segments": "uint8", "places": "int32", "targets": str(targets)}
    features = Features({name: List(Value(kind)) for name, kind in types.items()})
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
    with private():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with ArrowWriter(features=features, path=str(unfinished)) as writer:
                for window in windows:
                    writer.write({name: getattr(window, name).ravel() for name in types})
                writer.finalize()
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)

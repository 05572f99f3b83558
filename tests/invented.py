"""Invented corpora for tests: those under tests/corpora, and small ones laid out or packed on the spot."""

from __future__ import annotations

import importlib
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tasks.core.errors import InputError
from tasks.core.examples import Span
from tasks.core.files.corpus import Corpus
from tasks.core.kinds import Task

FOLDER = Path(__file__).parent / "corpora"
NAMES = (
    "i2b2_2010", "i2b2_2012", "i2b2_2014", "n2c2_2018", "quaero_2014", "mednli", "medrqe_2016", "n2c2_2019",
)  # fmt: skip


def task(name: str) -> Task[Any, Any]:
    """A task by its name."""
    found = importlib.import_module(f"tasks.{name}").TASK
    assert isinstance(found, Task)
    return found


def splits() -> list[tuple[str, str]]:
    """Every official split of every task."""
    return [(name, split) for name in NAMES for split in task(name).official_splits]


def span(mention: str) -> Span:
    """A mention written as `label start-end` or `label start-end;start-end`."""
    label, places = mention.split(" ")
    pairs = (place.split("-") for place in places.split(";"))
    return Span(tuple((int(start), int(end)) for start, end in pairs), label)


def laid(folder: Path, files: Mapping[str, str | bytes]) -> Corpus:
    """The files written below a folder, as a corpus."""
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    return Corpus(folder)


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder with its relative path."""
    for place in sorted(folder.rglob("*")):
        if place.is_file():
            yield place.relative_to(folder).as_posix(), place.read_bytes()


def packed(folder: Path, archive: Path, top: str = "") -> None:
    """Pack a folder as the archive's suffix says, in an order that is not that of the names."""
    members = [(top + name, data) for name, data in reversed(list(contents(folder)))]
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in members:
                file.writestr(name, data)
        return
    with tarfile.open(archive, "w" if archive.suffix == ".tar" else "w:gz") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def refused(name: str, corpus: Corpus, split: str = "train") -> str:
    """What the error says that reading a split ends with."""
    with pytest.raises(InputError) as caught:
        list(task(name).read(corpus, split))
    return str(caught.value)

"""The files on disk of a corpus, by number: which of them were opened, and what bytes they hold."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from tasks.core.errors import InputError

Opener = Callable[[], BinaryIO]
POINTERS = (b"version https://git-lfs.github.com/spec/", b"/annex/objects/")
"""How the files begin that Git LFS and git-annex leave where the real ones were not fetched."""
POINTER = "a pointer of Git LFS or git-annex; fetch the file that it stands for"


@contextmanager
def reading(path: str) -> Iterator[None]:
    """What a file on disk or in an archive may do when read, as the error a user is meant to meet."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror or type(error).__name__})") from error
    except (EOFError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: it cannot be read ({type(error).__name__}); is it truncated, locked by a password or protected?"
        ) from error


class Disk:
    """What lies below a folder; an archive is one file, whatever it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: list[str] = []  # a hundred thousand strings are lighter than as many paths
        self._opened: set[int] = set()

    def opener(self, place: Path) -> _Opener:
        """What opens a file, which is from now on one of those here."""
        self._places.append(str(place))
        return _Opener(self, len(self._places) - 1)

    def open(self, number: int, member: Opener | None) -> BinaryIO:
        """A file, or what is a member of it as an archive."""
        self._opened.add(number)
        stream = member() if member else self._path(number).open("rb")
        if cast(BufferedReader, stream).peek(len(POINTERS[0])).startswith(POINTERS):
            raise InputError(f"{self._places[number]}: {POINTER}")
        return stream

    @contextmanager
    def opening(self) -> Iterator[set[int]]:
        """The numbers of the files that are opened meanwhile."""
        before, self._opened = self._opened, set()
        try:
            yield self._opened
        finally:
            self._opened |= before

    def digest(self, numbers: Iterable[int]) -> str:
        """A SHA-256 of the names and bytes of files; OSError where one is gone, IndexError where there is none."""
        total = hashlib.sha256()
        for number in numbers:
            with self._path(number).open("rb") as file:
                total.update(repr(self._places[number]).encode() + hashlib.file_digest(file, "sha256").digest())
        return total.hexdigest()

    def _path(self, number: int) -> Path:
        return self._folder / self._places[number]


@dataclass(frozen=True, slots=True)
class _Opener:
    disk: Disk
    number: int
    member: Opener | None = None

    def __call__(self) -> BinaryIO:
        return self.disk.open(self.number, self.member)

"""What lies below a data folder, on disk and in archives; what cannot be looked into is warned of and skipped."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from tasks.core.errors import InputError
from tasks.core.files import archives
from tasks.core.files.archives import Opener
from tasks.core.files.corpus_file import CorpusFile

BROKEN = "archive that cannot be read"
POINTERS = (b"version https://git-lfs.github.com/spec/", b"/annex/objects/")
"""How the files begin that Git LFS and git-annex leave where the real ones were not fetched."""
POINTER = "a pointer of Git LFS or git-annex; fetch the file that it stands for"

Warn = Callable[[str, None, str, str], None]  # path, no line, kind, what


class Disk:
    """The files below a folder by number, and which of them were opened; an archive is one file, whatever it holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []  # a hundred thousand strings are lighter than as many paths
        self._opened: set[int] = set()

    def files(self, warn: Warn) -> Iterator[CorpusFile]:
        """Every file: first those on disk, then those in archives."""
        found = [(path, size) for path, size in self._walk(warn) if not _is_litter(path.as_posix())]
        for path, size in found:
            if not _is_archive(path.name):
                if path.name.lower().endswith(archives.OTHERS):
                    warn(shown(path), None, "archive of another kind", "not looked into; unpack it")
                yield CorpusFile(shown(path), size, partial(self._open, self._add(path)))
        for path, _ in found:
            if _is_archive(path.name):
                yield from self._members(path, warn)

    def _walk(self, warn: Warn) -> Iterator[tuple[Path, int]]:
        """Ordinary files. Links are not followed: they may lead out of the folder, or round in it."""

        def unlistable(error: OSError) -> None:
            path = Path(error.filename).relative_to(self._folder)
            warn(shown(path), None, "folder that cannot be listed", _reason(error))

        for above, below, names in os.walk(self._folder, onerror=unlistable):
            below.sort()
            for name in sorted(names + below):
                path = Path(above, name).relative_to(self._folder)
                try:
                    status = Path(above, name).lstat()
                except OSError as error:
                    warn(shown(path), None, "file that cannot be looked at", _reason(error))
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield path, status.st_size
                elif not stat.S_ISDIR(status.st_mode):
                    warn(shown(path), None, "link or device", "not followed")

    def _members(self, path: Path, warn: Warn) -> Iterator[CorpusFile]:
        number = self._add(path)
        try:
            members = archives.members(self._folder / path)
        except InputError as error:
            what = POINTER if _is_pointer(self._folder / path) else str(error).removeprefix(f"{self._folder / path}: ")
            warn(shown(path), None, BROKEN, what)
            return
        for member in members:
            name = shown(path / member.name.removeprefix("./").lstrip("/"))
            if _is_litter(name):
                continue
            if member.refused:
                warn(name, None, member.refused, "ignored")
            elif _is_archive(member.name):
                warn(name, None, "archive in an archive", "not looked into")
            else:
                yield CorpusFile(name, member.size, partial(self._open, number, member.open))

    def _add(self, path: Path) -> int:
        self._names.append(str(path))
        return len(self._names) - 1

    def _open(self, number: int, member: Opener | None = None) -> BinaryIO:
        """A stream of a file, or of a member of it where it is an archive."""
        self._opened.add(number)
        stream = member() if member else (self._folder / self._names[number]).open("rb")
        if cast(BufferedReader, stream).peek(len(POINTERS[0])).startswith(POINTERS):
            raise InputError(f"{self._names[number]}: {POINTER}")
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
            with (self._folder / self._names[number]).open("rb") as file:
                total.update(repr(self._names[number]).encode() + hashlib.file_digest(file, "sha256").digest())
        return total.hexdigest()


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _is_archive(name: str) -> bool:
    return name.lower().endswith(archives.SUFFIXES)


def _is_litter(path: str) -> bool:
    """Whether an operating system left it behind."""
    parts = path.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def _is_pointer(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(POINTERS[0])).startswith(POINTERS)
    return False


def shown(path: Path) -> str:
    """A path that is safe to print and to hash: what is not UTF-8 or steers a terminal is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path.as_posix())

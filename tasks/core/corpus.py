"""The files of a corpus, in folders and in archives alike, and what readers had to mend or skip in them."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tasks.core import archives
from tasks.core.disk import Disk, Opener
from tasks.core.errors import InputError, MissingCorpus

DOCUMENT_BYTES = 64 << 20
FILE_BYTES = 256 << 20
LINE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Notice:
    """Something mended or skipped: in which file, at which line (None: the file as a whole), of which kind."""

    file: str
    line: int | None
    kind: str
    what: str


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """What a file on disk or in an archive may do when read, as the error a user is meant to meet."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: it cannot be read ({error.strerror or type(error).__name__})") from error
    except (EOFError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: it cannot be read ({type(error).__name__}); is it truncated, locked by a password or protected?"
        ) from error


def _decoded(data: bytes, path: str, offset: int) -> str:
    """UTF-8 as it stands: U+FEFF at the start is text and counts in offsets."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = offset + error.start
    raise InputError(f"{path}: byte {place} is not UTF-8; get the file as it was published, or convert it to UTF-8")


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file of a corpus, wherever it lies. `path` is for people: `x.zip/inner/a.txt`; `key` what `find` captured."""

    path: str
    size: int
    opener: Opener
    key: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def wrong(self, line: int, what: str) -> InputError:
        """The error for what is wrong at a line."""
        return InputError(f"{self.path}, line {line}: {what}")

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in pieces, for formats that are read as a stream."""
        total = 0
        with _reading(self.path), self.opener() as stream:
            while chunk := stream.read(1 << 20):
                total += len(chunk)
                self._refuse_above(total, FILE_BYTES)
                yield chunk

    def read(self) -> bytes:
        """All its bytes; InputError where there are more than a document can have."""
        with _reading(self.path), self.opener() as stream:
            data = stream.read(min(self.size, DOCUMENT_BYTES) + 1)  # what is asked for is reserved
            if len(data) > self.size:
                data += stream.read(DOCUMENT_BYTES)
        self._refuse_above(len(data), DOCUMENT_BYTES)
        if len(data) < self.size:
            raise InputError(f"{self.path}: it ends after {len(data)} of {self.size} bytes; download it again")
        return data

    def _refuse_above(self, total: int, limit: int) -> None:
        if total > limit:
            raise InputError(f"{self.path}: it holds more than {limit >> 20} MiB, as no such file does; take it away")

    def text(self) -> str:
        """Its text, every character as it stands."""
        return _decoded(self.read(), self.path, 0)

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Its lines with their numbers from 1, as a stream; \n, \r and \r\n end one, U+2028 and its kind do not."""
        offset = 0
        for number, line in enumerate(self._byte_lines(), 1):
            if len(line) >= LINE_BYTES:
                raise self.wrong(number, f"it is longer than {LINE_BYTES >> 20} MiB; take it away")
            yield number, _decoded(line, self.path, offset).rstrip("\r\n")
            offset += len(line)

    def _byte_lines(self) -> Iterator[bytes]:
        rest = b""
        with _reading(self.path), self.opener() as stream:
            while chunk := stream.read(1 << 20):
                *whole, rest = (rest + chunk).splitlines(keepends=True)  # the last may not be whole, nor its \r\n
                yield from whole
                if len(rest) >= LINE_BYTES:
                    break
        if rest:
            yield rest


def _is_litter(path: str) -> bool:
    """What operating systems leave behind."""
    parts = path.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


class Corpus:
    """Everything below a data folder; several corpora may lie in it together."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._notices: dict[Notice, None] = {}  # an ordered set: what is read again is noted once
        self.passed_over: dict[Notice, None] = {}
        self._files: list[CorpusFile] | None = None
        self.disk = Disk(self.folder)  # what `files` lists

    @property
    def notices(self) -> list[Notice]:
        """What was noted so far."""
        return list(self._notices)

    @contextmanager
    def watched(self) -> Iterator[dict[Notice, None]]:
        """What is noted meanwhile, whether or not it was noted before."""
        before, self._notices = self._notices, {}
        try:
            yield self._notices
        finally:
            before.update(self._notices)
            self._notices = before

    @cached_property
    def listing(self) -> str:
        """A SHA-256 of what `files` and `passed_over` are: with the bytes that it opens, all that a reader can see."""
        total = hashlib.sha256()
        for file in self.files():
            total.update(repr((file.path, file.size)).encode())
        for note in self.passed_over:
            total.update(repr((note.file, note.kind)).encode())
        return total.hexdigest()

    def note(self, file: CorpusFile | str, line: int | None, kind: str, what: str) -> None:
        """Remember that something was mended or skipped; never with text of a note."""
        self._notices[Notice(file if isinstance(file, str) else file.path, line, kind, what)] = None

    def find(self, pattern: str | re.Pattern[str]) -> list[CorpusFile]:
        """The files whose path the pattern is found in, sorted by what its groups capture.

        Files that capture the same are copies of one: it counts once, unpacked rather than packed.
        """
        found: dict[tuple[str, ...], CorpusFile] = {}
        search = re.compile(pattern).search
        for file in self.files():
            if match := search(file.path):
                key = match.groups("")
                first = found.setdefault(key, replace(file, key=key))
                if first.size != file.size:
                    self.note(file, None, "copy that differs", f"not read; {first.path} is")
        return [found[key] for key in sorted(found)]

    def require(self, pattern: str | re.Pattern[str], official: str, url: str) -> list[CorpusFile]:
        """What `find` finds; MissingCorpus naming the official download where that is nothing."""
        if found := self.find(pattern):
            return found
        passed = f" ({len(self.passed_over)} were passed over: tasks --verbose lists them)" if self.passed_over else ""
        where = f"below {self.folder}, packed or unpacked{passed}"
        raise MissingCorpus(f"{official} is not {where}; get it from {url} and put it there")

    def note_strays(self, files: Iterable[CorpusFile], pattern: str) -> None:
        """Remember what lies in the folders of these files and whose path the pattern is not found in."""
        folders = {file.path.rpartition("/")[0] for file in files}
        for file in self.files():
            if file.path.rpartition("/")[0] in folders and not re.search(pattern, file.path):
                self.note(file, None, "stray file", "not part of the corpus, skipped")

    def files(self) -> list[CorpusFile]:
        """Every file, listed once; what was then passed over belongs to no corpus and stands in `passed_over`."""
        if self._files is None:
            if not self.folder.is_dir():
                raise InputError(f"{self.folder}: there is no such data folder; give one that exists with --data")
            with self.watched() as self.passed_over:
                places = [place for place in self._on_disk() if not _is_litter(place.as_posix())]
                found = [self._loose(place) for place in places if not _is_archive(place)]
                found.extend(member for place in places if _is_archive(place) for member in self._members(place))
            self._files = found
        return self._files

    def _on_disk(self) -> Iterator[Path]:
        """Ordinary files. Links are not followed: they may lead out of the folder, or round in it."""
        for folder, below, names in os.walk(self.folder, onerror=self._unreadable):
            below.sort()
            for name in sorted(names + below):
                place = Path(folder, name)
                mode = place.lstat().st_mode
                if stat.S_ISREG(mode):
                    yield place.relative_to(self.folder)
                elif not stat.S_ISDIR(mode):
                    self.note(_shown(place.relative_to(self.folder)), None, "link or device", "not followed")

    def _unreadable(self, error: OSError) -> None:
        raise InputError(
            f"{error.filename}: the folder cannot be listed ({error.strerror}); make it readable"
        ) from error

    def _loose(self, place: Path) -> CorpusFile:
        shown = _shown(place)
        if shown.lower().endswith(archives.OTHERS):
            self.note(shown, None, "archive of another kind", "not looked into; unpack it")
        return CorpusFile(shown, (self.folder / place).stat().st_size, self.disk.opener(place))

    def _members(self, place: Path) -> Iterator[CorpusFile]:
        archive = self.disk.opener(place)
        for member in archives.members(self.folder / place):
            shown = _shown(place / member.name.removeprefix("./").lstrip("/"))
            if _is_litter(shown):
                continue
            if member.refused:
                self.note(shown, None, member.refused, "ignored")
            elif _is_archive(Path(member.name)):
                self.note(shown, None, "archive in an archive", "not looked into")
            else:
                yield CorpusFile(shown, member.size, replace(archive, member=member.open))


def _is_archive(place: Path) -> bool:
    return place.name.lower().endswith(archives.SUFFIXES)


def _shown(place: Path) -> str:
    """A path that is safe to print and to hash: what is not UTF-8 or steers a terminal is escaped."""
    path = place.as_posix()
    if path.isprintable():
        return path
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)

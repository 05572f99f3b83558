"""The files of a corpus, in folders and in archives alike, and what readers had to mend or skip in them."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tasks.core.errors import InputError, MissingCorpus
from tasks.core.files.disk import Disk, Opener, reading
from tasks.core.files.folders import ELSEWHERE, FOREIGN, Rank, always, begins_in
from tasks.core.files.listing import BROKEN, listed

DOCUMENT_BYTES = 64 << 20
FILE_BYTES = 256 << 20
LINE_BYTES = 16 << 20
STRAY = "stray file"


@dataclass(frozen=True, slots=True)
class CorpusWarning:
    """Something mended or skipped: in which file, at which line (None: the file as a whole), of which kind."""

    file: str
    line: int | None
    kind: str
    what: str


def _decoded(data: bytes, path: str, offset: int) -> str:
    """UTF-8 as it stands: U+FEFF at the start is text and counts in offsets."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = offset + error.start
    raise InputError(f"{path}: byte {place} is not UTF-8; get the file as it was published, or convert it to UTF-8")


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A file of a corpus. `path` is for people: `x.zip/inner/a.txt`; `key` what `find` captured, `folder` where."""

    path: str
    size: int
    opener: Opener
    key: tuple[str, ...] = ()
    folder: str = ""

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
        with reading(self.path), self.opener() as stream:
            while chunk := stream.read(1 << 20):
                total += len(chunk)
                self._refuse_above(total, FILE_BYTES)
                yield chunk

    def read(self) -> bytes:
        """All its bytes; InputError where there are more than a document can have."""
        with reading(self.path), self.opener() as stream:
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
        with reading(self.path), self.opener() as stream:
            while chunk := stream.read(1 << 16):
                *whole, rest = (rest + chunk).splitlines(keepends=True)  # the last may not be whole, nor its \r\n
                yield from whole
                if len(rest) >= LINE_BYTES:
                    break
        if rest:
            yield rest


class Corpus:
    """Everything below a data folder; several corpora may lie in it together."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._warnings: dict[CorpusWarning, None] = {}  # an ordered set: what is read again is noted once
        self._found: set[str] = set()
        self.skipped: dict[CorpusWarning, None] = {}
        self._files: list[CorpusFile] | None = None
        self.disk = Disk(self.folder)  # what `files` lists

    @property
    def warnings(self) -> list[CorpusWarning]:
        """All warnings so far."""
        return list(self._warnings)

    @contextmanager
    def capture_warnings(self) -> Iterator[dict[CorpusWarning, None]]:
        """What is noted meanwhile, whether or not it was noted before; no file is stray that was found meanwhile."""
        before, found, self._warnings, self._found = self._warnings, self._found, {}, set()
        try:
            yield self._warnings
        finally:
            for note in [note for note in self._warnings if note.kind == STRAY and note.file in self._found]:
                del self._warnings[note]
            before.update(self._warnings)
            self._warnings, self._found = before, found | self._found

    @cached_property
    def listing(self) -> str:
        """A SHA-256 of what `files` and `skipped` are: with the bytes that it opens, all that a reader can see."""
        total = hashlib.sha256()
        for file in self.files():
            total.update(repr((file.path, file.size)).encode())
        for note in self.skipped:
            total.update(repr((note.file, note.kind)).encode())
        return total.hexdigest()

    def warn(self, file: CorpusFile | str, line: int | None, kind: str, what: str) -> None:
        """Remember that something was mended or skipped; never with text of a note."""
        self._warnings[CorpusWarning(file if isinstance(file, str) else file.path, line, kind, what)] = None

    def find(self, *patterns: str | re.Pattern[str], rank: Rank = always) -> list[CorpusFile]:
        """The files whose path a pattern is found in, sorted by what its groups capture.

        Those of a pattern come from one folder, the one in which its match begins: of several the one that ranks
        highest, then the one with most of them, then unpacked before packed. What is not read of the others is noted.
        Files that capture the same are copies of one: it counts once.
        """
        found: dict[tuple[str, ...], CorpusFile] = {}
        for pattern in patterns:
            read, *others = self._by_folder(re.compile(pattern), rank)
            for file in read:
                self._warn_if_different(found.setdefault(file.key, file), file)
            for files in others:
                for file in files:
                    self._warn_if_different(found.get(file.key, file), file)
                if unread := sum(file.key not in found for file in files):
                    instead = f"{read[0].folder} is" if read else "they are of another corpus"
                    self.warn(files[0].folder, None, "folder that is not read", f"{unread} files; {instead}")
        self._found.update(file.path for file in found.values())
        return [found[key] for key in sorted(found)]

    def _by_folder(self, pattern: re.Pattern[str], rank: Rank) -> list[list[CorpusFile]]:
        """What the pattern finds, by folder; first those that are read, none where all are of another corpus."""
        folders: dict[str, list[CorpusFile]] = {}
        for file in self.files():
            if match := pattern.search(file.path):
                file = replace(file, key=match.groups(""), folder=begins_in(match))
                folders.setdefault(file.folder, []).append(file)
        ranks = [(rank(folder, files), len({file.key for file in files}), files) for folder, files in folders.items()]
        ranks = sorted([(FOREIGN, sys.maxsize, []), *ranks], key=lambda one: one[:2], reverse=True)
        if ranks[0][0] == ELSEWHERE:
            copies = {
                frozenset((file.key, file.size) for file in one): one for level, _, one in ranks if level == ELSEWHERE
            }
            names = [one[0].folder for one in copies.values()]
            if len(names) > 1:
                raise InputError(
                    f"{' and '.join(sorted(names))}: either may be the corpus; name it as its download is named"
                )
            self.warn(names[0], None, "folder of another name", "read, since what is in it is as it should be")
        return [files for *_, files in ranks]

    def _warn_if_different(self, first: CorpusFile, copy: CorpusFile) -> None:
        if first is not copy and not _alike(first, copy):
            self.warn(copy, None, "copy that differs", f"not read; {first.path} is")

    def require(self, patterns: str | Sequence[str], official: str, url: str, rank: Rank = always) -> list[CorpusFile]:
        """What `find` finds; MissingCorpus naming the official download where that is nothing."""
        with self.capture_warnings() as noted:
            found = self.find(*([patterns] if isinstance(patterns, str) else patterns), rank=rank)
        if found:
            return found
        if broken := self.broken(official):
            raise InputError(f"{broken[0].file}: {broken[0].what}")
        skipped = [f"{note.file}: {note.what}" for note in self.skipped | noted]
        raise MissingCorpus.of(official, self.folder, url, skipped)

    def beside(self, *patterns: str) -> set[str]:
        """The folders in which those lie where the patterns' matches begin."""
        matches = (re.search(pattern, file.path) for file in self.files() for pattern in patterns)
        return {begins_in(match).rpartition("/")[0] for match in matches if match}

    def broken(self, official: str) -> list[CorpusWarning]:
        """The archives that cannot be read and are called as an official download."""
        self.files()
        names = [word.strip("()") for word in official.split()]  # as in: x.zip (or y.zip)
        broken = [(note, note.file.rpartition("/")[2]) for note in self.skipped if note.kind == BROKEN]
        return [note for note, name in broken if name in names or name.startswith(official)]

    def warn_unexpected(self, files: Iterable[CorpusFile], pattern: str) -> None:
        """Remember what lies in the folders of these files and whose path the pattern is not found in."""
        folders = {file.path.rpartition("/")[0] for file in files}
        for file in self.files():
            if file.path.rpartition("/")[0] in folders and not re.search(pattern, file.path):
                self.warn(file, None, STRAY, "not part of the corpus, skipped")

    def files(self) -> list[CorpusFile]:
        """Every file, listed once; what was then passed over belongs to no corpus and stands in `skipped`."""
        if self._files is None:
            if not self.folder.is_dir():
                raise InputError(f"{self.folder}: there is no such data folder; give one that exists with --data")
            with self.capture_warnings() as self.skipped:
                self._files = [CorpusFile(*file) for file in listed(self.folder, self.disk, self.warn)]
        return self._files


def _alike(first: CorpusFile, copy: CorpusFile) -> bool:
    try:
        return first.size == copy.size and all(a == b for a, b in zip(first.chunks(), copy.chunks(), strict=True))
    except (InputError, ValueError):  # one cannot be read, or ends before the other
        return False

"""The files of a corpus, in folders and in archives alike, and warnings of what readers mended or skipped in them."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tasks.core.errors import InputError, MissingCorpus
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.files.disk import BROKEN, Disk

FOREIGN, ELSEWHERE, BESIDE, OFFICIAL = range(4)
"""How sure it is that a folder is the corpus's. The highest rank is read, and a folder of another corpus never."""

Rank = Callable[[str, Sequence[CorpusFile]], int]
"""Ranks a folder by its path and its files, where other corpora have files of the same names."""

STRAY = "stray file"


@dataclass(frozen=True, slots=True)
class CorpusWarning:
    """Something mended or skipped: in which file, at which line (None: the file as a whole), of which kind."""

    file: str
    line: int | None
    kind: str
    what: str


class Corpus:
    """Everything below a data folder; several corpora may lie in it together."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.disk = Disk(self.folder)
        self.skipped: dict[CorpusWarning, None] = {}
        self._files: list[CorpusFile] | None = None
        self._found: set[str] = set()
        self._warnings: dict[CorpusWarning, None] = {}  # an ordered set: what is read again is warned of once

    def files(self) -> list[CorpusFile]:
        """Every file, listed once; what is then skipped belongs to no corpus and stands in `skipped`."""
        if self._files is None:
            if not self.folder.is_dir():
                raise InputError(f"{self.folder}: there is no such data folder; give one that exists with --data")
            with self.capture_warnings() as self.skipped:
                self._files = list(self.disk.files(self.warn))
        return self._files

    @cached_property
    def listing(self) -> str:
        """A SHA-256 of what `files` and `skipped` are: with the bytes that it opens, all that a reader can see."""
        total = hashlib.sha256()
        for file in self.files():
            total.update(repr((file.path, file.size)).encode())
        for warning in self.skipped:
            total.update(repr((warning.file, warning.kind)).encode())
        return total.hexdigest()

    def require(
        self, patterns: str | Sequence[str], official: str, url: str, rank: Rank | None = None
    ) -> list[CorpusFile]:
        """The files that `find` finds; MissingCorpus where there are none, naming the official download."""
        with self.capture_warnings() as captured:
            found = self.find(*([patterns] if isinstance(patterns, str) else patterns), rank=rank)
        if found:
            return found
        if broken := self._broken(official):
            raise InputError(f"{broken[0].file}: {broken[0].what}")
        # What was skipped may be just that download.
        skipped = [f"{warning.file}: {warning.what}" for warning in self.skipped | captured]
        count = f" ({len(skipped)} were passed over: tasks --verbose lists them)" if skipped else ""
        where = f"{official} is not below {self.folder}, packed or unpacked{count}"
        raise MissingCorpus("; ".join([where, f"get it from {url} and put it there", *skipped[:3]]), official)

    def find(self, *patterns: str, rank: Rank | None = None) -> list[CorpusFile]:
        """The files in whose path one of these regular expressions is found, sorted by what its groups capture.

        That is each file's `key`. Files of one key are copies of one another: the first counts. The folder in which
        the match begins is taken for the corpus, and no file of a pattern is read from any other: of several folders
        the one that ranks highest, then the one with most files, then unpacked before packed. What is not read of the
        others is warned of.
        """
        found: dict[tuple[str, ...], CorpusFile] = {}
        for pattern in patterns:
            chosen, *others = self._by_folder(re.compile(pattern), rank)
            for file in chosen:
                self._warn_if_different(found.setdefault(file.key, file), file)
            for files in others:
                for file in files:
                    self._warn_if_different(found.get(file.key, file), file)
                if unread := sum(file.key not in found for file in files):
                    instead = f"{chosen[0].folder} is" if chosen else "they are of another corpus"
                    self.warn(files[0].folder, None, "folder that is not read", f"{unread} files; {instead}")
        self._found.update(file.path for file in found.values())
        return [found[key] for key in sorted(found)]

    def _by_folder(self, pattern: re.Pattern[str], rank: Rank | None) -> list[list[CorpusFile]]:
        """The files that a pattern finds, by folder: first those to read, none where all are of another corpus."""
        folders: dict[str, list[CorpusFile]] = {}
        for file in self.files():
            if match := pattern.search(file.path):
                file = replace(file, key=match.groups(""), folder=_begins_in(match))
                folders.setdefault(file.folder, []).append(file)
        ranked = [
            (rank(folder, files) if rank else OFFICIAL, len({file.key for file in files}), files)
            for folder, files in folders.items()
        ]
        # The empty list stands before all that is foreign, however much that may be.
        ranked = sorted([(FOREIGN, sys.maxsize, []), *ranked], key=lambda one: one[:2], reverse=True)
        if ranked[0][0] == ELSEWHERE:
            self._accept_other_name([files for level, _, files in ranked if level == ELSEWHERE])
        return [files for *_, files in ranked]

    def _accept_other_name(self, folders: list[list[CorpusFile]]) -> None:
        """Warn of a folder that is only thought to be the corpus; InputError where it might be another one as well."""
        copies = {frozenset((file.key, file.size) for file in files): files[0].folder for files in folders}
        if len(copies) > 1:
            names = " and ".join(sorted(copies.values()))
            raise InputError(f"{names}: either may be the corpus; name it as its download is named")
        (name,) = copies.values()
        self.warn(name, None, "folder of another name", "read, since what is in it is as it should be")

    def prefer(self, official: str, beside: Sequence[str], is_ours: Callable[[Sequence[CorpusFile]], bool]) -> Rank:
        """A rank for files whose names other corpora have, too.

        First comes a folder in a download called `official`; then one that lies beside what the patterns `beside` are
        found in (the data folder itself where that is nothing); then any other that `is_ours`. The last two are none
        where such a download is there and broken: that is the error.
        """
        broken = bool(self._broken(official))
        matches = (re.search(pattern, file.path) for file in self.files() for pattern in beside)
        around = {_begins_in(match).rpartition("/")[0] for match in matches if match}

        def rank(folder: str, files: Sequence[CorpusFile]) -> int:
            if official in folder:
                return OFFICIAL
            if broken:
                return FOREIGN
            if folder.rpartition("/")[0] in (around or {""}):
                return BESIDE
            with suppress(InputError):  # What cannot be read is an error when it is read.
                if not is_ours(files):
                    return FOREIGN
            return ELSEWHERE if around else BESIDE

        return rank

    def _broken(self, official: str) -> list[CorpusWarning]:
        """The archives that cannot be read and are called as an official download."""
        self.files()
        names = [word.strip("()") for word in official.split()]  # as in: x.zip (or y.zip)
        broken = [(warning, warning.file.rpartition("/")[2]) for warning in self.skipped if warning.kind == BROKEN]
        return [warning for warning, name in broken if name in names or name.startswith(official)]

    @property
    def warnings(self) -> list[CorpusWarning]:
        """All warnings so far."""
        return list(self._warnings)

    def warn(self, file: CorpusFile | str, line: int | None, kind: str, what: str) -> None:
        """Remember that something was mended or skipped; never with text of a note."""
        self._warnings[CorpusWarning(file if isinstance(file, str) else file.path, line, kind, what)] = None

    def warn_unexpected(self, files: Iterable[CorpusFile], pattern: str) -> None:
        """Warn of what lies in the folders of these files and in whose path the pattern is not found."""
        folders = {file.path.rpartition("/")[0] for file in files}
        for file in self.files():
            if file.path.rpartition("/")[0] in folders and not re.search(pattern, file.path):
                self.warn(file, None, STRAY, "not part of the corpus, skipped")

    def _warn_if_different(self, first: CorpusFile, copy: CorpusFile) -> None:
        if first is not copy and not first.same_bytes(copy):
            self.warn(copy, None, "copy that differs", f"not read; {first.path} is")

    @contextmanager
    def capture_warnings(self) -> Iterator[dict[CorpusWarning, None]]:
        """The warnings that come meanwhile, new or not; no file is stray that was found meanwhile."""
        before, found, self._warnings, self._found = self._warnings, self._found, {}, set()
        try:
            yield self._warnings
        finally:
            for warning in list(self._warnings):
                if warning.kind == STRAY and warning.file in self._found:
                    del self._warnings[warning]
            before.update(self._warnings)
            self._warnings, self._found = before, found | self._found


def _begins_in(match: re.Match[str]) -> str:
    """The folder in which the match of a path begins: its own first part, or where that is the file, what holds it."""
    path, start = match.string, match.start()
    end = path.find("/", start + path.startswith("/", start))
    return path[:end] if end >= 0 else path.rpartition("/")[0] or "."

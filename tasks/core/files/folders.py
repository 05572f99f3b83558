"""Of several folders whose files have the names of a corpus, which is the corpus's."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

from tasks.core.errors import InputError

FOREIGN, ELSEWHERE, BESIDE, OFFICIAL = range(4)
"""What a folder may be. The highest is read, and one of another corpus never."""

Rank = Callable[[str, Sequence[Any]], int]  # a folder and its files, which are CorpusFile


def always(folder: str, files: Sequence[Any]) -> int:
    """For names that no other corpus has."""
    return OFFICIAL


def prefer(official: str, beside: Collection[str], is_ours: Callable[[Sequence[Any]], bool], broken: bool) -> Rank:
    """Ranks a folder in a download called `official` before one in a folder `beside`, before any other that is ours.

    The last two are none where such a download is there and broken: that is the error. Where nothing is there to lie
    beside, the data folder itself is as good, and any other.
    """

    def rank(folder: str, files: Sequence[Any]) -> int:
        if official in folder:
            return OFFICIAL
        if broken:
            return FOREIGN
        if folder.rpartition("/")[0] in (beside or {""}):
            return BESIDE
        with suppress(InputError):  # What cannot be read is an error when it is read.
            if not is_ours(files):
                return FOREIGN
        return ELSEWHERE if beside else BESIDE

    return rank


def begins_in(match: re.Match[str]) -> str:
    """The folder in which the match of a path begins: its own first part, or where that is the file, what holds it."""
    path, start = match.string, match.start()
    end = path.find("/", start + path.startswith("/", start))
    return path[:end] if end >= 0 else path.rpartition("/")[0] or "."

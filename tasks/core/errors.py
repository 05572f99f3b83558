"""The one error a user is meant to meet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class InputError(Exception):
    """One sentence saying what is wrong, where (file, line, offset) and what to do; exit status 2.

    It never quotes the text of a note: a corpus may be under an agreement that forbids it to leave.
    """


class MissingCorpus(InputError):
    """An official file that a task needs is not there."""

    official: str = ""
    """What its download is called."""

    @classmethod
    def of(cls, official: str, folder: Path, url: str, passed_over: Sequence[str]) -> MissingCorpus:
        """The error for a download that is not below a folder; what was passed over there may be just that."""
        count = f" ({len(passed_over)} were passed over: tasks --verbose lists them)" if passed_over else ""
        parts = [f"{official} is not below {folder}, packed or unpacked{count}", f"get it from {url} and put it there"]
        error = cls("; ".join([*parts, *passed_over[:3]]))
        error.official = official
        return error

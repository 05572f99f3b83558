"""The one error a user is meant to meet, and the system's own, with the file that they are about."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    def of(cls, official: str, folder: Path, url: str, skipped: Sequence[str]) -> MissingCorpus:
        """The error for a download that is not below a folder; what was passed over there may be just that."""
        count = f" ({len(skipped)} were passed over: tasks --verbose lists them)" if skipped else ""
        parts = [f"{official} is not below {folder}, packed or unpacked{count}", f"get it from {url} and put it there"]
        error = cls("; ".join([*parts, *skipped[:3]]))
        error.official = official
        return error


@contextmanager
def about(path: Path) -> Iterator[None]:
    """An error of the system that names no file, as one while writing does not, is about this one."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    except Exception as error:
        # safetensors has no other way to say it.
        if (number := re.search(r"\(os error (\d+)\)", str(error))) is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error

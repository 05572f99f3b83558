"""The one error a user is meant to meet, and the system's own, with the file that they are about."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InputError(Exception):
    """One sentence saying what is wrong, where (file, line, offset) and what to do; exit status 2.

    It never quotes the text of a note: a corpus may be under an agreement that forbids it to leave.
    """


class MissingCorpus(InputError):
    """An official file that a task needs is not there; `official` is what its download is called."""

    def __init__(self, message: str, official: str = "") -> None:
        super().__init__(message)
        self.official = official


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


def passing_error(error: BaseException) -> OSError | None:
    """The error of the system behind another that will pass, and so says nothing of the file that was read."""
    while (behind := error.__cause__ or error.__context__) is not None:
        if isinstance(behind, OSError) and behind.errno in (errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM):
            return behind
        error = behind
    return None

"""Files written as a format wants them: UTF-8, no line end changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tasks.core.errors import InputError


def write_text(path: Path, text: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    r"""Write lines as they come, each ended by \n."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(line + "\n" for line in lines)


def checked_name(name: str, pattern: str, corpus: str) -> str:
    """The name where the corpus can have a file called so; InputError otherwise."""
    if re.fullmatch(pattern, name) is None:
        raise InputError(f"a document of {corpus} cannot be called {name!r}: its name must match {pattern}")
    return name

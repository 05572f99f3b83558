"""What lies below a data folder, on disk and in archives. What cannot be looked into is noted, and hinders no task."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tasks.core.errors import InputError
from tasks.core.files import archives
from tasks.core.files.disk import Disk, Opener

BROKEN = "archive that cannot be read"

Warn = Callable[[str, None, str, str], None]  # path, no line, kind, what


def listed(folder: Path, disk: Disk, note: Warn) -> Iterator[tuple[str, int, Opener]]:
    """Path, size and opener of every file: first those on disk, then those in archives."""
    found = [(place, size) for place, size in _on_disk(folder, note) if not _is_litter(place.as_posix())]
    for place, size in found:
        if not _is_archive(place):
            if place.name.lower().endswith(archives.OTHERS):
                note(shown(place), None, "archive of another kind", "not looked into; unpack it")
            yield shown(place), size, disk.opener(place)
    for place, _ in found:
        if _is_archive(place):
            yield from _members(folder, place, disk, note)


def _on_disk(folder: Path, note: Warn) -> Iterator[tuple[Path, int]]:
    """Ordinary files. Links are not followed: they may lead out of the folder, or round in it."""

    def unlistable(error: OSError) -> None:
        note(shown(Path(error.filename).relative_to(folder)), None, "folder that cannot be listed", _reason(error))

    for above, below, names in os.walk(folder, onerror=unlistable):
        below.sort()
        for name in sorted(names + below):
            path = Path(above, name)
            place = path.relative_to(folder)
            try:
                status = path.lstat()
            except OSError as error:
                note(shown(place), None, "file that cannot be looked at", _reason(error))
                continue
            if stat.S_ISREG(status.st_mode):
                yield place, status.st_size
            elif not stat.S_ISDIR(status.st_mode):
                note(shown(place), None, "link or device", "not followed")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _members(folder: Path, place: Path, disk: Disk, note: Warn) -> Iterator[tuple[str, int, Opener]]:
    archive = disk.opener(place)
    try:
        members = archives.members(folder / place)
    except InputError as error:
        note(shown(place), None, BROKEN, str(error).removeprefix(f"{folder / place}: "))
        return
    for member in members:
        path = shown(place / member.name.removeprefix("./").lstrip("/"))
        if _is_litter(path):
            continue
        if member.refused:
            note(path, None, member.refused, "ignored")
        elif _is_archive(Path(member.name)):
            note(path, None, "archive in an archive", "not looked into")
        else:
            yield path, member.size, replace(archive, member=member.open)


def _is_archive(place: Path) -> bool:
    return place.name.lower().endswith(archives.SUFFIXES)


def _is_litter(path: str) -> bool:
    """What operating systems leave behind."""
    parts = path.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def shown(place: Path) -> str:
    """A path that is safe to print and to hash: what is not UTF-8 or steers a terminal is escaped."""
    path = place.as_posix()
    if path.isprintable():
        return path
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)

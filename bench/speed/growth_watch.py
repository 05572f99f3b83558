"""The parent of a process that is measured: it takes the stages as they are done, and watches the memory meanwhile."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from bench.speed.growth_course import Course, serve
from bench.speed.worker import own_packages_found
from bench.store.growth_record import Point, Stage, total
from tasks.core.errors import InputError

LOOK_SECONDS = 0.01
"""How often the memory is looked at: Linux keeps no high-water mark of it that leaves mapped files out."""


def measured(size: int, course: Course) -> Point:
    """A course in a fresh interpreter, not a copy of this one, whose memory would count as its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, course), daemon=True)
    with own_packages_found():
        process.start()
    theirs.close()
    try:
        first, *rest = stages(ours, process.pid)
    finally:
        ours.close()
        process.join(10)
        process.terminate()
    return Point(size=size, libraries_bytes=first.peak_bytes, stages=joined(rest))


def stages(child: Connection, pid: int | None) -> Iterator[Stage]:
    """The stages of a child, with the most memory that was seen in each unless the child knows it itself."""
    while True:
        held = anonymous_bytes(pid)
        while not child.poll(LOOK_SECONDS):
            held = _larger(held, anonymous_bytes(pid))
        try:
            told = child.recv()
        except EOFError:
            raise InputError(
                "the process that was measured ended early, as it does where memory is short: give a smaller --encoder"
            ) from None
        if isinstance(told, InputError | OSError):
            raise told
        if told is None:
            return
        yield told if told.peak_bytes is not None else replace(told, peak_bytes=held)


def _larger(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def anonymous_bytes(pid: int | None) -> int | None:
    """The memory that a process has written itself, mapped files left out; None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    found = [line for line in lines if line.startswith("RssAnon:")]
    return int(found[0].split()[1]) * 1024 if found else None


def joined(told: Sequence[Stage]) -> tuple[Stage, ...]:
    """One stage for each name and task, in the order in which they came."""
    groups: dict[tuple[str, str], list[Stage]] = {}
    for stage in told:
        groups.setdefault((stage.name, stage.task), []).append(stage)
    return tuple(total(group) for group in groups.values())

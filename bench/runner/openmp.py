"""How OpenMP's threads wait for each other, on a quiet machine and on one that others use too.

A thread of libgomp, which comes with torch on Linux, looks for milliseconds whether what it waits for is done before it
sleeps. A small batch is thousands of short waits, and to sleep in each costs a fifth of the speed. But where another
process has the core of the thread that is waited for, who spins takes from it the next core too, and training comes
down to a fiftieth. So threads spin while the cores are free, and sleep while they are not. That changes no bit of a
result. Measured by `tox -e spin`: docs/performance.md.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

SPINS = 30_000
"""Looks before a thread sleeps, a third of a millisecond; libgomp's own number is 300,000. Until it is seen that the
cores are no longer free, each wait costs at most that."""

CHOICES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")
"""Where a user says how threads wait: to libgomp, to any OpenMP library, to Intel's and LLVM's."""

LOOK_SECONDS = 0.2
"""How often the waits for a core are looked at."""

BUSY_SHARE = 0.35
"""The part of the time that the threads of this process wait for a core, all together, from which it is not alone."""

CALM_LOOKS = 10
"""The looks without such waits after which the cores are taken to be free again."""


def bound_spinning(environment: MutableMapping[str, str] = os.environ) -> None:
    """Bound how long threads spin, in this process and those it starts, unless the user has chosen.

    It is set before torch is imported: its OpenMP library reads it once, then.
    """
    if not any(name in environment for name in CHOICES):
        environment["GOMP_SPINCOUNT"] = str(SPINS)


@contextmanager
def spinning_watched() -> Iterator[None]:
    """Within the block threads that wait sleep at once as long as other processes want the cores too.

    What a user has chosen stays as it is, and so does any OpenMP library but torch's own libgomp. One thread has no
    other to wait for: nothing is watched then, nor without torch.
    """
    torch = sys.modules.get("torch")
    if os.environ.get("GOMP_SPINCOUNT") != str(SPINS) or torch is None or torch.get_num_threads() == 1:
        yield
        return
    ended = Event()
    watch = Thread(target=_watch, args=(ended,), daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join()


def _watch(ended: Event) -> None:
    looked, before, calm, short = time.perf_counter(), _seconds_without_core(), 0, False
    with ExitStack() as held:
        while not ended.wait(LOOK_SECONDS):
            now, without = time.perf_counter(), _seconds_without_core()
            calm = 0 if without - before > BUSY_SHARE * (now - looked) else calm + 1
            if calm == 0 and not short and (library := _libgomp()):
                held.enter_context(_short_spins(library))
                short = True
            elif calm == CALM_LOOKS:
                held.close()
                short = False
            looked, before = now, without


@contextmanager
def _short_spins(library: ctypes.CDLL) -> Iterator[None]:
    """Within the block libgomp has more threads than there are cores.

    Its threads then look a hundred times, not SPINS times, before they sleep: nothing else about their waits can be
    changed once it is loaded. A team is made for that, which sleeps; it ends with the thread that made it.
    """
    ended = Event()

    def hold() -> None:
        # Any function will do for the team's work.
        library.GOMP_parallel(library.omp_get_thread_num, None, len(os.sched_getaffinity(0)) + 1, 0)
        ended.wait()

    holder = Thread(target=hold, daemon=True)
    holder.start()
    try:
        yield
    finally:
        ended.set()
        holder.join()


def _libgomp() -> ctypes.CDLL | None:
    """The OpenMP library that torch has loaded in this process, if it is the libgomp that comes with it."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = "/" + line.partition("/")[2]
        if "/torch/lib/libgomp" in path:
            return ctypes.CDLL(path)
    return None


def _seconds_without_core() -> float:
    """How long all threads of this process together were ready to run and had no core."""
    nanoseconds = 0
    for file in Path("/proc/self/task").glob("*/schedstat"):  # None but on Linux.
        with suppress(OSError):  # It has ended meanwhile.
            nanoseconds += int(file.read_text().split()[1])
    return nanoseconds / 1e9

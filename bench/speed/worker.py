"""An arm in a process of its own, so that its memory is its own: it is built there, and then told what to do."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import bench
from bench.runner.device import memory_suffices
from bench.runner.openmp import spinning_watched
from bench.store.speed_record import Timing
from tasks.core.errors import InputError

LOOK_SECONDS = 0.01
"""How often the memory is looked at: Linux keeps no high-water mark of it that leaves mapped files out."""


class Worker:
    """The parent's end of an arm's process: `build(*given)` is made in it. It ends with the block."""

    def __init__(self, arm: str, build: Callable[..., Any], *given: Any) -> None:
        import torch

        self.arm = arm
        # A fresh interpreter, not a copy of this one, whose memory would count as the arm's.
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, torch.get_num_threads(), build, given), daemon=True)
        begun = time.perf_counter()
        # A new interpreter is told where Python looks here, and there our own folder may stand no longer.
        sys.path.insert(0, str(Path(bench.__file__).parent.parent))
        try:
            self._process.start()
        finally:
            del sys.path[0]
        theirs.close()
        self._answer()
        self.build_seconds = time.perf_counter() - begun

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        self._ours.close()
        self._process.join(0 if kind else 10)
        self._process.terminate()

    def ask(self, what: str, *given: Any) -> Any:
        """What a method of that name answers."""
        self._send(what, False, given)
        return self._answer()

    def told(self, what: str, *given: Any) -> Iterator[tuple[Any, int | None]]:
        """All that a method tells by its first parameter until it ends, each with the most memory seen meanwhile."""
        self._send(what, True, given)
        while True:
            peak = anonymous_bytes(self._process.pid)
            while not self._ours.poll(LOOK_SECONDS):
                now = anonymous_bytes(self._process.pid)
                peak = now if peak is None else max(peak, now or 0)
            if (told := self._answer()) is None:
                return
            yield told, peak

    def _send(self, *asked: Any) -> None:
        with suppress(BrokenPipeError):  # It has ended: so says the answer that it does not give.
            self._ours.send(asked)

    def _answer(self) -> Any:
        try:
            answer = self._ours.recv()
        except (EOFError, ConnectionResetError):
            raise InputError(
                f"the process of {self.arm} ended without an answer, as it does where memory is short: "
                "give fewer tasks, a smaller --encoder or smaller batches"
            ) from None
        if isinstance(answer, InputError | OSError):
            raise answer
        return answer


def anonymous_bytes(pid: int | None) -> int | None:
    """The memory that a process has written itself, mapped files left out; None where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), None)


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def serve(parent: Connection, threads: int, build: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """In the process: build what is asked for, then do what is asked of it until the other end closes."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, and this ends with it, however it ends.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    try:
        with memory_suffices(), spinning_watched():
            made = build(*given)
            parent.send(None)
            while True:
                what, tells, given = parent.recv()
                method = getattr(made, what)
                parent.send(method(parent.send, *given) if tells else method(*given))
    except (InputError, OSError) as error:
        with suppress(BrokenPipeError):
            parent.send(error)
    except EOFError:
        return


def seconds_of(device: str, call: Callable[..., object], *given: Any) -> float:
    """How long a call takes, with what it leaves to a GPU."""
    import torch

    begun = time.perf_counter()
    call(*given)
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def in_turns(workers: Sequence[Worker], cells: Sequence[tuple[Any, ...]], number: int) -> tuple[Timing, ...]:
    """One round: each cell by every arm before the next, so that what else the machine does falls on all of them."""
    return tuple(one for cell in cells for worker in workers for one in worker.ask("measure", number, *cell))


def with_round(timings: Sequence[Timing], last: Sequence[Timing]) -> tuple[Timing, ...]:
    """The rounds so far with one more, of the same works."""
    pairs = zip(timings or [replace(one, seconds=(), scores=()) for one in last], last, strict=True)
    return tuple(replace(new, seconds=one.seconds + new.seconds, scores=one.scores + new.scores) for one, new in pairs)

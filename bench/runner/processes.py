"""Runs in processes of this machine: each is forked from a server that has imported torch and begun nothing with it.

A run's time, memory and kernels do not depend on what ran before it; one that dies takes no other with it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from baselines.core.baseline import Stopped
from bench import registry
from bench.runner.events import Busy, Died, Ended, Event, Failed, Reached, Stored, Tell
from bench.runner.inherited import inherited_environment
from bench.runner.plan import Planned, RunContext
from bench.runner.run import carry_out
from bench.runner.slots import Slots
from tasks.core.errors import InputError

_CONTEXT = multiprocessing.get_context("forkserver")
_TRAINING = ("baselines.core.training", "transformers.models.bert.modeling_bert", "datasets")

TELL_SECONDS = 0.1
"""A process tells no more often how far it is."""


def start_server(trains: bool) -> None:
    """Begin to import what runs need, in a process of its own from which they are forked; this one goes on at once."""
    for kind in registry.TYPES:  # One that cannot be loaded is told here, not there.
        registry.entries(kind)
    _CONTEXT.set_forkserver_preload(["bench.runner.preloaded", *(_TRAINING if trains else ())])
    usual = tempfile.tempdir
    try:
        tempfile.tempdir = _folder_of_socket()
        with inherited_environment():
            forkserver.ensure_running()
    finally:
        tempfile.tempdir = usual


def _folder_of_socket() -> str:
    """A folder for temporary files in which the path of a socket stays within the 107 bytes that systems allow."""
    for folder in (tempfile.gettempdir(), "/tmp", "/dev/shm"):
        if len(os.fsencode(folder)) <= 70 and os.access(folder, os.W_OK):
            return folder
    raise InputError(
        f"the folder of temporary files {tempfile.gettempdir()} has too long a path: set TMPDIR to another"
    )


def ask(function: Callable[..., Any], *given: Any) -> Any:
    """What a function answers in a process of its own: what it sets or begins there does not last."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_answer, args=(theirs, function, given), daemon=True)
    process.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        raise InputError(f"the process that was to look at this machine ended ({_reason(process)})") from None
    finally:
        process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _answer(pipe: Connection, function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    ignore_signals()
    try:
        pipe.send(function(*given))
    except (InputError, OSError) as error:
        pipe.send(error)


@dataclass(frozen=True)
class _UnderWay:
    planned: Planned
    tell: Tell
    process: Any


class Processes:
    """An executor: as many runs at once as there are slots, each in a process of its own."""

    def __init__(self, context: RunContext, slots: Slots) -> None:
        self.context, self.slots = context, slots
        self.peaks: dict[tuple[str, tuple[str, ...]], int] = {}
        self.under_way: dict[Connection, _UnderWay] = {}

    def has_room(self, planned: Planned, alone: bool) -> bool:
        """Whether a device has room for the run."""
        return self.slots.device(self._peak(planned), alone) is not None

    def is_busy(self) -> bool:
        """Whether a process is under way."""
        return bool(self.under_way)

    def begin(self, planned: Planned, alone: bool, tell: Tell) -> None:
        """Fork a process for the run."""
        peak = self._peak(planned)
        device = self.slots.device(peak, alone)
        assert device is not None
        self.slots.take(planned.name, device, peak, alone)
        ours, theirs = _CONTEXT.Pipe()
        gpu = device if self.context.device == "cuda" else None
        # A result that is there already, and is to be replaced, need not travel.
        order = (theirs, replace(planned, result=None), self.context, gpu, Path.cwd())
        process = _CONTEXT.Process(target=_serve, args=order, daemon=True)
        process.start()
        theirs.close()
        self.under_way[ours] = _UnderWay(planned, tell, process)

    def wait(self, seconds: float) -> None:
        """Tell what the runs have sent, and which have died."""
        for pipe in connection.wait(list(self.under_way), seconds):
            assert isinstance(pipe, Connection)
            one = self.under_way[pipe]
            try:
                event: Event = pipe.recv()
            except (EOFError, ConnectionResetError):
                event = _death(one.process)
            if isinstance(event, Stored | Busy | Ended | Failed | Died):
                self._ended(pipe)
            if isinstance(event, Stored) and (peak := event.result.training.peak_memory_bytes):
                kind = _kind(one.planned)
                self.peaks[kind] = max(peak, self.peaks.get(kind, 0))
            one.tell(event)

    def stop(self) -> None:
        """Ask each process to keep a checkpoint and end."""
        for pipe in self.under_way:
            with suppress(OSError):  # It has ended meanwhile.
                pipe.send(None)

    def close(self) -> None:
        """Kill the processes that are left."""
        for one in self.under_way.values():
            one.process.kill()
        for pipe in list(self.under_way):
            self._ended(pipe)

    def _ended(self, pipe: Connection) -> None:
        one = self.under_way.pop(pipe)
        pipe.close()
        one.process.join()
        self.slots.leave(one.planned.name)

    def _peak(self, planned: Planned) -> int | None:
        """The peak memory of such a run, 0 for one that trains nothing; None where none has been measured."""
        return self.peaks.get(_kind(planned)) if planned.run.baseline.needs_encoder else 0


def _kind(planned: Planned) -> tuple[str, tuple[str, ...]]:
    return planned.run.arm, planned.run.names


def _death(process: Any) -> Died:
    process.join()
    # Linux ends a process that takes the memory of all with SIGKILL.
    return Died(_reason(process), alone=process.exitcode == -signal.SIGKILL)


def _reason(process: Any) -> str:
    code = process.exitcode
    if code == -signal.SIGKILL:
        return "its process was killed, as it is where memory is short"
    if code is not None and code < 0:
        return f"its process ended with {signal.Signals(-code).name}"
    return f"its process ended with status {code}"


def ignore_signals() -> None:
    """Ctrl-C and the like reach all processes of a terminal or a job: the command's own says what is to be done."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _serve(pipe: Connection, planned: Planned, context: RunContext, gpu: int | None, folder: Path) -> None:
    """In the process: do a run, tell its events, and end when the command does, however it ends."""
    ignore_signals()
    os.chdir(folder)  # The server may have been begun elsewhere.
    if gpu is not None:
        given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        os.environ["CUDA_VISIBLE_DEVICES"] = given.split(",")[gpu] if given else str(gpu)
    stopping = threading.Event()
    threading.Thread(target=_listen, args=(pipe, stopping), daemon=True).start()

    told = 0.0

    def tell(event: Event) -> None:
        nonlocal told
        if isinstance(event, Reached):
            if stopping.is_set():
                raise Stopped
            if (now := time.monotonic()) - told < TELL_SECONDS:
                return
            told = now
        pipe.send(event)

    carry_out(planned, context, tell)


def _listen(pipe: Connection, stopping: threading.Event) -> None:
    try:
        pipe.recv()
    except EOFError:
        os._exit(1)
    stopping.set()
    with suppress(EOFError):
        pipe.recv()
    os._exit(1)

"""An arm in a process of its own, so that its memory is its own; it is told what to time, and tells the seconds."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bench
from bench.runner.device import memory_suffices
from bench.speed.arms import Ours, Setup, chunks, load_ours
from bench.speed.workload import Workload
from bench.store.inference_record import PIPELINES, Held
from tasks.core.errors import InputError

if TYPE_CHECKING:
    from bench.speed.arms import Loaded

NOTES, PAIRS, PASSES, HELD = "notes", "pairs", "passes", "held"
"""What a worker can be asked for: the seconds of each call on notes or on pairs, or of the encoder alone on all notes
(none where it is not to be had by itself), and what it holds."""


class Worker:
    """The parent's end of an arm's process; it ends with the block."""

    def __init__(self, arm: str, setup: Setup, work: Workload, threads: int) -> None:
        self.arm = arm
        # A fresh interpreter, not a copy of this one, whose memory would count as the arm's.
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, arm, setup, work, threads), daemon=True)
        begun = time.perf_counter()
        with own_packages_found():
            self._process.start()
        theirs.close()
        self._answer()
        self.cold_start_seconds = time.perf_counter() - begun

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self._ours.close()
        self._process.join(10)
        self._process.terminate()

    def seconds(self, what: str, batch: int) -> tuple[float, ...]:
        """The seconds of each call on all notes or all pairs, so many at a time."""
        return tuple(self._ask(what, batch))

    def held(self) -> Held:
        """What the arm holds, and the most that it held since it was loaded."""
        return Held(cold_start_seconds=self.cold_start_seconds, **self._ask(HELD, 0))

    def _ask(self, what: str, batch: int) -> Any:
        with suppress(BrokenPipeError):  # It has ended: so says the answer that it does not give.
            self._ours.send((what, batch))
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer = self._ours.recv()
        except EOFError:
            raise InputError(
                f"the process of {self.arm} ended without an answer, as it does where memory is short: "
                "give fewer tasks, a smaller encoder or smaller --batches"
            ) from None
        if isinstance(answer, InputError | OSError):
            raise answer
        return answer


@contextmanager
def own_packages_found() -> Iterator[None]:
    """A new interpreter is told where Python looks here, and there our own folder may stand no longer."""
    sys.path.insert(0, str(Path(bench.__file__).parent.parent))
    try:
        yield
    finally:
        del sys.path[0]


def _serve(connection: Connection, arm: str, setup: Setup, work: Workload, threads: int) -> None:
    """Load an arm, answer one note, then do what is asked until the other end closes."""
    import torch

    from baselines.core.resources import begin_peak, peak_bytes

    torch.set_num_threads(threads)
    try:
        import baselines.core.model  # noqa: F401 (with torch and transformers, what every arm needs before its models)

        runtime = peak_bytes(setup.device)
        with memory_suffices():
            loaded = _load(arm, setup)
            begin_peak(setup.device)
            if work.notes:
                loaded.annotate(work.notes[:1])
            connection.send(None)
            while True:
                what, batch = connection.recv()
                if what == HELD:
                    connection.send(_held(loaded, runtime, peak_bytes(setup.device)))
                else:
                    connection.send(_timed(loaded, work, what, batch, setup.device))
    except (InputError, OSError) as error:
        connection.send(error)
    except EOFError:
        return


def _load(arm: str, setup: Setup) -> Loaded:
    if arm == PIPELINES:
        from bench.speed.peers import Pipelines

        return Pipelines(setup)
    return load_ours(arm, setup)


def _timed(loaded: Loaded, work: Workload, what: str, batch: int, device: str) -> list[float]:
    if what == PASSES:
        return [_seconds(loaded.passes(work.notes), (), device)] if isinstance(loaded, Ours) and work.notes else []
    if what == NOTES:
        return [_seconds(loaded.annotate, (notes,), device) for notes in chunks(work.notes, batch)]
    return [
        _seconds(loaded.judge, (task, some), device)
        for task, pairs in work.pairs.items()
        for some in chunks(pairs, batch)
    ]


def _seconds(call: Callable[..., object], given: Sequence[Any], device: str) -> float:
    import torch

    begun = time.perf_counter()
    call(*given)
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def _held(loaded: Loaded, runtime: int | None, peak: int | None) -> dict[str, Any]:
    parameters = [parameter for module in loaded.modules for parameter in module.parameters()]
    count = sum(parameter.numel() for parameter in parameters)
    return {
        "models": len(loaded.modules),
        "parameters": count,
        "weights_bytes": sum(parameter.nbytes for parameter in parameters),
        "disk_bytes": 4 * count,  # Weights are kept in float32.
        "precision": loaded.precision,
        "runtime_bytes": runtime,
        "peak_memory_bytes": peak,
    }

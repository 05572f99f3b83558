"""What `python -m bench speed` stores: the seconds of each arm for each work at each size, as they were measured."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, cycle
from pathlib import Path
from statistics import median

from baselines.core.settings import Settings
from bench.store import strict_json
from bench.store.atomic import atomic_write, recover, recover_all, remove_empty
from bench.store.bounds import RESULT_BYTES, read_bytes
from bench.store.environment import Environment
from bench.store.names import comparison_label
from bench.store.runs import UNFINISHED, Fingerprints
from bench.store.sanitise import sanitise, stem
from tasks.core.errors import InputError

FORMAT, SPEED, RECORD = 4, "speed", "speed.json"
_ROUNDS = f"{UNFINISHED}/{SPEED}"

INFERENCE, TRAINING, GROWTH = KINDS = ("inference", "training", "growth")
"""What is measured; `TRAINING` is also the work of a training."""

MULTITASK, SINGLE_TASK, PIPELINES = "multitask", "single_task", "pipelines"

OURS, NOT_DETERMINISTIC = "bench", "bench, not deterministic"

NOTES, PAIRS, ENCODER, FIRST_NOTE = "notes", "pairs", "encoder", "first note"
BY_TASKS, BY_LENGTH, PRODUCT = "by tasks", "by length", "matrix product"
"""The works of inference: all notes, all pairs, the encoder alone on the notes, loading up to the first answer; notes
and pairs with the first so many tasks, one note by its length. Of training too: a product at an arm's precision."""

CORPUS, HEADS, LENGTH, BATCH = AGAINST = ("corpus", "heads", "length", "batch")
"""What grows: the corpus, the tasks trained together, a note's characters; and batches of the paper's size, full."""

WRITING, READING, PREPARING, WARMING, DEVELOPMENT = "writing", "reading", "preparing", "warming", "development"
SECOND = "second start"
"""The works of growth. Preparing goes from a corpus read to the first update; warming is the first batch of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One work of one arm at one size: the `seconds` of each call, by round, and what each round scored, if it did.

    A round takes `units` (notes, pairs, windows, updates, characters, examples, as the work has it) of `tokens` real
    tokens, special ones included, which must compute `flops`; 0 is not counted. `size` is the batch or what grows.
    `peak_bytes` is the most memory, of which Python and its libraries hold `base_bytes`; None is unknown.
    """

    arm: str
    work: str
    task: str = ""
    size: int
    units: int = 1
    tokens: int = 0
    flops: int = 0
    seconds: tuple[tuple[float, ...], ...]
    scores: tuple[float, ...] = ()
    peak_bytes: int | None = None
    base_bytes: int | None = None

    @property
    def round_seconds(self) -> list[float]:
        return [sum(calls) for calls in self.seconds]

    @property
    def median_seconds(self) -> float:
        """The seconds of a round, the median of all; nan where there is none."""
        return median(self.round_seconds or [math.nan])

    @property
    def units_per_second(self) -> float:
        return self.units / self.median_seconds

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.median_seconds

    @property
    def bytes_above_base(self) -> int | None:
        """The most memory beyond what Python and its libraries hold."""
        if self.peak_bytes is None or self.base_bytes is None:
            return None
        return max(0, self.peak_bytes - self.base_bytes)

    def times_faster(self, other: Timing) -> float:
        """How many times faster than another: the median over rounds, in each of which both were measured."""
        return median(
            [slow / fast for fast, slow in zip(self.round_seconds, other.round_seconds, strict=True)] or [math.nan]
        )

    def utilisation(self, product: Timing) -> float:
        """The part of the rate of large matrix products that it reaches, of those in the same round if any."""
        taken = [own / one for own, one in zip(self.round_seconds, cycle(product.round_seconds), strict=False)]
        return self.flops / (product.flops or math.nan) / median(taken or [math.nan])


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmWeights:
    """The weights that an arm holds in memory."""

    arm: str
    models: int
    parameters: int
    weights_bytes: int
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One measurement, the arm that others are compared with first; `subject` is a training's task or what grows.

    `trained` tells whether trained models answered; otherwise their heads, or all of them, are as drawn. `metric` is
    what each round of a training is scored by on `test_examples`.
    """

    format: int = FORMAT
    kind: str
    subject: str = ""
    corpus: str
    encoder: str
    tasks: tuple[str, ...]
    settings: Settings
    trained: bool = False
    metric: str = ""
    test_examples: int = 0
    weights: tuple[ArmWeights, ...] = ()
    timings: tuple[Timing, ...] = ()
    fingerprints: Fingerprints | None = None
    command: str
    finished: str = ""
    environment: Environment

    @property
    def path(self) -> Path:
        """Its folder below `speed` of a results folder."""
        comparison = comparison_label(self.corpus, self.encoder, self.settings.span_head)
        parts = (stem(self.environment.device), str(self.environment.threads), self.kind, stem(self.subject))
        return Path(comparison, "-".join(filter(None, parts)))

    @property
    def arms(self) -> list[str]:
        return list(dict.fromkeys(one.arm for one in self.timings))

    @property
    def rounds(self) -> int:
        return len(self.timings[0].seconds) if self.timings else 0

    def sizes(self, work: str) -> list[int]:
        """The sizes at which a work was measured."""
        return sorted({timing.size for timing in self.timings if timing.work == work})

    def timing(self, work: str, arm: str = "", size: int | None = None, task: str = "") -> Timing:
        """The timings of a work, of this arm, size and task if given, as one; without rounds if there are none."""
        found = [
            one
            for one in self.timings
            if one.work == work and arm in ("", one.arm) and size in (None, one.size) and task in ("", one.task)
        ]
        return total(found) if found else Timing(arm=arm, work=work, size=0, units=0, seconds=())


def total(timings: Sequence[Timing]) -> Timing:
    """Timings as one: what they take together in each round, and the highest of their peaks."""
    tasks, peaks = {one.task for one in timings}, [one.peak_bytes for one in timings if one.peak_bytes is not None]
    return replace(
        timings[0],
        task="" if len(tasks) > 1 else timings[0].task,
        units=sum(one.units for one in timings),
        tokens=sum(one.tokens for one in timings),
        flops=sum(one.flops for one in timings),
        seconds=tuple(tuple(chain(*calls)) for calls in zip(*(one.seconds for one in timings), strict=True)),
        peak_bytes=max(peaks) if len(peaks) == len(timings) else None,
    )


def write(results: Path, speed: Speed) -> Path:
    """Store a measurement in place of an older one of its kind; the file it lies in."""
    keep(results, speed, SPEED)
    unfinished = results / _ROUNDS / speed.path
    shutil.rmtree(unfinished, ignore_errors=True)
    remove_empty(unfinished.parent, results / UNFINISHED)
    return results / SPEED / speed.path / RECORD


def keep(results: Path, speed: Speed, below: str = _ROUNDS) -> None:
    """Keep the rounds so far, for a measurement that is killed to go on from."""
    with atomic_write(results / below / speed.path) as new:
        (new / RECORD).write_text(strict_json.dumps(speed, indent=1) + "\n")


def kept(results: Path, planned: Speed) -> Speed:
    """A measurement of no rounds yet with those that were kept of it, if they were measured of the same."""
    folder = results / _ROUNDS / planned.path
    recover(folder)
    with suppress(InputError):
        begun = read(folder / RECORD)
        if replace(begun, timings=()) == planned:
            return begun
    return planned


def read_all(results: Path, kind: str) -> list[Speed]:
    """Every measurement of a kind in a results folder, by path; what cannot be read is named on stderr and left out."""
    recover_all(results / SPEED)
    found = []
    for path in sorted((results / SPEED).glob("*/*/*.json")):  # Those of older versions too: they are to be named.
        try:
            found.append(read(path))
        except InputError as error:
            sys.stderr.write(f"warning: {sanitise(str(error))}\n")
    return [speed for speed in found if speed.kind == kind]


def read(path: Path) -> Speed:
    """A measurement from its file."""
    try:
        speed = strict_json.loads(Speed, read_bytes(path, RESULT_BYTES))
        _require_whole(speed)
    except ValueError as error:
        raise InputError(f"{path} is no finished measurement ({error}): run `python -m bench speed` again") from None
    return speed


def _require_whole(speed: Speed) -> None:
    """ValueError unless every time is above 0 and the arms have as many rounds of the same works."""
    if speed.subject not in {INFERENCE: ("",), TRAINING: (speed.subject,), GROWTH: AGAINST}.get(speed.kind, ()):
        raise ValueError(f"it is of {speed.kind} {speed.subject}")
    if speed.kind == INFERENCE and (speed.arms[:1] != [MULTITASK] or [one.arm for one in speed.weights] != speed.arms):
        raise ValueError(f"it lacks {MULTITASK} as its first arm, or the weights of an arm")
    rounds: dict[str, dict[tuple[str, int], int]] = {arm: {} for arm in speed.arms}
    for timing in speed.timings:
        calls = [seconds for calls in timing.seconds for seconds in (*calls, len(calls))]
        if not calls or timing.units < 1 or not all(seconds > 0 for seconds in calls):
            raise ValueError(f"it lacks times of {timing.work}")
        count, work = len(timing.seconds), (timing.work, timing.size)
        if rounds[timing.arm].setdefault(work, count) != count or len(timing.scores) not in (0, count):
            raise ValueError(f"it lacks rounds of {timing.work}")
    shared = (NOTES, PAIRS, TRAINING, PRODUCT)  # What every arm does, as often as the others.
    shapes = [{work: n for work, n in found.items() if work[0] in shared} for found in rounds.values()]
    if not any(shapes) or any(shape != shapes[0] for shape in shapes):
        raise ValueError("an arm lacks times that another has")

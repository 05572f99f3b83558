"""What `python -m bench speed` stores: times of calls as they were measured, and what each arm holds."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from baselines.core.settings import Settings
from bench.store import strict_json
from bench.store.atomic import atomic_write, recover_all
from bench.store.bounds import RESULT_BYTES, read_bytes
from bench.store.environment import Environment
from bench.store.names import comparison_label
from bench.store.runs import Fingerprints
from bench.store.sanitise import sanitise, stem
from tasks.core.errors import InputError

FORMAT = 2
SPEED, RESULT = "speed", "result.json"
MULTITASK, SINGLE_TASK, PIPELINES = "multitask", "single_task", "pipelines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """The seconds of every call with so many examples at a time, by round: on notes, and on pairs."""

    batch: int
    note_seconds: tuple[tuple[float, ...], ...]
    pair_seconds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an arm holds in a process of its own: `runtime_bytes` before its models, `weights_bytes` in memory.

    `cold_start_seconds` go from the start of the process to the first note answered. None is unknown.
    """

    models: int
    parameters: int
    weights_bytes: int
    disk_bytes: int
    precision: str
    runtime_bytes: int | None
    peak_memory_bytes: int | None
    cold_start_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to have all tasks answered: what its models must compute for all notes, and what the machine can.

    A note goes through `passes` encoders; `pass_flops` are those of one on all notes, `pass_seconds` its times by round
    where it was timed by itself. Matrix products are large ones, at the precision of the arm.
    """

    name: str
    held: Held
    timed: tuple[Timed, ...]
    passes: int
    pass_flops: int
    pass_seconds: tuple[float, ...]
    matrix_flops_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """An arm with the first so many tasks, or with a note so long: `size` is tasks or characters."""

    arm: str
    size: int
    seconds: tuple[float, ...]
    held: Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One measurement; tokens are real sub-words, special ones included, and each note's are counted once.

    The multitask arm comes first. `kept` tells whether the models were trained ones; otherwise their heads, or all of
    them, are as drawn.
    """

    format: int = FORMAT
    corpus: str
    encoder: str
    tasks: tuple[str, ...]
    settings: Settings
    kept: bool
    notes: int
    note_tokens: int
    pairs: int
    pair_tokens: int
    arms: tuple[Arm, ...]
    heads: tuple[Growth, ...]
    lengths: tuple[Growth, ...]
    fingerprints: Fingerprints
    command: str = ""
    finished: str
    environment: Environment
    folder: Path | None = field(default=None, compare=False, metadata=strict_json.HERE_ONLY)

    @property
    def path(self) -> Path:
        """Its folder below `speed`: one for each corpus, encoder, device and number of threads."""
        here, comparison = self.environment, comparison_label(self.corpus, self.encoder, self.settings.span_head)
        return Path(comparison, f"{stem(here.device)}-{here.threads}")

    def arm(self, name: str) -> Arm | None:
        """The arm of that name, if it was measured."""
        return next((arm for arm in self.arms if arm.name == name), None)


def totals(timed: Timed) -> list[float]:
    """The seconds of all notes, by round."""
    return [sum(calls) for calls in timed.note_seconds]


def fastest(arm: Arm) -> Timed:
    """Where an arm answers most notes a second, in the median of its rounds."""
    return min(arm.timed, key=lambda timed: median(totals(timed)))


def times_faster(one: Timed, other: Timed) -> float:
    """How many times faster than another: the median over rounds, in each of which both were measured."""
    return median(slow / fast for fast, slow in zip(totals(one), totals(other), strict=True))


def utilisation(arm: Arm) -> float:
    """The part of the rate of large matrix products that an arm reaches on notes, where it is fastest."""
    return arm.passes * arm.pass_flops / median(totals(fastest(arm))) / arm.matrix_flops_per_second


def encoder_utilisation(arm: Arm) -> float | None:
    """The part that its encoder reaches by itself; None where it was not timed."""
    if not arm.pass_seconds:
        return None
    return arm.pass_flops / median(arm.pass_seconds) / arm.matrix_flops_per_second


def write(results: Path, speed: Speed) -> Path:
    """Store a measurement in place of an older one of its kind; the file it lies in."""
    folder = results / SPEED / speed.path
    with atomic_write(folder) as new:
        (new / RESULT).write_text(strict_json.dumps(speed, indent=1) + "\n")
    return folder / RESULT


def read_all(results: Path) -> list[Speed]:
    """Every measurement in a results folder, by path; what cannot be read is named on stderr and left out."""
    recover_all(results / SPEED)
    found = []
    for path in sorted((results / SPEED).glob(f"*/*/{RESULT}")):
        try:
            found.append(read(path))
        except InputError as error:
            sys.stderr.write(f"warning: {sanitise(str(error))}\n")
    return found


def read(path: Path) -> Speed:
    """A measurement from its file."""
    try:
        speed = strict_json.loads(Speed, read_bytes(path, RESULT_BYTES))
        if [arm.name for arm in speed.arms[:1]] != [MULTITASK]:
            raise ValueError(f"its first arm is not {MULTITASK}")
        if not all(_is_whole(arm, speed.arms[0]) for arm in speed.arms):
            raise ValueError("an arm lacks times that another has")
    except ValueError as error:
        raise InputError(f"{path} is no finished measurement ({error}): run `python -m bench speed` again") from None
    return speed


def _is_whole(arm: Arm, like: Arm) -> bool:
    """Whether an arm has times above 0, of as many rounds and batches as another."""
    rounds = [calls for timed in arm.timed for calls in (*timed.note_seconds, *timed.pair_seconds)]
    shape, wanted = (
        [(timed.batch, len(timed.note_seconds), len(timed.pair_seconds)) for timed in one.timed] for one in (arm, like)
    )
    return bool(rounds) and shape == wanted and all(min(calls, default=1.0) > 0 for calls in rounds)

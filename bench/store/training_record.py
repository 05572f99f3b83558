"""What `python -m bench training-speed` stores."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from baselines.core.settings import Settings
from bench.store import strict_json
from bench.store.atomic import atomic_write, recover, remove_empty
from bench.store.bounds import RESULT_BYTES, read_bytes
from bench.store.environment import Environment
from bench.store.inference_record import SPEED
from bench.store.names import comparison_label
from bench.store.runs import UNFINISHED
from bench.store.sanitise import stem

OURS, NOT_DETERMINISTIC = "bench", "bench, not deterministic"
TRAINING = "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The seconds of training of one arm and the score of what it trained, by round.

    `matrix_flops_per_second` is what large matrix products reached in that round, at the precision of the arm.
    """

    arm: str
    seconds: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    matrix_flops_per_second: tuple[float, ...] = ()

    def with_round(self, seconds: float, score: float, matrix_flops_per_second: float) -> Rate:
        """The same with one more round."""
        rates = (*self.matrix_flops_per_second, matrix_flops_per_second)
        return Rate(
            arm=self.arm,
            seconds=(*self.seconds, seconds),
            scores=(*self.scores, score),
            matrix_flops_per_second=rates,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpeed:
    """One measurement: every arm passes the same windows as often, in batches of the same size.

    `tokens` are real sub-words of one pass, special ones included; `metric` is what `test` examples are scored by, and
    `flops` is what one pass must compute, gradients too.
    """

    corpus: str
    encoder: str
    task: str
    windows: int
    tokens: int
    flops: int
    batch: int
    metric: str
    test: int
    settings: Settings
    rates: tuple[Rate, ...]
    command: str = ""
    finished: str = ""
    environment: Environment

    @property
    def rounds(self) -> int:
        """How many were measured."""
        return len(self.rates[0].seconds)

    @property
    def path(self) -> Path:
        """Its folder below `speed`."""
        here, comparison = self.environment, comparison_label(self.corpus, self.encoder, self.settings.span_head)
        return Path(comparison, f"{stem(here.device)}-{here.threads}-training-{self.task}")


def utilisation(speed: TrainingSpeed, rate: Rate) -> float:
    """The part of the rate of large matrix products that an arm reaches, the median of its rounds."""
    flops = speed.flops * speed.settings.epochs
    rounds = zip(rate.seconds, rate.matrix_flops_per_second, strict=True)
    return median(flops / seconds / reached for seconds, reached in rounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A measurement whose rounds are not all there, and the digests of what they depend on."""

    fingerprints: tuple[str, ...]
    speed: TrainingSpeed


def keep(results: Path, speed: TrainingSpeed, fingerprints: tuple[str, ...]) -> None:
    """Keep the rounds so far, for a measurement that is killed to go on from."""
    with atomic_write(_unfinished(results, speed)) as new:
        (new / TRAINING).write_text(strict_json.dumps(_Begun(fingerprints=fingerprints, speed=speed)) + "\n")


def kept(results: Path, planned: TrainingSpeed, fingerprints: tuple[str, ...]) -> TrainingSpeed:
    """A measurement of no rounds yet with those that were kept of it, if they were measured of the same."""
    folder = _unfinished(results, planned)
    recover(folder)
    try:
        begun = strict_json.loads(_Begun, read_bytes(folder / TRAINING, RESULT_BYTES))
    except ValueError:
        return planned
    blank = replace(begun.speed, rates=planned.rates, finished=planned.finished)
    return begun.speed if (begun.fingerprints, blank) == (fingerprints, planned) else planned


def write(results: Path, speed: TrainingSpeed) -> Path:
    """Store a measurement in place of an older one of its kind; the file it lies in."""
    folder, unfinished = results / SPEED / speed.path, _unfinished(results, speed)
    with atomic_write(folder) as new:
        (new / TRAINING).write_text(strict_json.dumps(speed, indent=1) + "\n")
    shutil.rmtree(unfinished, ignore_errors=True)
    remove_empty(unfinished.parent, results / UNFINISHED)
    return folder / TRAINING


def _unfinished(results: Path, speed: TrainingSpeed) -> Path:
    return results / UNFINISHED / SPEED / speed.path

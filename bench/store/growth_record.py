"""What `python -m bench growth` stores: what each stage of a training took, at each size of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.core.settings import Settings
from bench.store import strict_json
from bench.store.atomic import atomic_write
from bench.store.environment import Environment
from bench.store.inference_record import SPEED
from bench.store.names import comparison_label
from bench.store.sanitise import stem

RESULT = "growth.json"

CORPUS, HEADS, LENGTH, BATCH = "corpus", "heads", "length", "batch"
AGAINST = (CORPUS, HEADS, LENGTH, BATCH)
"""What grows: the corpus, the tasks trained together, a note's characters; and batches of the paper's size, full."""

LIBRARIES, WRITING, READING, PREPARING, WARMING, TRAINING, DEVELOPMENT, SECOND = (
    "libraries", "writing", "reading", "preparing", "warming", "training", "development", "second start",
)  # fmt: skip
"""The stages. Preparing goes from a corpus read to the first update; warming is the first batch of each task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage, of one task or of all (""): `units` are characters, sub-words or examples, as the stage has it.

    `peak_bytes` is the most memory that the process had written itself while it lasted (files that are mapped are no
    part of it), or on CUDA the most allocated there; None is unknown.
    """

    name: str
    task: str
    units: int
    seconds: float
    peak_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One size, measured in processes of its own; of all peaks Python and its libraries hold `libraries_bytes`."""

    size: int
    libraries_bytes: int | None
    stages: tuple[Stage, ...]

    def stage(self, name: str, task: str | None = None) -> Stage | None:
        """The stages of that name, of one task or of all tasks together; None where there are none."""
        found = [stage for stage in self.stages if stage.name == name and task in (None, stage.task)]
        return total(found) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One measurement; `against` is what the sizes of its points count, `updates` how many were timed at each."""

    against: str
    corpus: str
    encoder: str
    tasks: tuple[str, ...]
    settings: Settings
    updates: int
    points: tuple[Point, ...]
    command: str
    finished: str
    environment: Environment

    @property
    def path(self) -> Path:
        """Its folder below `speed`."""
        here, comparison = self.environment, comparison_label(self.corpus, self.encoder, self.settings.span_head)
        return Path(comparison, f"{stem(here.device)}-{here.threads}-growth-{self.against}")


def total(stages: Sequence[Stage]) -> Stage:
    """Stages as one: their units and seconds together, and the highest of their peaks."""
    peaks = [stage.peak_bytes for stage in stages if stage.peak_bytes is not None]
    return Stage(
        name=stages[0].name,
        task=stages[0].task if len({stage.task for stage in stages}) == 1 else "",
        units=sum(stage.units for stage in stages),
        seconds=sum(stage.seconds for stage in stages),
        peak_bytes=max(peaks) if len(peaks) == len(stages) else None,
    )


def write(results: Path, growth: Growth) -> Path:
    """Store a measurement in place of an older one of its kind; the file it lies in."""
    folder = results / SPEED / growth.path
    with atomic_write(folder) as new:
        (new / RESULT).write_text(strict_json.dumps(growth, indent=1) + "\n")
    return folder / RESULT

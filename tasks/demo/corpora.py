"""All eight demo corpora, written as their holders would have them on disk."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tasks import i2b2_2010, i2b2_2012, i2b2_2014, mednli, medrqe_2016, n2c2_2018, n2c2_2019, quaero_2014
from tasks.core.kinds import Task
from tasks.demo import entailment, french, notes, questions, similarity


@dataclass(frozen=True)
class Maker:
    """Where the examples of a task come from, without end, and how many each split has at scale 1."""

    task: Task[Any, Any]
    make: Callable[[random.Random, str], Iterator[Any]]
    counts: Mapping[str, int]

    def examples(self, split: str, scale: float = 1.0, seed: int = 0) -> Iterator[Any]:
        """The examples of a split, `scale` times as many as by default."""
        rng = random.Random(f"{seed}:{self.task.name}:{split}")
        return islice(self.make(rng, split), max(1, math.ceil(scale * self.counts[split])))


MAKERS = (
    Maker(i2b2_2010.TASK, notes.concepts, {"train": 60, "test": 40}),
    Maker(i2b2_2012.TASK, notes.events, {"train": 60, "test": 40}),
    Maker(i2b2_2014.TASK, notes.identifiers, {"train": 60, "test": 80}),
    Maker(n2c2_2018.TASK, notes.medications, {"train": 60, "test": 40}),
    Maker(quaero_2014.TASK, french.documents, {"train": 140, "dev": 30, "test": 50}),
    Maker(mednli.TASK, entailment.pairs, {"train": 780, "dev": 99, "test": 600}),
    Maker(medrqe_2016.TASK, questions.pairs, {"train": 660, "test": 600}),
    Maker(n2c2_2019.TASK, similarity.pairs, {"train": 400, "test": 600}),
)


def write_demo(folder: Path, scale: float = 1.0, seed: int = 0) -> None:
    """Every corpus in a folder of its own below the given one, `scale` times as large as by default."""
    for maker in MAKERS:
        for split in maker.counts:
            maker.task.write(folder / maker.task.name, split, maker.examples(split, scale, seed))

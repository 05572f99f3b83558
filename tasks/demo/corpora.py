"""All eight demo corpora, written as their holders would have them on disk."""

from __future__ import annotations

import math
import random
from pathlib import Path
from types import ModuleType
from typing import Any

from tasks import i2b2_2010, i2b2_2012, i2b2_2014, mednli, medrqe_2016, n2c2_2018, n2c2_2019, quaero_2014
from tasks.demo import concepts, entailment, events, french, identifiers, medications, questions, similarity

DOCUMENTS: dict[ModuleType, ModuleType] = {
    i2b2_2010: concepts,
    i2b2_2012: events,
    i2b2_2014: identifiers,
    n2c2_2018: medications,
    quaero_2014: french,
}
PAIRS: dict[ModuleType, ModuleType] = {mednli: entailment, medrqe_2016: questions, n2c2_2019: similarity}


def _write(folder: Path, task: Any, examples: Any, counts: dict[str, int], seed: int) -> None:
    for split, count in counts.items():
        stream = random.Random(f"{seed}:{task.name}:{split}")
        task.write(folder / task.name, split, examples(stream, count, split))


def write_demo(folder: Path, scale: float = 1.0, seed: int = 0) -> None:
    """Every corpus in a folder of its own below the given one, `scale` times as large as by default."""
    for makers, shape in ((DOCUMENTS, "documents"), (PAIRS, "pairs")):
        for asked, maker in makers.items():
            counts = {split: max(1, math.ceil(scale * count)) for split, count in maker.COUNTS.items()}
            _write(folder, asked.TASK, getattr(maker, shape), counts, seed)

"""Real trainings that take a second or two: two tasks in their official formats that a tiny encoder learns from
nothing. Words give the gold away, but for some, so that scores are high and yet differ between trainings.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

from bench import registry
from bench.cli import main as cli
from tasks.core.examples import Document, Pair, Span

SPANS, SCORES = "i2b2_2014", "n2c2_2019"
SIZES = {"train": 20, "test": 20}
PAIRS_A_NOTE = 6
WORDS = ("the", "was", "seen", "in", "clinic", "denies", "chest", "daily", "x", "given")
LABELS = {"patient": "PATIENT", "ray": "DOCTOR", "mg": "DATE"}
ODD = 0.12
"""The part of these words that is no mention."""

TRAINING = (
    "--epochs 8 n2c2_2019=16 --encoder-lr 0.0001 --head-lr 0.01 --max-length 96 --pair-max-length 32 --span-batch 4 "
    "--pair-batch 8 --precision float32"
).split()


def notes(split: str) -> Iterator[Document]:
    """Lines of words, of which three kinds are mentions, as a rule."""
    for number in range(SIZES[split]):
        draw = random.Random(f"{split} {number}")
        text, gold = "", set()
        for word in draw.choices((*WORDS, *LABELS), k=120):
            if word in LABELS and draw.random() > ODD:
                gold.add(Span(((len(text), len(text) + len(word)),), LABELS[word]))
            text += word + draw.choice("     \n")
        yield Document(f"{100 + number}-01", text, frozenset(gold))


def scored(split: str) -> Iterator[Pair[float]]:
    """Pairs whose score is how often a word comes, more or less."""
    for number in range(SIZES[split] * PAIRS_A_NOTE):
        draw = random.Random(f"{split} {number}")
        often = draw.randrange(6)
        words = draw.sample([*draw.choices(WORDS, k=6 - often), *["pain"] * often], k=6)
        score = min(5.0, max(0.0, often + draw.choice((-0.5, 0.0, 0.0, 0.5))))
        yield Pair(f"{split}-{number}", " ".join(words), "the patient was seen", score)


EXAMPLES = {SPANS: notes, SCORES: scored}


class SmallBench:
    """The commands on a corpus and an encoder that are small enough to be trained in a second."""

    def __init__(self, root: Path, encoder: Path, tasks: Sequence[str] = tuple(EXAMPLES)) -> None:
        self.root = root
        for task in map(registry.task, tasks):
            for split in task.official_splits:
                task.write(root / "data" / task.name, split, EXAMPLES[task.name](split))
        self.where = ["--data", str(root / "data"), "--encoder", str(encoder), "--tasks", *tasks, *TRAINING]

    def train(self, results: str, *seeds: int) -> None:
        """Trains the multitask arm with these seeds."""
        # In this process, where what is patched of a training holds.
        words = ["run", "--executor", "serial", *self.where, "--baselines", "multitask", "--no-cache"]
        words += ["--results", str(self.root / results)]
        with patch("bench.report.files.publish", lambda results: None):
            if cli.main([*words, "--seeds", *map(str, seeds)]):
                raise RuntimeError(" ".join(words))

    def check(self, results: str, *options: str) -> int:
        """Judges results, or accepts them; the exit status."""
        where = ["--results", str(self.root / results), "--reference", str(self.root / "reference")]
        # Trainings of seconds on a machine that does other work too say nothing of speed.
        with patch("bench.drift.speed.judge_speed", lambda reference, results: []):
            return cli.main(["check", *where, "--corpus", "official", *options])

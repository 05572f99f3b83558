"""A bench in miniature: two small corpora in their official formats, and baselines that learn nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from baselines.core.baseline import Baseline, TrainSpec
from baselines.core.stats import TrainStats
from bench import registry
from bench.cli import main as cli
from tasks.core.examples import Document, Pair, Span
from tasks.core.kinds import SPLITS, SpanTask, Task

PLANTED = "zyzzogeton"
"""A word that stands in every text of the corpora, and nowhere else."""


class Model:
    """Answers the same for every example."""

    def predict(self, task: Task[Any, Any], examples: Sequence[Any]) -> list[Any]:
        answer = frozenset({Span(((0, 3),), task.labels[0])}) if isinstance(task, SpanTask) else task.labels[0]
        return [answer] * len(examples)


TRAININGS: list[TrainSpec] = []
"""Every training that was asked for."""

DURING: list[Callable[[TrainSpec], None]] = []
"""What is done in each training."""


def train(job: TrainSpec) -> tuple[Model, TrainStats]:
    """Notes that it was asked."""
    TRAININGS.append(job)
    for act in DURING:
        act(job)
    for task in job.tasks:
        job.examples(task, "train")
    job.progress(0.5, "half")
    return Model(), TrainStats(train_seconds=2.0)


ALONE = Baseline(name="alone", title="each alone", joint=False, needs_encoder=False, train=train)
TOGETHER = Baseline(name="together", title="all together", joint=True, needs_encoder=False, train=train)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Takes (name, value) pairs as the entry points of plugins with baselines, or with tasks, and no others."""
    registry.entries.cache_clear()

    def install(*points: tuple[str, str], kind: str = "baseline") -> None:
        ours = f"mt_clinical_bench.{kind}s"
        found = [metadata.EntryPoint(name, value, ours) for name, value in points]
        monkeypatch.setattr(metadata, "entry_points", lambda group: found if group == ours else [])
        registry.entries.cache_clear()

    yield install
    registry.entries.cache_clear()


@pytest.fixture
def bench(tmp_path: Path, plugins: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`bench run` and its like on small corpora with the two baselines here; gives the exit status."""
    plugins(("alone", "small_bench:ALONE"), ("together", "small_bench:TOGETHER"))
    monkeypatch.setattr("bench.report.files.publish", lambda results: None)
    TRAININGS.clear()
    DURING.clear()
    write_corpora(tmp_path / "data")

    def run(*words: str, command: str = "run", baselines: Sequence[str] = ("alone",)) -> int:
        where = ["--data", str(tmp_path / "data"), "--results", str(tmp_path / "results"), "--encoder", "minilm"]
        where += ["--executor", "serial"] if command == "run" else []
        tasks = [] if "--tasks" in words else ["--tasks", "mednli", "quaero_2014"]
        return cli.main([command, *where, *tasks, "--baselines", *baselines, *words])

    return run


def write_corpora(folder: Path, documents: int = 4) -> None:
    """Writes mednli and quaero_2014 with a few examples in each split."""
    for split in SPLITS:
        pairs = [Pair(f"{split}-{k}", f"{PLANTED} {split} {k}.", "It was.", label) for k, label in _labels(documents)]
        registry.task("mednli").write(folder, split, pairs)
        notes = [Document(f"EMEA/{split}-{k}", f"foie {PLANTED} {k}\n", _gold()) for k in range(documents)]
        registry.task("quaero_2014").write(folder, split, notes)


def _labels(count: int) -> list[tuple[int, str]]:
    return list(enumerate(["neutral", "entailment", "neutral", "contradiction"] * count))[:count]


def _gold() -> frozenset[Span]:
    return frozenset({Span(((0, 4),), "ANAT")})

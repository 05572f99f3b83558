"""Thousands of results and a grid of very many runs, made from those of the reference: what scale is measured on.

A result has the metrics, columns and training of a real one, and the evidence of as many examples as a real test set.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np

from baselines.core.baseline import Baseline
from baselines.core.settings import Settings
from bench import registry
from bench.runner.corpora import OFFICIAL, Corpora
from bench.runner.corpus_statistics import CorpusStatistics
from bench.runner.encoder_files import EncoderFiles
from bench.runner.plan import Run, RunContext, fingerprints
from bench.store import runs as store
from bench.store import strict_json
from bench.store.checksums import write_checksums
from bench.store.evidence import Evidence
from bench.store.names import RunName
from bench.store.runs import Result, answer_line
from tasks.core.kinds import Task

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"
ENCODERS = tuple(f"encoder-{index}" for index in range(6))
EXAMPLES = 500
"""In each test set."""

DIFFERENT = 10
"""So many seeds of a run differ; further ones are copies of these under their own seed."""

MENTION = {"label": "problem", "parts": [[120, 131]]}


@cache
def tasks() -> tuple[Task, ...]:
    """The eight tasks."""
    return tuple(registry.of_paper())


def contexts(results: Path) -> list[RunContext]:
    """One for each encoder, on corpora that are never read."""
    statistics = {task.name: CorpusStatistics("c" * 64, 1_000_000, {}, {}, ()) for task in tasks()}
    corpora = Corpora(OFFICIAL, Path(), _corpus_statistics=statistics)
    return [RunContext(corpora, results, EncoderFiles(name, None, "e" * 64)) for name in ENCODERS]


def grid(seeds: Sequence[int]) -> Iterator[Run]:
    """Each task alone, all together, and each task from each other."""
    single, multi = registry.baseline("single_task"), registry.baseline("multitask")
    for seed in seeds:
        yield from (Run(single, (task,), seed, Settings()) for task in tasks())
        for first, second in permutations(tasks(), 2):
            yield Run(single, (second,), seed, Settings(), start=Run(single, (first,), seed, Settings()))
        yield Run(multi, tasks(), seed, Settings())


def make(results: Path, seeds: int) -> int:
    """Stores the floor, eight single-task runs and a multitask run a seed, with each encoder; how many these are."""
    single, multi = registry.baseline("single_task"), registry.baseline("multitask")
    made = 0
    for context in contexts(results):
        for task in tasks():
            made += _make(registry.baseline("majority"), (task,), range(1), context)
            made += _make(single, (task,), range(seeds), context)
        made += _make(multi, tasks(), range(seeds), context)
    return made


def _make(baseline: Baseline, of: tuple[Task, ...], seeds: Sequence[int], context: RunContext) -> int:
    """The runs of a baseline on these tasks with all seeds."""
    for seed in seeds:
        run = Run(baseline, of, seed, Settings())
        name = RunName(corpus=OFFICIAL, encoder=context.encoder.name, arm=run.arm, tasks=run.names, seed=seed)
        result, evidence = _like_reference(baseline.joint, run.names, seed % DIFFERENT)
        result = replace(
            result, corpus=name.corpus, encoder=name.encoder, arm=name.arm, baseline=baseline.name, tasks=name.tasks,
            seed=seed, settings=run.settings, fingerprints=fingerprints(run, context),
        )  # fmt: skip
        root = context.results / store.RUNS
        like = root / replace(name, seed=seed % DIFFERENT).path
        if seed < DIFFERENT and name.encoder == ENCODERS[0]:
            store.write(root, result, evidence, {task: _answers(one) for task, one in evidence.items()})
            continue
        like = root / replace(name, seed=seed % DIFFERENT, encoder=ENCODERS[0]).path
        shutil.copytree(like, root / name.path)
        (root / name.path / store.RESULT).write_text(strict_json.dumps(result, indent=1) + "\n")
        write_checksums(root / name.path)
    return len(seeds)


@cache
def _like_reference(joint: bool, names: tuple[str, ...], seed: int) -> tuple[Result, dict[str, Evidence]]:
    """A result of the reference, with the evidence of more examples."""
    arm, label = ("multitask", "8-tasks-*") if joint else ("single_task", names[0])
    (folder,) = REFERENCE.glob(f"demo-minilm/{arm}/{label}/seed-{seed}")
    result = store.read(REFERENCE, folder.relative_to(REFERENCE))
    return result, {task: _more(result.evidence[task]) for task in names}


def _more(evidence: Evidence) -> Evidence:
    """The rows of EXAMPLES examples, drawn from those there are: the same in every run."""
    drawn = np.random.default_rng(0).integers(0, len(evidence.ids), EXAMPLES)
    ids = np.array([f"{evidence.ids[place]}-{index}" for index, place in enumerate(drawn)])
    return Evidence(ids, {name: rows[drawn] for name, rows in evidence.rows.items()})


def _answers(evidence: Evidence) -> list[str]:
    return [answer_line(name, [MENTION] * 10) for name in evidence.ids]

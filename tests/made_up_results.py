"""Results as a run would store them, made from random evidence: what report and check are tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from baselines.core.settings import Settings
from baselines.core.stats import TaskCounts, TrainStats
from bench.store.environment import Environment
from bench.store.evidence import Evidence
from bench.store.names import RunName
from bench.store.runs import Fingerprints, MetricScore, Result, Score, answer_line, write
from tasks.core.metrics.formulas import FORMULAS

KINDS = {
    "i2b2_2010": "span", "i2b2_2012": "span", "i2b2_2014": "span", "n2c2_2018": "span", "quaero_2014": "span",
    "mednli": "pair", "medrqe_2016": "pair", "n2c2_2019": "similarity",
}  # fmt: skip
PIPELINES = {"span": "token-classification", "pair": "text-classification", "similarity": "sentence-similarity"}


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Makes and stores one run; `skill` moves its answers, `labels` are those of its spans."""

    root: Path
    corpus: str = "demo"
    encoder: str = "minilm"
    examples: int = 40
    labels: tuple[str, ...] = ("problem", "test")
    settings: Settings = field(default_factory=Settings)

    def run(self, arm: str, tasks: tuple[str, ...], seed: int, skill: float = 0.75) -> Result:
        """Stores the result of one run; the same arguments make the same result."""
        evidence = {task: self.evidence(arm, task, seed, skill) for task in tasks}
        scores = {task: self.score(task, evidence[task]) for task in tasks}
        trained = arm != "majority"
        result = Result(
            corpus=self.corpus, encoder=self.encoder, arm=arm, baseline=arm.partition("-")[0],
            joint=arm.partition("-")[0] == "multitask", tasks=tasks, seed=seed,
            settings=replace(self.settings, schedule=arm.partition("-")[2] or "interleaved"),
            start=self.start(arm, seed), fingerprints=Fingerprints(
                settings="5", corpora=dict.fromkeys(tasks, "c" * 64), encoder="e" * 64, code="0" * 64
            ),
            scores=scores, training=self.record(tasks) if trained else TrainStats(), test_seconds=1.5 * len(tasks),
            finished="2026-11-21T06:00:00Z", notices={task: {} for task in tasks},
            environment=Environment(
                python="3.11.9", torch="2.13", transformers="5.23", numpy="2.4", platform="Linux-x86_64", processor="x",
                device="cpu", threads=2, bench="0.1.0",
            ),
        )  # fmt: skip
        return self.store(result, evidence)

    def start(self, arm: str, seed: int) -> RunName | None:
        """The joint run of all tasks, where an arm starts from it."""
        joint = RunName(
            corpus=self.corpus, encoder=self.encoder, arm="multitask", tasks=tuple(KINDS), seed=seed,
            span_head=self.settings.span_head,
        )  # fmt: skip
        return joint if arm == "multitask_finetuned" else None

    def store(self, result: Result, evidence: Mapping[str, Evidence]) -> Result:
        """Writes a result and gives it back with its folder."""
        answers = {task: [answer_line(name, "made up") for name in one.ids] for task, one in evidence.items()}
        return replace(result, folder=write(self.root / "runs", result, evidence, answers), evidence=dict(evidence))

    def evidence(self, arm: str, task: str, seed: int, skill: float) -> Evidence:
        """Examples differ in difficulty, the same in every arm and seed; luck differs between them."""
        hard = np.random.default_rng(sum(map(ord, task))).uniform(-0.2, 0.2, size=self.examples)
        luck = np.random.default_rng([seed, sum(map(ord, arm + task))])
        chance = np.clip(hard + skill, 0, 1)
        ids = np.array([f"{task}-{place}" for place in range(self.examples)])
        if KINDS[task] == "span":
            gold = luck.integers(3, 9, size=(self.examples, len(self.labels)))
            right = luck.binomial(gold, chance[:, None])
            rows = np.stack([right, gold - right, gold - right], axis=-1).reshape(self.examples, -1)
        elif KINDS[task] == "pair":
            rows = np.stack([luck.random(self.examples) < chance, np.ones(self.examples)], axis=-1)
        else:
            x, y = 5 * hard, 5 * hard + (1 - skill) * luck.normal(size=self.examples)
            y = y if skill > 0.3 else np.full(self.examples, 2.5)
            rows = np.stack([np.ones(self.examples), x, y, x * x, y * y, x * y], axis=-1)
        return Evidence(ids, {self.metric(task).name: rows.astype(float)})

    def metric(self, task: str) -> MetricScore:
        """The primary metric of a task, not yet measured."""
        spans = tuple(f"{label}:{role}" for label in self.labels for role in ("tp", "fp", "fn"))
        name, title, formula, columns = {
            "span": ("f1", "exact F1", "micro_f1", spans),
            "pair": ("accuracy", "accuracy", "proportion", ("correct", "count")),
            "similarity": ("pearson", "Pearson's r", "pearson", ("n", "x", "y", "xx", "yy", "xy")),
        }[KINDS[task]]
        return MetricScore(name=name, title=title, primary=True, formula=formula, columns=columns, value=float("nan"))

    def score(self, task: str, evidence: Evidence) -> Score:
        """What the evidence of a task comes to."""
        metric = self.metric(task)
        value = float(FORMULAS[metric.formula](evidence.rows[metric.name].sum(axis=0), metric.columns))
        return Score(
            kind=KINDS[task], pipeline=PIPELINES[KINDS[task]], title=task,
            examples={"train": 300, "dev": 30, "test": self.examples},
            ceiling=0.778 if task == "quaero_2014" else None, metrics=(replace(metric, value=value),),
        )  # fmt: skip

    def record(self, tasks: tuple[str, ...]) -> TrainStats:
        """What such a training would have cost."""
        return TrainStats(
            train_seconds=40.0 * len(tasks), dev_seconds=3.0 * len(tasks),
            task_counts={task: TaskCounts(updates=200, examples=3000, tokens=123_456, epochs=6.0) for task in tasks},
            dev_scores=[dict.fromkeys(tasks, 0.5 + 0.07 * k - 0.006 * k * k) for k in range(6)], best_epoch=5,
            parameters=22_700_000, weights_bytes=91_000_000, peak_memory_bytes=900_000_000, precision="bfloat16",
        )  # fmt: skip

    def everything(self, seeds: tuple[int, ...] = (0, 1, 2)) -> None:
        """The whole comparison: the floor, eight single-task trainings and one multitask training a seed."""
        for task in KINDS:
            self.run("majority", (task,), 0, skill=0.2)
        for seed in seeds:
            for task in KINDS:
                self.run("single_task", (task,), seed)
            self.run("multitask", tuple(KINDS), seed, skill=0.77)

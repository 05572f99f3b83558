"""The runs that a comparison consists of: baselines, tasks and seeds, each with each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from baselines.core.baseline import Baseline
from baselines.core.settings import PROFILES, Settings
from bench import registry
from bench.runner.plan import Run
from tasks.core.kinds import Task


@dataclass(frozen=True)
class Grid:
    """What the user asked to be compared."""

    tasks: tuple[Task[Any, Any], ...]
    baselines: tuple[Baseline, ...]
    seeds: tuple[int, ...]
    settings: Settings

    def runs(self) -> Iterator[Run]:
        """A joint baseline trains all tasks at once, others each task alone; one seed is enough without chance."""
        for baseline in self.baselines:
            for seed in self.seeds if baseline.seeded else self.seeds[:1]:
                for tasks in [self.tasks] if baseline.joint else [(task,) for task in self.tasks]:
                    yield self._run(baseline, tasks, seed)

    def _run(self, baseline: Baseline, tasks: tuple[Task[Any, Any], ...], seed: int) -> Run:
        if baseline.start is None:
            # What it does not depend on is as in every other run of its arm.
            usual = PROFILES[self.settings.profile].finetune_epochs
            return Run(baseline, tasks, seed, replace(self.settings, finetune_epochs=usual))
        start = registry.baseline(baseline.start)
        return Run(baseline, tasks, seed, self.settings, self._run(start, self.tasks if start.joint else tasks, seed))

"""What a comparison lacks, and the command that would fill it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.report.comparison import FLOOR, MULTI, SINGLE, Arm, Comparison

DEFAULT_RESULTS = Path("results")


def gaps(comparison: Comparison, arm: str, task: str) -> list[int]:
    """The seeds with which an arm has not answered a task; one seed is enough for the floor."""
    found = comparison.arm(arm)
    seeds = found.by_task.get(task, {}) if found else {}
    if arm == FLOOR:
        return [] if seeds else list(comparison.seeds[:1])
    return [seed for seed in comparison.seeds if seed not in seeds]


def expected(comparison: Comparison, baselines: Sequence[str] = ()) -> list[str]:
    """The arms a reader looks for: the three of the comparison, or those asked for, and any other that has been run."""
    standard = [name for name in (FLOOR, SINGLE, MULTI) if not baselines or name in baselines]
    return standard + [arm.name for arm in comparison.arms if arm.name not in standard]


def commands(comparison: Comparison, arms: Sequence[str], results: Path) -> list[str]:
    """One command for each arm that lacks something."""
    lines = []
    for name in arms:
        lacking = {task: gaps(comparison, name, task) for task in comparison.tasks}
        tasks = [task for task in comparison.tasks if lacking[task]]
        seeds = sorted({seed for task in tasks for seed in lacking[task]})
        if tasks:
            lines.append(_command(comparison, name, tasks, seeds) + _where(results))
    return lines


def _command(comparison: Comparison, name: str, tasks: Sequence[str], seeds: Sequence[int]) -> str:
    arm = comparison.arm(name)
    joint = name == MULTI or (arm is not None and arm.joint)
    # A joint model must be trained on all its tasks to be the same arm.
    together = sorted(arm.results[0].tasks) if arm and arm.joint else comparison.tasks
    words = ["python", "-m", "bench", "run", "--baselines", arm.baseline if arm else name]
    words += ["--tasks", *(together if joint else tasks), "--seeds", *map(str, seeds)]
    words += ["--encoder", comparison.encoder]
    words += _settings(arm or comparison.arms[-1])
    words += ["--data", "DIR"] if comparison.corpus != "demo" else []
    return " ".join(map(shlex.quote, words))


def _settings(arm: Arm) -> list[str]:
    settings = arm.results[0].settings
    words = ["--profile", settings.profile]
    return words + (["--schedule", settings.schedule] if arm.joint and settings.schedule != "interleaved" else [])


def _where(results: Path) -> str:
    return "" if results == DEFAULT_RESULTS else f" --results {shlex.quote(str(results))}"

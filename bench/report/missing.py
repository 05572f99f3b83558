"""What a comparison lacks, and the command that would fill it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from baselines.core.settings import PROFILES, Settings
from bench.report.comparison import DEMO, FLOOR, MULTI, SINGLE, Comparison

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
            lines.append(command(comparison, name, tasks, seeds, results))
    return lines


def command(comparison: Comparison, name: str, tasks: Sequence[str], seeds: Sequence[int], results: Path) -> str:
    """The command that gives an arm these tasks and seeds, as it is run already or, if it is not, as the others are."""
    arm = comparison.arm(name)
    if arm is None:
        # Nothing of it is there to go by: it is to be like what it will stand beside.
        like = (comparison.trained or comparison.arms)[0].results[0].settings
        tasks, baseline, settings = comparison.tasks if name == MULTI else tasks, name, _usual(like)
    else:
        # A joint model must be trained on all its tasks to be the same arm.
        tasks = sorted(arm.results[0].tasks) if arm.joint else tasks
        baseline, settings = arm.baseline, arm.results[0].settings
    words = ["python", "-m", "bench", "run", "--baselines", baseline, "--tasks", *tasks, "--seeds", *map(str, seeds)]
    words += ["--encoder", comparison.encoder, *_flags(settings)]
    words += _corpora(comparison)
    words += [] if results == DEFAULT_RESULTS else ["--results", str(results)]
    return " ".join(map(shlex.quote, words))


def _corpora(comparison: Comparison) -> list[str]:
    if comparison.kind != DEMO:
        return ["--data", "DIR"]
    scale = comparison.corpus.partition("-x")[2]
    return ["--scale", scale] if scale else []


def _usual(settings: Settings) -> Settings:
    usual = PROFILES[settings.profile]
    return replace(settings, schedule=usual.schedule, temperature=usual.temperature)


def _flags(settings: Settings) -> list[str]:
    """The options that give these settings: the profile, and every setting that is not the profile's."""
    usual, flags = PROFILES[settings.profile], ["--profile", settings.profile]
    changed = {field.name for field in fields(settings) if getattr(settings, field.name) != getattr(usual, field.name)}
    epochs = [str(settings.epochs)] if "epochs" in changed else []
    epochs += [f"{task}={count}" for task, count in settings.epochs_of]
    flags += ["--epochs", *epochs] if epochs else []
    for name in sorted(changed - {"epochs", "epochs_of"}):
        flags += [f"--{name.replace('_', '-')}", str(getattr(settings, name))]
    return flags

"""What a comparison lacks, and the command that would fill it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

from baselines.core.hub import ENCODERS
from baselines.core.settings import PROFILES, Settings
from bench.report.comparison import DEMO, FLOOR, MULTI, SINGLE, Comparison
from bench.store import cache

DEFAULT_RESULTS = Path("results")
FOLDER, DATA, RESULTS = "FOLDER", "DIR", "RESULTS"


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


def commands(comparison: Comparison, arms: Sequence[str], results: Path | None) -> list[str]:
    """One command for each arm that lacks something."""
    lines = []
    for name in arms:
        lacking = {task: gaps(comparison, name, task) for task in comparison.tasks}
        tasks = [task for task in comparison.tasks if lacking[task]]
        seeds = sorted({seed for task in tasks for seed in lacking[task]})
        if tasks:
            lines.append(command(comparison, name, tasks, seeds, results))
    return lines


def stands_for(comparison: Comparison, commands: Sequence[str]) -> Iterator[str]:
    """What words in capitals in these commands stand for."""
    words = {word for command in commands for word in shlex.split(command)}
    for name, what in (
        (FOLDER, f"the folder or hub id of the encoder {comparison.encoder}"),
        (DATA, "the folder below which the corpora lie"),
        (RESULTS, "the folder of these results"),
    ):
        if name in words:
            yield f"{name} stands for {what}."


def command(comparison: Comparison, name: str, tasks: Sequence[str], seeds: Sequence[int], results: Path | None) -> str:
    """The command that gives an arm these tasks and seeds, as it is run already or, if it is not, as the others are.

    With the folder of the results it is for the terminal of whoever asks, and runs as it stands; without, for files
    that others read, words stand for the folders.
    """
    arm, here = comparison.arm(name), results is not None
    if arm is None:
        # Nothing of it is there to go by: it is to be like what it will stand beside.
        like = (comparison.trained or comparison.arms)[0].results[0].settings
        tasks, baseline, settings = comparison.tasks if name == MULTI else tasks, name, _usual(like)
    else:
        # A joint model must be trained on all its tasks to be the same arm.
        tasks = sorted(arm.results[0].tasks) if arm.joint else tasks
        baseline, settings = arm.baseline, arm.results[0].settings
    words = ["python", "-m", "bench", "run", "--baselines", baseline, "--tasks", *tasks, "--seeds", *map(str, seeds)]
    words += ["--encoder", _encoder(comparison, here), *_flags(settings), *_corpora(comparison, tasks, here)]
    if results != DEFAULT_RESULTS:
        words += ["--results", str(results) if here and str(results).isprintable() else RESULTS]
    # Where the environment names official corpora, the demo's are had without it.
    demo = here and comparison.kind == DEMO and os.environ.get("BENCH_DATA")
    return ("BENCH_DATA= " if demo else "") + shlex.join(words)


def _encoder(comparison: Comparison, here: bool) -> str:
    known = comparison.encoder if any(comparison.encoder == one.name for one in ENCODERS) else FOLDER
    digests = {result.fingerprints.encoder for arm in comparison.trained for result in arm.results} or {None}
    return _from_here({cache.remembered(comparison.encoder, one) for one in digests}, known) if here else known


def _corpora(comparison: Comparison, tasks: Sequence[str], here: bool) -> list[str]:
    if comparison.kind == DEMO:
        scale = comparison.corpus.partition("-x")[2]
        return ["--scale", scale] if scale else []
    runs = [result.fingerprints.corpora for arm in comparison.arms for result in arm.results]
    found = {(task, corpora[task]) for corpora in runs for task in corpora if task in tasks}
    return ["--data", _from_here({cache.remembered(*one) for one in found}, DATA) if here else DATA]


def _from_here(found: Collection[str | None], otherwise: str) -> str:
    """The one folder that was found, as it is called from where the user stands, or a hub id as it is."""
    name = next(iter(found)) if len(found) == 1 else None
    if name is None or not name.isprintable():
        return otherwise
    if not Path(name).is_absolute():
        return name
    # With a dot before it, it is neither taken for an option nor for the short name of an encoder.
    path = os.path.relpath(name)
    return (path if path.startswith("..") else f"./{path}") if Path(name).is_dir() else otherwise


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

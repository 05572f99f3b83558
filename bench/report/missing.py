"""What a comparison lacks, and the command that would fill it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

from baselines.core.hub import ENCODERS
from baselines.core.settings import PROFILES, Settings
from bench.report.arms import MULTI
from bench.report.comparison import Comparison
from bench.report.table import PARTLY, Table
from bench.store import cache

DEFAULT_RESULTS = Path("results")
FOLDER, DATA, RESULTS = "FOLDER", "DIR", "RESULTS"
"""Words that stand for folders in commands that others read."""


def with_commands(table: Table, comparison: Comparison, results: Path | None) -> Table:
    """The main table with one command for each arm that lacks something, and what words in capitals in them stand for.

    With the folder of the results, commands are for the terminal of whoever asks; without, for files.
    """
    commands = []
    for arm in comparison.columns:
        lacking = {task: seeds for task in comparison.tasks if (seeds := comparison.missing_seeds(arm, task))}
        if lacking:
            commands.append(command(comparison, arm, list(lacking), sorted({*chain(*lacking.values())}), results))
    if not commands:
        return table
    meanings = {
        FOLDER: f"the folder or hub id of the encoder {comparison.encoder}",
        DATA: "the folder below which the corpora lie",
        RESULTS: "the folder of these results",
    }
    words = {word for one in commands for word in shlex.split(one)}
    notes = [f"{word} stands for {what}." for word, what in meanings.items() if word in words]
    notes.append(f'Cells that say "missing", or end in {PARTLY} (only some seeds are there), are filled by:')
    return replace(table, notes=(*table.notes, *notes), commands=tuple(commands))


def command(comparison: Comparison, name: str, tasks: Sequence[str], seeds: Sequence[int], results: Path | None) -> str:
    """The command that gives an arm these tasks and seeds, as it is run already or, if it is not, as the others are.

    With the folder of the results it is for the terminal of whoever asks, and runs as it stands; without, for files
    that others read, words stand for the folders.
    """
    arm, demo, here = comparison.arm(name), comparison.demo, results is not None
    if arm is None:
        # Nothing of it is there to go by: it is to be like what it will stand beside.
        like = (comparison.trained or comparison.arms)[0].results[0].settings
        usual = PROFILES[like.profile]
        settings, baseline = replace(like, schedule=usual.schedule, temperature=usual.temperature), name
        tasks = comparison.tasks if name == MULTI else tasks
    else:
        # A joint model must be trained on all its tasks to be the same arm, and so must one that others start from.
        one = arm.results[0]
        tasks = sorted(one.start.tasks if one.start else one.tasks) if one.joint or one.start else tasks
        baseline, settings = one.baseline, one.settings
    encoder, data = _folders(comparison, tasks, here)
    words = ["python", "-m", "bench", "run", "--baselines", baseline, "--tasks", *tasks, "--seeds", *map(str, seeds)]
    words += ["--encoder", encoder, *_options(settings)]
    scale = comparison.corpus.partition("-x")[2]
    words += (["--scale", scale] if scale else []) if demo else ["--data", data]
    if results != DEFAULT_RESULTS:
        words += ["--results", str(results) if here and str(results).isprintable() else RESULTS]
    # Where the environment names official corpora, the demo's are had without it.
    return ("BENCH_DATA= " if here and demo and os.environ.get("BENCH_DATA") else "") + shlex.join(words)


def _folders(comparison: Comparison, tasks: Sequence[str], here: bool) -> tuple[str, str]:
    """The encoder and the folder of the corpora, as the runs had them where that is known, or what stands for them."""
    name = comparison.encoder
    known = name if any(name == one.name for one in ENCODERS) else FOLDER
    if not here:
        return known, DATA
    digests = {result.fingerprints.encoder for result in comparison.learned} or {None}
    runs = [result.fingerprints.corpora for result in comparison.results]
    corpora = {cache.remembered(task, found[task]) for found in runs for task in found if task in tasks}
    return _from_here({cache.remembered(name, one) for one in digests}, known), _from_here(corpora, DATA)


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


def _options(settings: Settings) -> list[str]:
    """The options that give these settings: the profile, and every setting that is not the profile's."""
    usual, options = asdict(PROFILES[settings.profile]), ["--profile", settings.profile]
    changed = {name: str(value) for name, value in asdict(settings).items() if value != usual[name]}
    epochs = [changed.pop("epochs")] if "epochs" in changed else []
    epochs += [f"{task}={count}" for task, count in settings.epochs_of]
    options += ["--epochs", *epochs] if epochs else []
    for name in sorted(changed.keys() - {"epochs_of"}):
        options += [f"--{name.replace('_', '-')}", changed[name]]
    return options

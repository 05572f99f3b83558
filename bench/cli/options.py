"""The options that `plan` and `run` share: what to compare, where, and every setting of a training.

argparse is enough and starts at once; what is ours is its complaints, which are one sentence each.
"""

from __future__ import annotations

import argparse
import math
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from baselines.core.settings import LR_SCHEDULES, PRECISIONS, PROFILES, SCHEDULES, SPAN_HEADS, WORD_EMBEDDINGS, Settings
from tasks.core.errors import InputError


def whole(low: int, most: int = sys.maxsize) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `most`: results hold no larger ones than the usual."""

    def read(text: str) -> int:
        # Python itself refuses to read thousands of digits.
        if not text.isdecimal() or len(text) > len(str(sys.maxsize)) or not low <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {low} to {most}")
        return int(text)

    return read


def number(low: float, below: float, low_too: bool) -> Callable[[str], float]:
    """A reader of finite numbers between `low` (itself allowed if `low_too`) and `below`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not ((low < value or (low_too and value == low)) and value < below):
            bound = f" and below {below:g}" if below < math.inf else ""
            raise argparse.ArgumentTypeError(f"{text!r} is no number {'from' if low_too else 'above'} {low:g}{bound}")
        return value

    return read


def redacted_command(args: argparse.Namespace) -> str:
    """The command as it was given; the user's own folders are called DIR: what is stored names nobody's."""
    return shlex.join("DIR" if Path(word).is_absolute() else word for word in args.given)


positive = number(0, math.inf, low_too=False)
not_negative = number(0, math.inf, low_too=True)
scale = number(0.02, 10_000, low_too=True)  # Less leaves out files that a corpus has.
epochs = whole(1, 10_000)
threads = whole(1, 1024)
work = whole(1, 10**7)
_part = number(0, 1, low_too=True)

FLAGS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "finetune_epochs": {"type": whole(0, 10_000), "help": "epochs of a run that starts from another run"},
        "span_batch": {"type": whole(1), "help": "windows in a batch of a span task"},
        "pair_batch": {"type": whole(1), "help": "pairs in a batch"},
        "encoder_lr": {"type": positive, "help": "learning rate of the encoder"},
        "head_lr": {"type": positive, "help": "learning rate of the heads"},
        "warmup": {"type": _part, "help": "part of the updates in which rates rise"},
        "lr_schedule": {"choices": LR_SCHEDULES, "help": "how rates fall after that"},
        "weight_decay": {"type": not_negative, "help": "weight decay of AdamW"},
        "max_grad_norm": {"type": not_negative, "help": "largest norm of the gradient; 0 does not clip"},
        "dropout": {"type": number(0, 0.99, low_too=True), "help": "dropout in encoder and heads"},
        "max_length": {"type": whole(8), "help": "tokens in a window of a note"},
        "pair_max_length": {"type": whole(8), "help": "tokens of a pair"},
        "dev_fraction": {
            "type": number(0, 1, low_too=False), "help": "part of training that becomes dev where there is none",
        },
        "precision": {"choices": PRECISIONS, "help": "of the encoder; auto: bfloat16 where the processor has it"},
        "span_head": {"choices": SPAN_HEADS, "help": "one layer of BIO tags, or mentions that may nest"},
        "word_embeddings": {
            "choices": WORD_EMBEDDINGS, "help": "frozen: a kept model does not tell its training words",
        },
        "schedule": {"choices": SCHEDULES, "help": "how a multitask training mixes its tasks"},
        "temperature": {
            "type": number(0.1, math.inf, low_too=True),
            "help": "for --schedule temperature: tasks are drawn by size ** (1 / T)",
        },
    }
)  # fmt: skip
"""Every field of Settings but the profile and the epochs, which have a form of their own."""


def add_data(
    add: Callable[..., Any], help_: str = "where the official corpora are (or BENCH_DATA; default: demo's)"
) -> None:
    """Declares `--data`: the folder of official corpora, else that of the environment variable, else None."""
    add("--data", type=Path, default=os.environ.get("BENCH_DATA") or None, metavar="DIR", help=help_)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `plan` and `run`."""
    add = parser.add_argument
    add(
        "--all",
        action="store_true",
        help="the eight tasks, and further ones that have a corpus",
    )
    add("--tasks", nargs="+", metavar="TASK", help="these tasks")
    add("--baselines", nargs="+", metavar="BASELINE", help="these baselines (default: all that start from the encoder)")
    add("--seeds", nargs="+", type=whole(0), default=[0], metavar="SEED", help="one training each (default: 0)")
    add("--encoder", metavar="NAME", help="short name, hub id or folder (minilm; with --data bio-clinical-bert)")
    add_data(add)
    add("--scale", type=scale, metavar="X", help="demo corpora of X times as many notes (default: 1)")
    add("--results", type=Path, default=Path("results"), metavar="DIR", help="where to keep results (default: results)")
    add("--keep-models", action="store_true", help="keep the trained models too, in the folder models of the results")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train (default: auto)")
    add(
        "--jobs",
        type=_jobs,
        metavar="N|auto",
        help="runs at once; auto, the default: as cores and memory allow, on GPUs one each or more where there is room",
    )
    add("--threads", type=threads, metavar="N", help="of each run; results made with others are made anew")
    add("--no-cache", action="store_true", help="keep no tokenised corpora (see clean)")
    add = parser.add_argument_group("settings of a training").add_argument
    add("--profile", choices=tuple(PROFILES), help="values for all (default: demo; with --data paper)")
    add("--epochs", nargs="+", metavar="N|TASK=N", help="epochs of all tasks, or of one")
    for name, flag in FLAGS.items():
        usual = ", ".join(f"{profile} {getattr(values, name)}" for profile, values in PROFILES.items())
        metavar = {} if "choices" in flag else {"metavar": "X"}
        add(f"--{name.replace('_', '-')}", **{**flag, **metavar, "help": f"{flag['help']} ({usual})"})


def _jobs(text: str) -> int | None:
    return None if text == "auto" else whole(1, 1024)(text)


def settings_of(args: argparse.Namespace, profile: str) -> Settings:
    """The settings of a profile, with what the user gave instead."""
    given = {name: getattr(args, name) for name in FLAGS if getattr(args, name) is not None}
    settings = replace(PROFILES[args.profile or profile], **given)
    for task, count in map(_epochs, args.epochs or ()):
        if task is None:
            settings = replace(settings, epochs=count)
        else:
            settings = replace(settings, epochs_of=tuple(sorted({**dict(settings.epochs_of), task: count}.items())))
    return settings


def _epochs(text: str) -> tuple[str | None, int]:
    task, equals, count = text.rpartition("=")
    try:
        return (task if equals else None), epochs(count)
    except argparse.ArgumentTypeError as error:
        raise InputError(f"--epochs: {error}; give 6, or quaero_2014=10 medrqe_2016=3") from None

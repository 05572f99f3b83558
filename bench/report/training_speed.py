"""The table of `python -m bench training-speed`."""

from __future__ import annotations

from statistics import median

from bench.report import words
from bench.report.comparison import DEMO, kind_of
from bench.report.table import Section, Table
from bench.speed.training_record import OURS, TrainingSpeed


def section(speed: TrainingSpeed) -> Section:
    """One row an arm: real tokens a second, and how many times as fast ours is."""
    mark = " [demo: not clinical results]" if kind_of(speed.corpus) == DEMO else ""
    here = speed.environment
    table = Table(
        name=f"{speed.corpus}-{speed.encoder}-training-speed",
        title=f"Training on {speed.task}, encoder {speed.encoder}{mark}",
        align="lrrr",
        header=("arm", "seconds", "real tokens a second", f"{OURS} is faster"),
        rows=tuple(_row(speed, rate.arm, rate.seconds) for rate in speed.rates),
        notes=(
            f"{speed.windows:,} windows, {speed.tokens:,} real tokens, batches of {speed.batch}, passed once; "
            f"{here.processor if here.device == 'cpu' else here.device}, threads: {here.threads}; medians of "
            f"{len(speed.rates[0].seconds)} rounds in which the arms take turns, after one that does not count.",
        ),
    )
    return Section(name=table.name, title=table.title, notes=(), tables=(table,))


def _row(speed: TrainingSpeed, arm: str, seconds: tuple[float, ...]) -> tuple[str, ...]:
    (base,) = (rate.seconds for rate in speed.rates if rate.arm == OURS)
    ratio = median(other / own for other, own in zip(seconds, base, strict=True))
    return arm, f"{median(seconds):.1f}", words.count(round(speed.tokens / median(seconds))), f"{ratio:.1f}x"

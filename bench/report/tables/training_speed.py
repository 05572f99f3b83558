"""The table of `python -m bench training-speed`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import numpy as np

from bench.report import numbers
from bench.report.arms import DEMO, kind_of
from bench.report.table import Section, Table
from bench.statistics.variance import Estimate
from bench.store.training_record import NOT_DETERMINISTIC, OURS, Rate, TrainingSpeed, utilisation


def section(speed: TrainingSpeed) -> Section:
    """One row an arm: real tokens a second, how many times as fast ours is, and how well it learned."""
    mark = " [demo: not clinical results]" if kind_of(speed.corpus) == DEMO else ""
    here = speed.environment
    table = Table(
        name="-".join(speed.path.parts),
        title=f"{speed.windows:,} windows ({speed.tokens:,} real tokens) in batches of {speed.batch}, passes: "
        f"{speed.settings.epochs}{mark}",
        align="lrrrrr",
        header=("arm", "seconds", "tokens a second", f"{OURS} is faster", "FLOPs utilisation", speed.metric),
        rows=tuple(_row(speed, rate) for rate in speed.rates),
        notes=(
            f"{here.processor if here.device == 'cpu' else here.device}, threads: {here.threads}; medians over rounds "
            f"in which the arms take turns ({len(speed.rates[0].seconds)}), after one that does not count.",
            _matrices(speed),
            _learned(speed),
            *_beside(speed),
            *((_trainer(speed),) if any(rate.arm not in (OURS, NOT_DETERMINISTIC) for rate in speed.rates) else ()),
        ),
    )
    title = f"Training on {speed.task}, encoder {speed.encoder}{mark}"
    return Section(name=table.name, title=title, notes=(), tables=(table,))


def _row(speed: TrainingSpeed, rate: Rate) -> tuple[str, ...]:
    (base,) = (one.seconds for one in speed.rates if one.arm == OURS)
    ratio = median(other / own for other, own in zip(rate.seconds, base, strict=True))
    tokens = round(speed.tokens * speed.settings.epochs / median(rate.seconds))
    return (
        rate.arm,
        f"{median(rate.seconds):.1f}",
        numbers.count(tokens),
        f"{ratio:.1f}x",
        f"{utilisation(speed, rate):.0%}",
        numbers.mean_and_spread(rate.scores),
    )


def _matrices(speed: TrainingSpeed) -> str:
    rates = ", ".join(f"{median(rate.matrix_flops_per_second) / 1e9:,.0f} for {rate.arm}" for rate in speed.rates)
    return (
        f"FLOPs utilisation: the {speed.flops / 1e9:,.0f} GFLOP of a pass and its gradients, without padding but with "
        "all sub-words in the last layer, beside what large matrix products reached in the same rounds at the "
        f"precision of the arm: GFLOP/s {rates}."
    )


def _learned(speed: TrainingSpeed) -> str:
    settings = speed.settings
    return (
        f"{speed.metric} on the test split, {speed.test:,} examples: mean and standard deviation over rounds, each a "
        f"seed of its own. AdamW at {settings.encoder_lr:g}, weight decay {settings.weight_decay:g}, warm-up "
        f"{settings.warmup:.0%}, linear decay, gradients clipped at {settings.max_grad_norm:g}."
    )


def _beside(speed: TrainingSpeed) -> Iterator[str]:
    """Whether another arm learned more, or was lucky in its seeds: a round is a seed of every arm."""
    own, *others = speed.rates
    for other in others if len(own.scores) > 1 else ():
        gain = Estimate(np.array(own.scores) - np.array(other.scores), example_variance=0.0, example_df=1)
        value, interval = numbers.points(gain.value, signed=True), numbers.interval(*gain.interval())
        yield (
            f"{speed.metric} of {OURS} less that of {other.arm}: {value} points, 95 % interval {interval}, "
            f"p {numbers.p_value(gain.p)}, over seeds, on these test examples."
        )


def _trainer(speed: TrainingSpeed) -> str:
    """In what the arms differ beside their speed."""
    return (
        f"The Trainer takes the windows of {OURS} in the same batches, unless it puts like lengths together. No arm "
        "has dropout inside attention, and none a pooler between the first sub-word of a pair and the layer that "
        f"classifies it; elsewhere the Trainer has the dropout of the encoder, {OURS} {speed.settings.dropout:g}. "
        "All of them are scored with their last weights."
    )

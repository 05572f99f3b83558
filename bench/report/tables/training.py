"""The tables of training: beside the stock Trainer, and how its time and memory grow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bench.report import numbers
from bench.report.table import Table
from bench.report.tables import speed_layout as layout
from bench.statistics.variance import GainEstimate
from bench.store import speed_record as record
from bench.store.speed_record import Speed, Timing

WITH_MEMORY = (record.PREPARING, record.TRAINING, record.DEVELOPMENT, record.SECOND)
"""The stages of growth whose memory is shown."""


def of_training(speed: Speed) -> Iterator[Table]:
    """One row an arm: real tokens a second, how many times as fast ours is, and how well it learned."""
    own, *others = (one for one in speed.timings if one.work == record.TRAINING)
    epochs = max(1, speed.settings.epochs)
    windows, tokens = own.units // epochs, own.tokens // epochs
    rows = [
        (
            one.arm,
            f"{one.median_seconds:.1f}",
            numbers.count(one.tokens_per_second),
            f"{own.times_faster(one):.1f}x",
            layout.percent(one.utilisation(speed.timing(record.PRODUCT, one.arm))),
            numbers.mean_and_spread(one.scores),
        )
        for one in (own, *others)
    ]
    title = f"{windows:,} windows ({tokens:,} real tokens) in batches of {own.size}, epochs: {epochs}"
    header = ("arm", "seconds", "tokens a second", f"{own.arm} is faster", "FLOPs utilisation", speed.metric)
    yield layout.table("", title, header, rows, _notes_of_training(speed, own, others))


def _notes_of_training(speed: Speed, own: Timing, others: Sequence[Timing]) -> Iterator[str]:
    settings, gflop = speed.settings, own.flops / max(1, speed.settings.epochs) / 1e9
    products = ", ".join(f"{layout.gflops_of_product(speed, one.arm)} for {one.arm}" for one in (own, *others))
    yield (
        f"{layout.title(speed)}; medians over rounds in which the arms take turns ({speed.rounds}), after one "
        "that does not count."
    )
    yield (
        f"FLOPs utilisation: the {gflop:,.0f} GFLOP of an epoch and its gradients, without padding but with all tokens "
        "in the last layer, beside what large matrix products reached in the same rounds at the precision of the arm: "
        f"GFLOP/s {products}."
    )
    yield (
        f"{speed.metric} on the test split, {speed.test_examples:,} examples: mean and standard deviation over rounds, "
        f"each a seed of its own. AdamW at {settings.encoder_lr:g}, weight decay {settings.weight_decay:g}, warm-up "
        f"{settings.warmup:.0%}, linear decay, gradients clipped at {settings.max_grad_norm:g}."
    )
    for other in others if len(own.scores) > 1 else ():
        # Whether another arm learned more, or was lucky in its seeds: a round is a seed of every arm.
        gain = GainEstimate(np.array(own.scores) - np.array(other.scores), example_variance=0.0, example_df=1)
        yield (
            f"{speed.metric} of {own.arm} less that of {other.arm}: {numbers.points(gain.value, signed=True)} points, "
            f"95 % interval {numbers.interval(*gain.interval())}, p {numbers.p_value(gain.p)}, over seeds, on these "
            "test examples."
        )
    if any(one.arm != record.NOT_DETERMINISTIC for one in others):
        # In what the arms differ beside their speed.
        yield (
            f"The Trainer takes the windows of {own.arm} in the same batches, unless it puts like lengths together. No "
            "arm has dropout inside attention, and none a pooler between the first token of a pair and the layer that "
            f"classifies it; elsewhere the Trainer has the dropout of the encoder, {own.arm} {settings.dropout:g}. All "
            "of them are scored with their last weights."
        )


def stages(speed: Speed) -> dict[str, layout.Key]:
    """The stages of growth that are shown by the unit, by title."""
    found = {f"{work}, {layout.UNITS[work]}": (work, "", "") for work in layout.SUBJECTS[speed.subject][2]}
    if speed.subject == record.HEADS:
        found |= {f"{task}, {layout.UNITS[record.TRAINING]}": (record.TRAINING, "", task) for task in speed.tasks}
    return found


def microseconds(timing: Timing) -> float:
    """What a unit of a stage takes; nan where it was not measured."""
    return 1e6 / (timing.tokens_per_second if timing.work == record.TRAINING else timing.units_per_second)


def of_growth(speed: Speed) -> Iterator[Table]:
    """What each stage takes by the unit, and how much memory it needs, by size; or each task, with full batches."""
    if speed.subject == record.BATCH:
        yield _of_full_batches(speed)
        return
    _, unit, _ = layout.SUBJECTS[speed.subject]
    if speed.subject == record.CORPUS:
        works = (record.WRITING, record.READING, record.PREPARING, record.SECOND)
        columns: dict[str, layout.Column] = {work: (layout.time, (work, "", "")) for work in works}
        yield layout.by_size(speed, record.TRAINING, ("seconds", "Seconds", unit), columns)
    columns = {name: (_microseconds, key) for name, key in stages(speed).items()}
    columns["tokens in an update"] = (lambda one: numbers.count(one.tokens / one.units), (record.TRAINING, "", ""))
    yield layout.by_size(speed, record.TRAINING, ("units", "Microseconds for each unit", unit), columns)
    columns = {work: (layout.above_base, (work, "", "")) for work in WITH_MEMORY if speed.sizes(work)}
    yield layout.by_size(speed, record.TRAINING, ("memory", "Peak memory beyond the libraries", unit), columns)


def _microseconds(timing: Timing) -> str:
    """Four digits; nothing where a task takes no part yet."""
    return f"{microseconds(timing):,.4g}" if timing.seconds else ""


def _of_full_batches(speed: Speed) -> Table:
    settings, base = speed.settings, speed.timings[0].base_bytes
    rows = []
    for task in speed.tasks:
        one = speed.timing(record.TRAINING, task=task)
        rate = numbers.count(one.tokens_per_second)
        rows.append((task, numbers.count(one.tokens or None), layout.time(one), rate, layout.peak(one)))
    note = (
        f"Batches of {settings.span_batch} windows of {settings.max_length} tokens and of {settings.pair_batch} pairs "
        f"of {settings.pair_max_length}, all of them full; optimiser, best weights and checkpoints are there. Python "
        f"and its libraries hold {numbers.size(base)} of it."
    )
    header = ("task", "tokens", "time", "tokens a second", "peak memory")
    return layout.table("tasks", "Time and peak memory of the process in an update", header, rows, [note])

"""The tables of inference: what each arm reaches, takes and holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import quantiles
from typing import Any

from bench.report import numbers
from bench.report.table import Table
from bench.report.tables import speed_layout as layout
from bench.store import speed_record as record
from bench.store.speed_record import Speed, Timing


def tables(speed: Speed) -> Iterator[Table]:
    """The arms side by side, by batch size, and how time and memory grow, where that was measured."""
    own, *others = speed.arms
    notes, pairs = (_fastest(speed, work, own) for work in (record.NOTES, record.PAIRS))
    title = f"Answering {notes.units} notes for all span tasks and {pairs.units} pairs, encoder {speed.encoder}"
    header = ("", *speed.arms, *(f"gain on {arm}" for arm in others))
    yield layout.table("", title, header, _arms_rows(speed), _notes(speed))
    rates = {arm: (layout.rate, (record.NOTES, arm, "")) for arm in speed.arms}
    ratios = {f"than {arm}": (_times_faster, (record.NOTES, own, ""), (record.NOTES, arm, "")) for arm in others}
    heading = ("batches", "Notes a second for all span tasks, by notes at a time", "at a time")
    note = f"than: how many times faster {own} is, the median over rounds in which both were measured."
    yield layout.by_size(speed, record.NOTES, heading, rates | ratios, [note])
    if speed.sizes(record.BY_TASKS):
        yield _by_tasks(speed)
    if speed.sizes(record.BY_LENGTH):
        heading = ("lengths", "One note for all span tasks, multitask, by its length", "characters")
        shown = {
            "time": layout.time,
            "characters a second": lambda one: numbers.count(one.units_per_second),
            "peak memory": layout.peak,
            "above Python and torch": layout.above_base,
        }
        columns = {name: (show, (record.BY_LENGTH, "", "")) for name, show in shown.items()}
        yield layout.by_size(speed, record.BY_LENGTH, heading, columns)


def _by_tasks(speed: Speed) -> Table:
    multi, single = ((record.BY_TASKS, arm, "") for arm in (record.MULTITASK, record.SINGLE_TASK))
    columns = {
        "the last": (lambda one: "".join(speed.tasks[one.size - 1 : one.size]), multi),
        "multi time": (layout.time, multi),
        "single time": (layout.time, single),
        "multi memory": (layout.peak, multi),
        "single memory": (layout.peak, single),
        "single / multi": (lambda one, other: numbers.ratio(one.median_seconds, other.median_seconds), single, multi),
    }
    note = "Span tasks share the notes; each pair task brings pairs of its own, which both arms must read."
    heading = ("tasks", "Time and peak memory with the first tasks", "tasks")
    return layout.by_size(speed, record.BY_TASKS, heading, columns, [note])


def _times_faster(own: Timing, other: Timing) -> str:
    return f"{own.times_faster(other):.2f}x"


def _fastest(speed: Speed, work: str, arm: str) -> Timing:
    """The timing of a work at the batch size that suits the arm; without rounds if it does none."""
    found = [speed.timing(work, arm, size) for size in speed.sizes(work)]
    return min(found, key=lambda one: one.median_seconds, default=speed.timing(work, arm))


Quantity = tuple[str, float | None, Callable[[Any], str]]
"""Its name, its value, and how that is written."""


def _arms_rows(speed: Speed) -> Iterator[tuple[str, ...]]:
    """One row a quantity, one column an arm, and the gain of the first arm on each other."""
    for quantities, more in ((_rates, True), (_costs, False)):
        for row in zip(*(quantities(speed, arm) for arm in speed.arms), strict=True):
            what, first, show = row[0]
            values = [value for _, value, _ in row]
            gains = [numbers.ratio(first, value) if more else numbers.ratio(value, first) for value in values[1:]]
            yield what, *map(show, values), *gains


def _rates(speed: Speed, arm: str) -> Iterator[Quantity]:
    """Of which more is better."""
    alone = speed.timing(record.NOTES, arm, min(speed.sizes(record.NOTES), default=0))
    notes, pairs = _fastest(speed, record.NOTES, arm), _fastest(speed, record.PAIRS, arm)
    encoder, product = speed.timing(record.ENCODER, arm), speed.timing(record.PRODUCT, arm)
    yield "notes a second, one at a time", alone.units_per_second, layout.decimal
    yield "notes a second, at its best", notes.units_per_second, layout.decimal
    yield "tokens a second, at its best", notes.tokens_per_second, numbers.count
    yield "pairs a second, at its best", pairs.units_per_second, layout.decimal
    yield "FLOPs utilisation on notes", notes.utilisation(product), layout.percent
    yield "FLOPs utilisation, encoder alone", encoder.utilisation(product), layout.percent


def _costs(speed: Speed, arm: str) -> Iterator[Quantity]:
    """Of which less is better."""
    calls = [1000 * seconds for calls in speed.timing(record.NOTES, arm, 1).seconds for seconds in calls]
    percentiles = quantiles(calls, n=100, method="inclusive") if len(calls) > 1 else [math.nan] * 99
    (weights,) = (one for one in speed.weights if one.arm == arm)
    held = next(one for one in speed.timings if one.arm == arm)
    yield "one note, median", percentiles[49], layout.milliseconds
    yield "one note, 95th percentile", percentiles[94], layout.milliseconds
    yield "one note, 99th percentile", percentiles[98], layout.milliseconds
    yield "models", weights.models, numbers.count
    yield "parameters", weights.parameters, numbers.count
    yield "weights in memory", weights.weights_bytes, numbers.size
    yield "weights on disk", 4 * weights.parameters, numbers.size  # They are kept in float32.
    yield "peak memory of the process", held.peak_bytes, numbers.size
    yield "peak memory above Python and torch", held.bytes_above_base, numbers.size
    yield "from start to first note", speed.timing(record.FIRST_NOTE, arm).median_seconds, numbers.duration


def _notes(speed: Speed) -> Iterator[str]:
    trained = "trained models" if speed.trained else "models as they are before training"
    products = {one.precision: layout.gflops_of_product(speed, one.arm) for one in speed.weights}
    rates = ", ".join(f"{rate} GFLOP/s in {precision}" for precision, rate in products.items())
    yield (
        f"{layout.title(speed)}; {trained}; medians over rounds in which the arms take turns ({speed.rounds}). "
        "At its best: at the batch size that suits it. Gain: how many times faster or smaller "
        f"{speed.arms[0]} is. A note's tokens count once, however many models it passes."
    )
    yield (
        "FLOPs utilisation: what passing the notes must compute, without padding, beside what large matrix products "
        f"reached in the same run: {rates}; with the cutting of notes and the finding of mentions, and of the encoder "
        "by itself."
    )
    for one in speed.weights:
        if one.arm == record.PIPELINES:
            yield (
                f"{one.arm}: {one.models} stock transformers pipelines on the same weights, {one.precision}; those for "
                "pairs have a pooling layer that ours lack."
            )

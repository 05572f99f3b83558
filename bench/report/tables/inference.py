"""The tables of inference: what `python -m bench speed` measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median, quantiles

from bench.report import numbers
from bench.report.arms import DEMO, kind_of
from bench.report.table import Section, Table
from bench.store.inference_record import (
    MULTITASK,
    PIPELINES,
    SINGLE_TASK,
    Arm,
    Growth,
    Held,
    Speed,
    Timed,
    encoder_utilisation,
    fastest,
    times_faster,
    totals,
    utilisation,
)


def section(speed: Speed) -> Section:
    """One measurement as a section of its own; a table travels without it, and says itself that notes are made up."""
    mark = " [demo: not clinical results]" if kind_of(speed.corpus) == DEMO else ""
    found = tuple(replace(table, title=table.title + mark) for table in _tables(speed))
    return Section(name=_name(speed), title=title(speed) + mark, notes=(), tables=found)


def sections(speeds: Sequence[Speed], whole: bool) -> list[Section]:
    """A section for each measurement; without `whole` its first table alone."""
    found = [section(speed) for speed in speeds]
    return found if whole else [replace(one, tables=one.tables[:1]) for one in found]


def _tables(speed: Speed) -> Iterator[Table]:
    """What the arms take, by batch size, and how time and memory grow, where that was measured."""
    yield _arms_table(speed)
    yield _batches_table(speed)
    if speed.heads:
        yield _heads_table(speed)
    if speed.lengths:
        yield _lengths_table(speed)


def _name(speed: Speed) -> str:
    return f"{'-'.join(speed.path.parts)}-speed"


def title(speed: Speed) -> str:
    """What was measured where; it says so where the notes are made up."""
    here = speed.environment
    device = here.processor if here.device == "cpu" else here.device
    notes = "demo notes (made up)" if kind_of(speed.corpus) == DEMO else "official notes"
    return f"Inference on {notes}, encoder {speed.encoder}, {device}, {here.threads} thread{'s' * (here.threads != 1)}"


def _arms_table(speed: Speed) -> Table:
    """One row a quantity, one column an arm, and what the first, the multitask arm, gains on each other."""
    others = speed.arms[1:]
    rows = []
    for what, measure, write in (*_RATES, *_COSTS):
        values = [measure(speed, arm) for arm in speed.arms]
        more = (what, measure, write) in _RATES
        gains = [numbers.ratio(values[0], value) if more else numbers.ratio(value, values[0]) for value in values[1:]]
        rows.append((what, *map(write, values), *gains))
    rounds = len(speed.arms[0].timed[0].note_seconds)
    trained = "trained models" if speed.kept else "models as they are before training"
    return Table(
        name=_name(speed),
        title=f"Answering {speed.notes} notes for all span tasks and {speed.pairs} pairs, encoder {speed.encoder}",
        align="l" + "r" * (len(speed.arms) + len(others)),
        header=("", *(arm.name for arm in speed.arms), *(f"gain on {arm.name}" for arm in others)),
        rows=tuple(rows),
        notes=(
            f"{title(speed)}; {trained}; medians over rounds in which the arms take turns ({rounds}). At its best: at "
            f"the batch size that suits it. Gain: how many times faster or smaller {MULTITASK} is. A note's sub-words "
            "count once, however many models it passes.",
            _matrix_note(speed),
            *_peers_note(speed),
        ),
    )


def _matrix_note(speed: Speed) -> str:
    rates = {arm.held.precision: f"{arm.matrix_flops_per_second / 1e9:,.0f}" for arm in speed.arms}
    found = ", ".join(f"{rate} GFLOP/s in {precision}" for precision, rate in rates.items())
    return (
        "FLOPs utilisation: what passing the notes must compute, without padding, beside what large matrix products "
        f"reached in the same run: {found}; with the cutting of notes and the finding of mentions, and of the encoder "
        "by itself."
    )


def _peers_note(speed: Speed) -> Iterator[str]:
    peers = speed.arm(PIPELINES)
    if peers is not None:
        yield (
            f"{PIPELINES}: {peers.held.models} stock transformers pipelines on the same weights, "
            f"{peers.held.precision}; those for pairs have a pooling layer that ours lack."
        )


def _alone(arm: Arm) -> Timed:
    return min(arm.timed, key=lambda timed: timed.batch)


def _rate(count: int, rounds: Sequence[float]) -> float:
    return count / median(rounds)


def _notes_alone(speed: Speed, arm: Arm) -> float:
    return _rate(speed.notes, totals(_alone(arm)))


def _notes_best(speed: Speed, arm: Arm) -> float:
    return _rate(speed.notes, totals(fastest(arm)))


def _tokens_best(speed: Speed, arm: Arm) -> float:
    return _rate(speed.note_tokens, totals(fastest(arm)))


def _pairs_best(speed: Speed, arm: Arm) -> float | None:
    rates = (
        [_rate(speed.pairs, [sum(calls) for calls in timed.pair_seconds]) for timed in arm.timed] if speed.pairs else []
    )
    return max(rates, default=None)


def _latency(percent: int) -> Callable[[Speed, Arm], float | None]:
    def measure(speed: Speed, arm: Arm) -> float | None:
        calls = [seconds for one in _alone(arm).note_seconds for seconds in one]
        if _alone(arm).batch != 1 or len(calls) < 2:
            return None
        return 1000 * quantiles(calls, n=100, method="inclusive")[percent - 1]

    return measure


def _above_runtime(held: Held) -> int | None:
    peak, runtime = held.peak_memory_bytes, held.runtime_bytes
    return None if peak is None or runtime is None else peak - runtime


def _milliseconds(value: float | None) -> str:
    return numbers.UNKNOWN if value is None else f"{value:.1f} ms"


def _percent(value: float | None) -> str:
    return numbers.UNKNOWN if value is None else f"{value:.0%}"


def _per_second(value: float | None) -> str:
    return numbers.UNKNOWN if value is None else f"{value:,.1f}"


_Quantity = tuple[str, Callable[[Speed, Arm], float | None], Callable[[float | None], str]]
_RATES: tuple[_Quantity, ...] = (
    ("notes a second, one at a time", _notes_alone, _per_second),
    ("notes a second, at its best", _notes_best, _per_second),
    ("sub-words a second, at its best", _tokens_best, numbers.count),
    ("pairs a second, at its best", _pairs_best, _per_second),
    ("FLOPs utilisation on notes", lambda speed, arm: utilisation(arm), _percent),
    ("FLOPs utilisation, encoder alone", lambda speed, arm: encoder_utilisation(arm), _percent),
)
_COSTS: tuple[_Quantity, ...] = (
    ("one note, median", _latency(50), _milliseconds),
    ("one note, 95th percentile", _latency(95), _milliseconds),
    ("one note, 99th percentile", _latency(99), _milliseconds),
    ("models", lambda speed, arm: arm.held.models, numbers.count),
    ("parameters", lambda speed, arm: arm.held.parameters, numbers.count),
    ("weights in memory", lambda speed, arm: arm.held.weights_bytes, numbers.size),
    ("weights on disk", lambda speed, arm: arm.held.disk_bytes, numbers.size),
    ("peak memory of the process", lambda speed, arm: arm.held.peak_memory_bytes, numbers.size),
    ("peak memory above Python and torch", lambda speed, arm: _above_runtime(arm.held), numbers.size),
    ("from start to first note", lambda speed, arm: arm.held.cold_start_seconds, numbers.duration),
)


def _batches_table(speed: Speed) -> Table:
    """Notes a second by batch size, and how many times faster the multitask arm is in the same rounds."""
    rows = []
    for place, timed in enumerate(speed.arms[0].timed):
        rates = [_per_second(_rate(speed.notes, totals(arm.timed[place]))) for arm in speed.arms]
        rows.append((str(timed.batch), *rates, *(_faster(speed, arm, place) for arm in speed.arms[1:])))
    return Table(
        name=f"{_name(speed)}-batches",
        title="Notes a second for all span tasks, by notes at a time",
        align="r" * (2 * len(speed.arms)),
        header=("at a time", *(arm.name for arm in speed.arms), *(f"than {arm.name}" for arm in speed.arms[1:])),
        rows=tuple(rows),
        notes=("than: how many times faster multitask is, the median over rounds in which both were measured.",),
    )


def _faster(speed: Speed, arm: Arm, place: int) -> str:
    return f"{times_faster(speed.arms[0].timed[place], arm.timed[place]):.2f}x"


def _heads_table(speed: Speed) -> Table:
    sizes = sorted({grown.size for grown in speed.heads})
    by_arm = {(grown.arm, grown.size): grown for grown in speed.heads}
    rows = []
    for size in sizes:
        both = [by_arm[arm, size] for arm in (MULTITASK, SINGLE_TASK)]
        seconds = [median(grown.seconds) for grown in both]
        row = [numbers.duration(one) for one in seconds] + [
            numbers.size(grown.held.peak_memory_bytes) for grown in both
        ]
        rows.append((str(size), speed.tasks[size - 1], *row, numbers.ratio(seconds[1], seconds[0])))
    return Table(
        name=f"{_name(speed)}-heads",
        title="Time and peak memory with the first tasks",
        align="rlrrrrr",
        header=("tasks", "the last", "multi time", "single time", "multi memory", "single memory", "single / multi"),
        rows=tuple(rows),
        notes=("Span tasks share the notes; each pair task brings pairs of its own, which both arms must read.",),
    )


def _lengths_table(speed: Speed) -> Table:
    return Table(
        name=f"{_name(speed)}-lengths",
        title="One note for all span tasks, multitask, by its length",
        align="rrrrr",
        header=("characters", "time", "characters a second", "peak memory", "above Python and torch"),
        rows=tuple(_length_row(grown) for grown in speed.lengths),
    )


def _length_row(grown: Growth) -> tuple[str, ...]:
    held, seconds = grown.held, median(grown.seconds)
    return (
        numbers.count(grown.size), numbers.duration(seconds), numbers.count(grown.size / seconds),
        numbers.size(held.peak_memory_bytes), numbers.size(_above_runtime(held)),
    )  # fmt: skip

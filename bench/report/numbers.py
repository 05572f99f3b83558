"""How numbers are written, the same in every format: points with one decimal, times, sizes, and what is not there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev

MISSING, UNDEFINED, UNKNOWN = "missing", "undefined", "unknown"


def points(value: float, signed: bool = False) -> str:
    """A score x100 with one decimal; undefined where it is not a number."""
    if not math.isfinite(value):
        return UNDEFINED
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    rounded = round(100 * value, 1) + 0.0
    return f"{rounded:+.1f}" if signed else f"{rounded:.1f}"


def interval(low: float, high: float) -> str:
    """An interval of differences, in points."""
    bounds = [points(bound, signed=True) for bound in (low, high)]
    return UNDEFINED if UNDEFINED in bounds else f"[{bounds[0]}, {bounds[1]}]"


def mean_and_spread(values: Sequence[float]) -> str:
    """Mean and, from two seeds on, standard deviation of scores, in points."""
    if not values:
        return MISSING
    if not all(map(math.isfinite, values)):
        return UNDEFINED
    return points(fmean(values)) + (f" ± {points(stdev(values))}" if len(values) > 1 else "")


def p_value(p: float) -> str:
    """A p-value with three decimals."""
    if not math.isfinite(p):
        return UNDEFINED
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def notices(counts: Mapping[str, int]) -> str:
    """What readers mended, skipped or doubted, by kind."""
    return ", ".join(f"{number:,} x {kind}" for kind, number in counts.items())


def duration(seconds: float | None) -> str:
    """A wall-clock time in its two largest units."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def energy(joules: float | None) -> str:
    """An energy as it stands on an electricity bill."""
    if joules is None or not math.isfinite(joules):
        return UNKNOWN
    return f"{joules / 3_600_000:.2f} kWh" if joules >= 360_000 else f"{joules / 3600:.1f} Wh"


def count(number: float | None) -> str:
    """A count with its thousands set apart."""
    return UNKNOWN if number is None or not math.isfinite(number) else f"{number:,.0f}"


def size(number_of_bytes: float | None) -> str:
    """Bytes in binary units."""
    if number_of_bytes is None or not math.isfinite(number_of_bytes):
        return UNKNOWN
    power = next((k for k in (1, 2, 3) if number_of_bytes < 1024**k), 4) - 1
    return f"{number_of_bytes / 1024**power:.{1 if power else 0}f} {('B', 'KiB', 'MiB', 'GiB')[power]}"


def ratio(first: float | None, second: float | None) -> str:
    """How many times the second the first is."""
    return f"{first / second:.2f}x" if first and second and math.isfinite(first / second) else UNKNOWN


def distinct(values: Iterable[object]) -> list[str]:
    """Each value once, as text, in order; nothing for None and ()."""
    return sorted({str(one) for one in values if one not in (None, ())})


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: a, b and c."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def names_by(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names that share a text, by that text, from pairs of name and text."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(text, []).append(name)
    return found

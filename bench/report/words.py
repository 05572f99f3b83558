"""How figures are written, the same in every format: points with one decimal, times, sizes, and what is not there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

MISSING, UNDEFINED, UNKNOWN = "missing", "undefined", "unknown"


def points(value: float, signed: bool = False) -> str:
    """A score x100 with one decimal; undefined where it is not a number."""
    if not math.isfinite(value):
        return UNDEFINED
    # Adding 0.0 turns a rounded -0.0 into 0.0.
    rounded = round(100 * value, 1) + 0.0
    return f"{rounded:+.1f}" if signed else f"{rounded:.1f}"


def mean_and_spread(values: Sequence[float]) -> str:
    """Mean and, from two seeds on, standard deviation of scores, in points."""
    if not values:
        return MISSING
    if not all(map(math.isfinite, values)):
        return UNDEFINED
    return points(fmean(values)) + (f" ± {points(stdev(values))}" if len(values) > 1 else "")


def each(values: Sequence[float]) -> str:
    """Every score behind a mean, in points."""
    return "; ".join(map(points, values)) if len(values) > 1 else ""


def p_value(p: float) -> str:
    """A p-value with as many decimals as say something."""
    if not math.isfinite(p):
        return UNDEFINED
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def notices(counts: Mapping[str, int]) -> str:
    """What readers mended, skipped or doubted, by kind."""
    return ", ".join(f"{number:,} x {kind}" for kind, number in counts.items())


def duration(seconds: float | None) -> str:
    """A wall-clock time in the two units that matter."""
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
    value, unit = float(number_of_bytes), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def ratio(first: float | None, second: float | None) -> str:
    """How many times the second the first is."""
    if not first or not second or not math.isfinite(first / second):
        return UNKNOWN
    return f"{first / second:.2f}x"

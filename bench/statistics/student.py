"""Student's t distribution, for any positive degrees of freedom and whole arrays at once.

P(|T| > t) is the share of the integral of cos(x) ** (df - 1) over [0, pi/2] that lies beyond arctan(t / sqrt(df)).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

# More degrees of freedom than these change no third decimal, and fewer keep the integrand smooth.
_MOST_DF = 1000.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_HALVINGS = 60


def two_sided_p(t: ArrayLike, df: ArrayLike) -> Array:
    """P(|T| > |t|); nan where t or df is."""
    free = np.minimum(df, _MOST_DF)
    return _beyond(np.arctan(np.abs(t) / np.sqrt(free)), free)


def quantile(level: float, df: ArrayLike) -> Array:
    """The t with P(|T| > t) = 1 - level."""
    free = np.asarray(np.minimum(df, _MOST_DF))
    low, high = np.zeros(free.shape), np.full(free.shape, math.pi / 2)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = _beyond(middle, free) > 1 - level
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    found: Array = np.sqrt(free) * np.tan((low + high) / 2)
    return found


def _beyond(angle: Array, df: Array) -> Array:
    half = (math.pi / 2 - angle) / 2
    at = angle[..., None] + half[..., None] * (1 + _NODES)
    part = half * (np.cos(at) ** (df[..., None] - 1) @ _WEIGHTS)
    whole = np.vectorize(lambda one: math.exp(math.lgamma(one / 2) - math.lgamma((one + 1) / 2)), otypes=[float])(df)
    share: Array = part / (whole * math.sqrt(math.pi) / 2)
    return share

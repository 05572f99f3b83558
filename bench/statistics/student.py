"""Student's t distribution for fractional degrees of freedom and whole arrays.

Our own, since scipy would be a dependency for this alone; the tests compare the two. With t = sqrt(df) tan(x),
P(|T| > t) is the share of the integral of cos(x) ** (df - 1) over [0, pi/2] that lies beyond arctan(t / sqrt(df)).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

# Above 1,000 degrees of freedom no third decimal changes, and below the integrand is smooth enough for 96 nodes.
_MAX_DF = 1000.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_BISECTIONS = 60


def two_sided_p(t: ArrayLike, df: ArrayLike) -> np.ndarray:
    """P(|T| > |t|); nan where t or df is."""
    capped = np.minimum(df, _MAX_DF)
    return _tail(np.arctan(np.abs(t) / np.sqrt(capped)), capped)


def quantile(level: float, df: ArrayLike) -> np.ndarray:
    """The t with P(|T| > t) = 1 - level."""
    capped = np.asarray(np.minimum(df, _MAX_DF))
    low, high = np.zeros(capped.shape), np.full(capped.shape, math.pi / 2)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = _tail(middle, capped) > 1 - level
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    t: np.ndarray = np.sqrt(capped) * np.tan((low + high) / 2)
    return t


def _tail(angle: np.ndarray, df: np.ndarray) -> np.ndarray:
    """The part of the integral beyond an angle, by Gauss-Legendre quadrature, over the whole, a ratio of gammas."""
    half = (math.pi / 2 - angle) / 2
    at = angle[..., None] + half[..., None] * (1 + _NODES)
    part = half * (np.cos(at) ** (df[..., None] - 1) @ _WEIGHTS)
    whole = np.vectorize(lambda one: math.exp(math.lgamma(one / 2) - math.lgamma((one + 1) / 2)), otypes=[float])(df)
    share: np.ndarray = part / (whole * math.sqrt(math.pi) / 2)
    return share

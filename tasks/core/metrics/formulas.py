"""From a total row of evidence to a score: every formula of the house, each vectorised over leading axes.

K columns of evidence; totals [..., K] -> scores [...]; nan where a score is not defined, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def _summed(totals: np.ndarray, columns: tuple[str, ...], role: str) -> np.ndarray:
    """The sum of the columns of a role: its bare name, or `<label>:<role>`."""
    chosen = [k for k, column in enumerate(columns) if column.rpartition(":")[2] == role]
    total: np.ndarray = totals[..., chosen].sum(axis=-1)
    return total


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    ratio: np.ndarray = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below != 0)
    return ratio


def micro_f1(totals: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) over all labels; nan where there is neither gold nor answer."""
    tp, fp, fn = (_summed(totals, columns, role) for role in ("tp", "fp", "fn"))
    return _ratio(2 * tp, 2 * tp + fp + fn)


def micro_precision(totals: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """TP / (TP + FP) over all labels."""
    tp, fp = (_summed(totals, columns, role) for role in ("tp", "fp"))
    return _ratio(tp, tp + fp)


def micro_recall(totals: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """TP / (TP + FN) over all labels."""
    tp, fn = (_summed(totals, columns, role) for role in ("tp", "fn"))
    return _ratio(tp, tp + fn)


def by_label(totals: np.ndarray, columns: tuple[str, ...], formula: str) -> dict[str, np.ndarray]:
    """A formula's scores for each label that the columns name, in their order."""
    scores = {}
    for label in dict.fromkeys(column.rpartition(":")[0] for column in columns if ":" in column):
        own = [k for k, column in enumerate(columns) if column.rpartition(":")[0] == label]
        scores[label] = FORMULAS[formula](totals[..., own], tuple(columns[k] for k in own))
    return scores


def macro_f1(totals: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """The mean of each label's F1; a label with neither gold nor answer does not count, nan where none has."""
    scores = np.stack(list(by_label(totals, columns, "micro_f1").values()), axis=-1)
    defined = ~np.isnan(scores)
    return _ratio(np.where(defined, scores, 0.0).sum(axis=-1), defined.sum(axis=-1))


def two_sided_f1(totals: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """2 P R / (P + R) of P = right / answered and R = found / gold, each counted on its own side.

    0 where nothing is found or right, nan where there is neither gold nor answer.
    """
    found, gold, right, answered = (_summed(totals, columns, role) for role in ("found", "gold", "right", "answered"))
    # 2PR/(P+R) with both fractions over one denominator, so that a side without mentions gives 0 as it should.
    below = right * gold + found * answered
    score = _ratio(2 * right * found, below)
    return np.where((below == 0) & (gold + answered > 0), 0.0, score)


def proportion(totals: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """correct / count: accuracy."""
    return _ratio(_summed(totals, columns, "correct"), _summed(totals, columns, "count"))


def pearson(totals: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """Pearson's r from n, x, y, xx, yy, xy; nan where either side does not vary."""
    n, x, y, xx, yy, xy = (_summed(totals, columns, role) for role in ("n", "x", "y", "xx", "yy", "xy"))
    covariance, x_variance, y_variance = n * xy - x * y, n * xx - x * x, n * yy - y * y
    # Rounding leaves a constant side with a variance near, not at, zero: relative to its own size it is none.
    varies = (x_variance > 1e-9 * n * xx) & (y_variance > 1e-9 * n * yy)
    spread = np.sqrt(np.where(varies, x_variance * y_variance, 0.0))
    return _ratio(covariance, spread)


LOWEST = {"pearson": -1.0}
"""The lowest score of a formula, where that is not 0."""

_TP_FP_FN = {"tp", "fp", "fn"}
_ROLES = {
    micro_f1: _TP_FP_FN,
    micro_precision: {"tp", "fp"},
    micro_recall: {"tp", "fn"},
    macro_f1: _TP_FP_FN,
    two_sided_f1: {"found", "gold", "right", "answered"},
    proportion: {"correct", "count"},
    pearson: {"n", "x", "y", "xx", "yy", "xy"},
}
"""What the columns of each formula hold, for all labels together or for each."""

FORMULAS = {formula.__name__: formula for formula in _ROLES}


def check_formula(formula: str, columns: Sequence[str]) -> None:
    """ValueError unless a score can be worked out by this formula from these columns, every label in each."""
    if formula not in FORMULAS:
        raise ValueError(f"it has the unknown formula {formula!r}")
    roles: dict[str, set[str]] = {}
    for column in columns:
        label, colon, role = column.rpartition(":")
        roles.setdefault(label + colon, set()).add(role)
    alike = all(found == next(iter(roles.values())) >= _ROLES[FORMULAS[formula]] for found in roles.values())
    if not roles or not alike or len(set(columns)) != len(columns):
        raise ValueError(f"its columns are not those of {formula}")

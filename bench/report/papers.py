"""Figures that papers printed for the same tasks, as read in their tables; never mixed into ours. All x100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report.comparison import Comparison
from bench.report.table import CellText

UNCONFIRMED = "?"


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper whose table was read; `spans_differ` and `differs` say how its metric is not ours, if it is not."""

    mark: str
    short: str
    citation: str
    differs: str = ""
    spans_differ: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """One row of a paper's table: task -> figure x100; `confirmed` where it was read in the paper itself or a copy."""

    source: Paper
    system: str
    figures: Mapping[str, float]
    confirmed: bool = True

    def cell(self, task: str) -> CellText:
        """The figure for a task with the marks that belong to it; blank where the paper has none."""
        if task not in self.figures:
            return CellText("")
        spans = self.source.spans_differ and task not in _PAIRS
        mark = ("†" if spans else "") + ("" if self.confirmed else UNCONFIRMED)
        return CellText(f"{self.figures[task]:.1f}{mark}", f"{self.system}, {self.source.citation}")


_JAMIA = Paper(
    "[1]",
    "Mulyar 2021",
    "Mulyar, Uzuner & McInnes, JAMIA 28(10):2108, 2021, table 2",
    spans_differ="the authors' public code scores spans by token with the tag prefix stripped, against gold without "
    "the mentions that overlap or touch; ours are exact spans against all gold",
)
_ALSENTZER = Paper(
    "[2]",
    "Alsentzer 2019",
    "Alsentzer et al. 2019, arXiv 1904.03323, table 2 (read in a copy)",
    differs="its development split was cut by sentence, so that it shares notes with training",
)
_PENG = Paper(
    "[3]",
    "Peng 2020",
    "Peng, Chen & Lu 2020, arXiv 2005.02799",
    differs="it trains on training and development data together",
)

_PAIRS = ("n2c2_2019", "mednli", "medrqe_2016")
_JAMIA_ORDER = (*_PAIRS, "n2c2_2018", "i2b2_2014", "i2b2_2012", "i2b2_2010", "quaero_2014")
_ALSENTZER_ORDER = ("mednli", "i2b2_2010", "i2b2_2012", "i2b2_2014")


def _row(source: Paper, system: str, tasks: tuple[str, ...], *figures: float, confirmed: bool = True) -> Published:
    return Published(source, system, dict(zip(tasks, figures, strict=True)), confirmed)


JAMIA_SINGLE = _row(_JAMIA, "single task, tuned", _JAMIA_ORDER, 87.2, 82.8, 80.1, 88.1, 95.5, 83.9, 89.8, 55.5)
JAMIA_MULTI = _row(_JAMIA, "multitask, round robin", _JAMIA_ORDER, 86.7, 80.5, 76.5, 87.4, 91.9, 84.1, 89.5, 49.1)
PUBLISHED = (
    JAMIA_SINGLE,
    JAMIA_MULTI,
    _row(_JAMIA, "multitask, loss summation", _JAMIA_ORDER, 84.5, 80.2, 77.5, 85.5, 94.2, 84.8, 90.6, 52.2),
    _row(_ALSENTZER, "BERT", _ALSENTZER_ORDER, 77.6, 83.5, 75.9, 92.8),
    _row(_ALSENTZER, "BioBERT", _ALSENTZER_ORDER, 80.8, 86.5, 78.9, 93.0),
    _row(_ALSENTZER, "Clinical BERT", _ALSENTZER_ORDER, 80.8, 86.4, 78.5, 92.6),
    _row(_ALSENTZER, "Discharge Summary BERT", _ALSENTZER_ORDER, 80.6, 86.4, 78.4, 92.8),
    _row(_ALSENTZER, "Bio+Clinical BERT", _ALSENTZER_ORDER, 82.7, 87.2, 78.9, 92.5),
    _row(_ALSENTZER, "Bio+Discharge BERT", _ALSENTZER_ORDER, 82.7, 87.8, 78.9, 92.7),
    _row(_PENG, "BlueBERT, single task", ("mednli",), 84.0),
    _row(_PENG, "MT-BlueBERT, refinement", ("mednli",), 83.5, confirmed=False),
    _row(_PENG, "MT-BlueBERT, fine-tuned", ("mednli",), 84.6, confirmed=False),
)


def published_for(comparison: Comparison) -> list[Published]:
    """The rows that have a figure for any task of a comparison; none beside made-up corpora."""
    return [] if comparison.demo else [row for row in PUBLISHED if set(row.figures) & set(comparison.tasks)]


def footnotes(rows: Sequence[Published]) -> list[str]:
    """The source of each mark that these rows bear, and where its metric or protocol is not ours."""
    notes = []
    for source in dict.fromkeys(row.source for row in rows):
        spans = source.spans_differ and f"† {source.spans_differ}"
        notes.append("; ".join(filter(None, (f"{source.mark} {source.citation}", spans, source.differs))) + ".")
    if any(not row.confirmed for row in rows):
        notes.append(f"{UNCONFIRMED} unconfirmed: quoted from memory, not read in the paper.")
    return [*notes, "No paper gives seeds or variance."] if rows else []

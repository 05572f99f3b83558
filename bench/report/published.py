"""Figures that papers printed for the same tasks, as read in their tables; never mixed into ours. All x100."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Published:
    """One column of a paper's table: task -> figure x100."""

    source: str
    system: str
    figures: MappingProxyType[str, float]


_JAMIA = "Mulyar, Uzuner & McInnes, JAMIA 28(10):2108, 2021, table 2"
_ALSENTZER = "Alsentzer et al. 2019, arXiv 1904.03323, table 2 (read in a copy)"
_PENG = "Peng, Chen & Lu 2020, arXiv 2005.02799"
_SPANS = ("n2c2_2018", "i2b2_2014", "i2b2_2012", "i2b2_2010", "quaero_2014")
_JAMIA_ORDER = ("n2c2_2019", "mednli", "medrqe_2016", *_SPANS)
_ALSENTZER_ORDER = ("mednli", "i2b2_2010", "i2b2_2012", "i2b2_2014")


def _column(source: str, system: str, tasks: tuple[str, ...], *figures: float) -> Published:
    return Published(source, system, MappingProxyType(dict(zip(tasks, figures, strict=True))))


PUBLISHED = (
    _column(_JAMIA, "MT-Clinical BERT single", _JAMIA_ORDER, 87.2, 82.8, 80.1, 88.1, 95.5, 83.9, 89.8, 55.5),
    _column(_JAMIA, "MT-Clinical BERT robin", _JAMIA_ORDER, 86.7, 80.5, 76.5, 87.4, 91.9, 84.1, 89.5, 49.1),
    _column(_JAMIA, "MT-Clinical BERT sum", _JAMIA_ORDER, 84.5, 80.2, 77.5, 85.5, 94.2, 84.8, 90.6, 52.2),
    _column(_ALSENTZER, "Bio+Clinical BERT", _ALSENTZER_ORDER, 82.7, 87.2, 78.9, 92.5),
    _column(_ALSENTZER, "Bio+Discharge BERT", _ALSENTZER_ORDER, 82.7, 87.8, 78.9, 92.7),
    _column(_PENG, "BlueBERT single", ("mednli",), 84.0),
)

# What a reader must know before putting a published figure beside ours.
CAVEATS = (
    "MT-Clinical BERT's public code scores spans by token with the tag prefix stripped and leaves out gold mentions "
    "that overlap or touch; ours are exact spans against all gold. No paper gives seeds or variance.",
)

"""What every span metric is built on: which mentions were found, made up and missed, counted by label.

Whatever the rule by which mentions are paired, a row holds `<label>:tp`, `<label>:fp` and `<label>:fn`.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.metrics.metric import Metric

ROLES = ("tp", "fp", "fn")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The labels of what a rule found, made up and missed in one document, once for each time it counts."""

    found: Collection[str]
    made_up: Collection[str]
    missed: Collection[str]


Rule = Callable[[Document, frozenset[Span]], Outcome]


class SpanMetric(Metric[Document, frozenset[Span]]):
    """A score of mentions, counted for each label by a rule that pairs the answer with gold.

    A metric may be given another rule than its own. A mention whose label is not among `labels` is an InputError: it
    would be lost in silence.
    """

    formula = "micro_f1"
    own_rule: Rule

    def __init__(self, labels: Iterable[str], rule: Rule | None = None) -> None:
        self.labels = tuple(labels)
        self.columns = tuple(f"{label}:{role}" for label in self.labels for role in ROLES)
        self._row_of_label = {label: 3 * k for k, label in enumerate(self.labels)}
        self._rule = rule or self.own_rule

    def observe(self, example: Document, answer: frozenset[Span]) -> Sequence[float]:
        """True positives, false positives and false negatives of each label in one document."""
        outcome = self._rule(example, answer)
        row = [0.0] * len(self.columns)
        for role, labels in enumerate((outcome.found, outcome.made_up, outcome.missed)):
            for label in labels:
                row[self._place(example, label) + role] += 1
        return row

    def _place(self, example: Document, label: str) -> int:
        try:
            return self._row_of_label[label]
        except KeyError:
            known = ", ".join(self.labels)
            raise InputError(
                f"document {example.id} has a mention labelled {label!r}, which {self.name} does not count; "
                f"its labels are {known}"
            ) from None


class PlaceMetric(Metric[Document, frozenset[Span]]):
    """Micro F1 of places, whatever their label: those that the answer shares with gold."""

    formula = "micro_f1"
    columns = ROLES

    @abstractmethod
    def places(self, text: str, spans: frozenset[Span]) -> set[Hashable]:
        """Where the mentions are."""

    def observe(self, example: Document, answer: frozenset[Span]) -> Sequence[float]:
        """Places found, made up and missed in one document."""
        gold, given = (self.places(example.text, spans) for spans in (example.gold, answer))
        return len(gold & given), len(given - gold), len(gold - given)


def set_outcome(gold: Iterable[tuple[Hashable, str]], answer: Iterable[tuple[Hashable, str]]) -> Outcome:
    """What two sets of (place, label) share and do not share."""
    expected, given = set(gold), set(answer)
    return Outcome(
        [label for _, label in expected & given],
        [label for _, label in given - expected],
        [label for _, label in expected - given],
    )


class Extents:
    """Mentions by their extents, from first start to last end, to look up those that share a character with another."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._order = sorted(range(len(spans)), key=lambda k: spans[k].start)
        self._starts = [spans[k].start for k in self._order]
        self._furthest = list(accumulate((spans[k].end for k in self._order), max))

    def meeting(self, span: Span) -> list[int]:
        """The places in `spans` of those that meet a span, ascending."""
        first, after = bisect_right(self._furthest, span.start), bisect_left(self._starts, span.end)
        return sorted(k for k in self._order[first:after] if self._spans[k].end > span.start)

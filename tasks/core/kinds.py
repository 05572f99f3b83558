"""The kinds of task. A task is a value: what it is called, where it comes from, how it is read and scored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tasks.core.examples import Document, Pair, Span
from tasks.core.metrics.metric import Metric

if TYPE_CHECKING:
    from tasks.core.files.corpus import Corpus

Example = TypeVar("Example", Document, Pair[str], Pair[float])
Answer = TypeVar("Answer", frozenset[Span], str, float)

TRAIN, DEV, TEST = SPLITS = ("train", "dev", "test")


def is_name(text: str) -> bool:
    """Whether a task, baseline or metric may be called so: an ASCII identifier, which is in paths what it is."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,79}", text) is not None


def as_it_is(example: Example) -> tuple[Example, int]:
    """For formats that can say everything."""
    return example, 0


@dataclass(frozen=True, slots=True)
class Size:
    """How many examples the literature says a split has; `confirmed` where we counted or read it ourselves."""

    examples: int
    confirmed: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a corpus comes from. `files` are the official downloads of each official split, as they are named."""

    licence: str
    url: str
    citation: str
    files: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, Size]


@dataclass(frozen=True, kw_only=True)
class Task(Generic[Example, Answer]):
    """What is asked of a corpus, and how it is scored; the first metric is the primary one.

    `read(corpus, split)` yields the examples of an official split; `write(folder, split, examples)` writes them in
    the official format under official names. `group(example)` keys what a development split must not cut through.
    `express(example)` is the example as near as the official format can say it, and how many mentions that changes.
    """

    name: str
    title: str
    source: Source
    labels: tuple[str, ...]
    metrics: tuple[Metric[Example, Answer], ...]
    read: Callable[[Corpus, str], Iterator[Example]]
    write: Callable[[Path, str, Iterable[Example]], None]
    group: Callable[[Example], str]
    representable: Callable[[Example], tuple[Example, int]] = as_it_is

    @property
    def kind(self) -> str:
        """Its kind in a word: span, pair or similarity."""
        return type(self).__name__.removesuffix("Task").lower()

    @property
    def primary(self) -> Metric[Example, Answer]:
        """The metric that stands for the task in a comparison."""
        return self.metrics[0]

    @property
    def official_splits(self) -> tuple[str, ...]:
        """The splits its holders publish; a development split is cut from training where there is none."""
        return tuple(split for split in SPLITS if split in self.source.files)


def by_document(document: Document) -> str:
    """The group of a document that stands for itself."""
    return document.id


def by_first_sentence(pair: Pair[Any]) -> str:
    """The group of pairs that share their first sentence."""
    return pair.first


@dataclass(frozen=True, kw_only=True)
class SpanTask(Task[Document, frozenset[Span]]):
    """Find the mentions in a document: their characters and their label."""


@dataclass(frozen=True, kw_only=True)
class PairTask(Task[Pair[str], str]):
    """Say which class a pair of sentences has."""


@dataclass(frozen=True, kw_only=True)
class SimilarityTask(Task[Pair[float], float]):
    """Say how alike two sentences are, between the two ends of `scale`."""

    scale: tuple[float, float]

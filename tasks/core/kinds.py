"""The kinds of task: all that sets spans, classes and scores apart stands in these classes, and in the head each names.

A task is a value: what it is called, where it comes from, how it is read and scored.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, pairwise
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from tasks.core.examples import Document, Pair, Span
from tasks.core.lexicon import lexicon
from tasks.core.metrics.metric import Metric

if TYPE_CHECKING:
    from tasks.core.files.corpus import Corpus

Example = TypeVar("Example")
Answer = TypeVar("Answer")

TRAIN, DEV, TEST = SPLITS = ("train", "dev", "test")

PAIR_CHARACTERS = 512
"""Pairs are cut at 128 tokens as a rule, of some four characters."""


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
class Task(ABC, Generic[Example, Answer]):
    """What is asked of a corpus, and how it is scored; the first metric is the primary one.

    `read(corpus, split)` yields the examples of an official split; `write(folder, split, examples)` writes them in
    the official format under official names. `group(example)` keys what a development split must not cut through.
    `representable(example)` is the example as near as the official format can say it, and how many mentions that
    changes: none where a format can say everything.

    A kind is a subclass. It names itself, the dataclass of its examples, the type of its answers in JSON, its head
    (`module:class`, since tasks import no torch) and its pipeline, by the tag of the Hugging Face hub. What it does not
    override is that of a kind whose answer is one of the labels.
    """

    kind: ClassVar[str]
    example_type: ClassVar[type]
    answer_json: ClassVar[Any] = str
    head: ClassVar[str]
    pipeline: ClassVar[str]

    name: str
    title: str
    source: Source
    labels: tuple[str, ...]
    metrics: tuple[Metric[Example, Answer], ...]
    read: Callable[[Corpus, str], Iterator[Example]]
    write: Callable[[Path, str, Iterable[Example]], None]
    group: Callable[[Example], str]
    representable: Callable[[Example], tuple[Example, int]] = lambda example: (example, 0)

    @property
    def primary(self) -> Metric[Example, Answer]:
        """The metric that stands for the task in a comparison."""
        return self.metrics[0]

    @property
    def official_splits(self) -> tuple[str, ...]:
        """The splits its holders publish; a development split is cut from training where there is none."""
        return tuple(split for split in SPLITS if split in self.source.files)

    @property
    def possible_answers(self) -> str:
        """What an answer may be, for people."""
        return ", ".join(self.labels)

    @abstractmethod
    def train_characters(self, example: Example) -> int:
        """The characters that a training reads of an example."""

    def majority(self, examples: Sequence[Example]) -> Callable[[Example], Answer]:
        """What counting in the training set can answer: the most frequent gold, of equals the first."""
        counted = Counter(example.gold for example in examples)  # type: ignore[attr-defined]
        best: Answer = min(counted, key=lambda gold: (-counted[gold], gold))
        return lambda example: best

    def example_to_json(self, example: Example) -> str:
        """An example as a line of ASCII: all its fields, on which scores depend."""
        return json.dumps([getattr(example, field.name) for field in fields(self.example_type)])

    def example_from_json(self, line: str) -> Example:
        """The example of such a line."""
        example: Example = self.example_type(*json.loads(line))
        return example

    def answer_to_json(self, answer: Answer) -> Any:
        """An answer as JSON has it, of the type `answer_json`."""
        return answer

    def answer_from_json(self, data: Any) -> Answer:
        """The answer of data of the type `answer_json`."""
        answer: Answer = data
        return answer

    def answer_fits(self, example: Example, answer: Answer) -> bool:
        """Whether a stored answer can be one to this example."""
        return answer in self.labels

    def mention_count(self, answer: Answer) -> int:
        """The mentions in an answer; what is no set of mentions counts as one."""
        return 1

    def with_answer(self, example: Example, answer: Answer) -> tuple[Example, int]:
        """An example with an answer for gold as the official format can say it, and how many mentions that changes."""
        return self.representable(replace(example, gold=answer))  # type: ignore[type-var]


def by_document(document: Document) -> str:
    """The group of a document that stands for itself."""
    return document.id


def by_first_sentence(pair: Pair[Any]) -> str:
    """The group of pairs that share their first sentence."""
    return pair.first


@dataclass(frozen=True, kw_only=True)
class SpanTask(Task[Document, frozenset[Span]]):
    """Find the mentions in a document: their characters and their label."""

    kind = "span"
    example_type = Document
    answer_json = tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    head = "baselines.core.heads:SpanHead"
    pipeline = "token-classification"

    def train_characters(self, example: Document) -> int:
        return len(example.text)

    def majority(self, examples: Sequence[Document]) -> Callable[[Document], frozenset[Span]]:
        """The strings that were mentions in training more often than not, wherever they stand."""
        found = lexicon(examples)
        return lambda example: found.find(example.text)

    def example_to_json(self, example: Document) -> str:
        """Gold is written as it is listed, which is all of it that scores depend on."""
        return json.dumps([example.id, example.text, [(span.fragments, span.label) for span in example.listed()]])

    def example_from_json(self, line: str) -> Document:
        name, text, spans = json.loads(line)
        listing = tuple(Span(tuple((start, end) for start, end in fragments), label) for fragments, label in spans)
        return Document(name, text, frozenset(listing), listing)

    def answer_to_json(self, answer: frozenset[Span]) -> Any:
        return [[span.label, span.fragments] for span in sorted(answer)]

    def answer_from_json(self, data: Any) -> frozenset[Span]:
        return frozenset(Span(fragments, label) for label, fragments in data)

    def answer_fits(self, example: Document, answer: frozenset[Span]) -> bool:
        return all(span.label in self.labels and _lies_in(example.text, span.fragments) for span in answer)

    def mention_count(self, answer: frozenset[Span]) -> int:
        return len(answer)

    def with_answer(self, example: Document, answer: frozenset[Span]) -> tuple[Document, int]:
        """Fragments that hold no character are left out too: no format has a way to write them."""
        held = [Span(tuple((start, end) for start, end in one.fragments if start < end), one.label) for one in answer]
        written = frozenset(span for span in held if span.fragments)
        said, changed = super().with_answer(example, written)
        return said, changed + len(answer - written)


def _lies_in(text: str, fragments: tuple[tuple[int, int], ...]) -> bool:
    """Whether fragments lie in a text, one after another."""
    offsets = [0, *chain.from_iterable(fragments), len(text)]
    return bool(fragments) and all(before <= after for before, after in pairwise(offsets))


@dataclass(frozen=True, kw_only=True)
class PairTask(Task[Pair[str], str]):
    """Say which class a pair of sentences has."""

    kind = "pair"
    example_type = Pair
    head = "baselines.core.heads:PairHead"
    pipeline = "text-classification"

    def train_characters(self, example: Pair[str]) -> int:
        return min(len(example.first) + len(example.second), PAIR_CHARACTERS)


@dataclass(frozen=True, kw_only=True)
class SimilarityTask(Task[Pair[float], float]):
    """Say how alike two sentences are, between the two ends of `scale`."""

    kind = "similarity"
    example_type = Pair
    answer_json = float
    head = "baselines.core.heads:SimilarityHead"
    pipeline = "sentence-similarity"

    scale: tuple[float, float]

    @property
    def possible_answers(self) -> str:
        return "from {:g} to {:g}".format(*self.scale)

    def train_characters(self, example: Pair[float]) -> int:
        return min(len(example.first) + len(example.second), PAIR_CHARACTERS)

    def majority(self, examples: Sequence[Pair[float]]) -> Callable[[Pair[float]], float]:
        """The mean."""
        mean = fmean(example.gold for example in examples)
        return lambda example: mean

    def answer_fits(self, example: Pair[float], answer: float) -> bool:
        return True

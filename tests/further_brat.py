"""A made-up further brat corpus, without an official development split."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus
from tasks.core.formats.brat import Layout, read_documents, write_document
from tasks.core.kinds import TEST, TRAIN, Size, Source, SpanTask, by_document
from tasks.core.metrics.spans import exact_f1

LABELS = ("Symptom", "Plant")
SOURCE = Source(
    licence="none: it is made up",
    url="https://example.org",
    citation="none",
    files={TRAIN: ("plants.zip",), TEST: ("plants.zip",)},
    sizes=dict.fromkeys((TRAIN, TEST), Size(4, confirmed=True)),
)


def read(corpus: Corpus, split: str) -> Iterator[Document]:
    layout = Layout(rf"(?:^|/)plants/{split}/(part[0-9])/([^/]+)", SOURCE.files[split][0], SOURCE.url)
    yield from read_documents(layout, LABELS, corpus)


def write(folder: Path, split: str, examples: Iterable[Document]) -> None:
    for document in examples:
        write_document(folder / "plants" / split / document.id, document)


TASK = SpanTask(
    name="further_brat",
    title="Further brat",
    source=SOURCE,
    labels=LABELS,
    metrics=(exact_f1(LABELS),),
    read=read,
    write=write,
    group=by_document,
)

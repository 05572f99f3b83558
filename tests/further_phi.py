"""A made-up corpus of the MEDDOCAN kind: i2b2 XML under another root, with labels of its own."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus
from tasks.core.formats.i2b2_xml import one_fragment, phi_scheme, read_document, write_document
from tasks.core.kinds import SPLITS, Size, Source, SpanTask, by_document
from tasks.core.metrics.spans import exact_f1

SCHEME = phi_scheme("MEDDOCAN", {"NAME": ("NOMBRE",), "DATE": ("FECHAS",), "LOCATION": ("CALLE", "TERRITORIO")})
LABELS = ("NOMBRE", "FECHAS", "CALLE", "TERRITORIO")
SOURCE = Source(
    licence="none: it is made up",
    url="https://example.org",
    citation="none",
    files={split: (f"meddocan-{split}.zip",) for split in SPLITS},
    sizes=dict.fromkeys(SPLITS, Size(2, confirmed=True)),
)


def read(corpus: Corpus, split: str) -> Iterator[Document]:
    files = corpus.require(rf"(?:^|/){split}/xml/([^/]+)\.xml$", SOURCE.files[split][0], SOURCE.url)
    corpus.warn_unexpected(files, r"\.xml$")
    for file in files:
        yield read_document(file, SCHEME, LABELS, corpus)


def write(folder: Path, split: str, examples: Iterable[Document]) -> None:
    for document in examples:
        write_document(folder / split / "xml" / f"{document.id}.xml", SCHEME, document)


TASK = SpanTask(
    name="further_phi",
    title="Further PHI",
    source=SOURCE,
    labels=LABELS,
    metrics=(exact_f1(LABELS),),
    read=read,
    write=write,
    group=by_document,
    representable=one_fragment,
)

"""n2c2 2018 track 2: drugs, their attributes and adverse effects in discharge summaries.

What: discharge summaries of MIMIC-III with drugs, strength, form, dosage, frequency, route, duration, reasons and
adverse drug events marked; the relations between them are not part of this task.
Who: n2c2 (Harvard DBMI).
When: the challenge of 2018.
Sizes: 303 documents to train, 202 to test (unconfirmed).
Licence: data use agreement with Harvard's DBMI.
Apply: https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/
Cite: Henry, Buchan, Filannino, Stubbs, Uzuner. 2018 n2c2 shared task on adverse drug events and medication extraction
in electronic health records. JAMIA 27(1):3-12, 2020.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus
from tasks.core.formats.brat import Layout, read_documents, write_document
from tasks.core.formats.output import checked_name
from tasks.core.kinds import TEST, TRAIN, Size, Source, SpanTask, by_document
from tasks.core.metrics import mt_clinical_bert
from tasks.core.metrics.spans import exact_envelope, exact_f1, exact_precision, exact_recall, lenient_f1

LABELS = ("Drug", "Strength", "Form", "Dosage", "Frequency", "Route", "Duration", "Reason", "ADE")

_HALVES = ("track2-training_data_2", "track2-training_data_3")
SOURCE = Source(
    licence="data use agreement (DBMI)",
    url="https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/",
    citation="Henry et al. 2020, JAMIA 27(1):3-12, doi 10.1093/jamia/ocz166",
    files={
        TRAIN: (f"training_20180910.zip (or {_HALVES[0]}.zip and {_HALVES[1]}.zip)",),
        TEST: ("gold-standard-test-data.zip",),
    },
    sizes={TRAIN: Size(303, confirmed=False), TEST: Size(202, confirmed=False)},
)

_COMPLETE = r"(?:^|/)training_20180910[^/]*(?:/training_20180910[^/]*)?/([0-9]+)"
_TRAIN = (_COMPLETE, *(rf"(?:^|/){half}[^/]*(?:/[^/]+)?/([0-9]+)" for half in _HALVES))
_GOLD = "gold-standard-test-data"
_TEST = rf"(?:^|/)(?:{_GOLD}[^/]*|test)(?:/test)*/([0-9]+)"


def read(corpus: Corpus, split: str) -> Iterator[Document]:
    """The documents of an official split, by name; errors as of the format."""
    official = SOURCE.files[split][0]
    if split == TRAIN:
        _refuse_half(corpus)
        layout = Layout(_TRAIN, official, SOURCE.url)
    else:  # the archive holds a folder called test, as those of other corpora do
        layout = Layout(_TEST, official, SOURCE.url, _GOLD, beside=_TRAIN)
    yield from read_documents(layout, LABELS, corpus)


def _refuse_half(corpus: Corpus) -> None:
    """One of the two halves of the training data alone would pass for all of them."""
    complete, *halves = (corpus.find(pattern + r"\.ann$") for pattern in _TRAIN)
    if not complete and any(halves):
        for half, pattern in zip(_HALVES, _TRAIN[1:], strict=True):
            corpus.require(pattern + r"\.ann$", f"{half}.zip", SOURCE.url)


def write(folder: Path, split: str, examples: Iterable[Document]) -> None:
    """Write documents in the official layout."""
    for document in examples:
        name = checked_name(document.id, r"[0-9]+", "n2c2_2018")
        write_document(folder / ("training_20180910" if split == TRAIN else "test") / name, document)


TASK = SpanTask(
    name="n2c2_2018",
    title="n2c2 2018 medications",
    source=SOURCE,
    labels=LABELS,
    metrics=(
        exact_f1(LABELS, exact_envelope),  # the official program knows a mention's first start and last end only
        lenient_f1(LABELS),
        exact_precision(LABELS, exact_envelope),
        exact_recall(LABELS, exact_envelope),
        *mt_clinical_bert.scores(LABELS),
    ),
    read=read,
    write=write,
    group=by_document,
)

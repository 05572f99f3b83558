"""i2b2 2012: clinical events in discharge summaries (the EVENT part of the temporal relations challenge).

What: discharge summaries with problems, tests, treatments, departments, evidence and occurrences marked as events.
Who: i2b2, with notes of Partners HealthCare and Beth Israel Deaconess Medical Center.
When: the challenge of 2012.
Sizes: 190 documents to train, 120 to test (unconfirmed).
Licence: data use agreement with Harvard's DBMI.
Apply: https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/
Cite: Sun, Rumshisky, Uzuner. Evaluating temporal relations in clinical text: 2012 i2b2 challenge. JAMIA 20(5):806-813,
2013.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats.i2b2_xml import Scheme, Tag, one_fragment, read_document, write_document
from tasks.core.formats.output import checked_name
from tasks.core.kinds import TEST, TRAIN, Size, Source, SpanTask, by_document
from tasks.core.metrics import mt_clinical_bert
from tasks.core.metrics.events import EVENT_OVERLAP_F1, EVENT_TYPE_ACCURACY
from tasks.core.metrics.spans import exact_f1, exact_precision, exact_recall

LABELS = ("PROBLEM", "TEST", "TREATMENT", "CLINICAL_DEPT", "EVIDENTIAL", "OCCURRENCE")

SOURCE = Source(
    licence="data use agreement (DBMI)",
    url="https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/",
    citation="Sun, Rumshisky & Uzuner 2013, JAMIA 20(5):806-813, doi 10.1136/amiajnl-2013-001628",
    files={
        TRAIN: ("2012-07-15.original-annotation.release.tar.gz",),
        TEST: ("2012-08-23.test-data.groundtruth.tar.gz (or 2012-08-08.test-data.event-timex-groundtruth.tar.gz)",),
    },
    sizes={TRAIN: Size(190, confirmed=False), TEST: Size(120, confirmed=False)},
)

_RELEASE = r"2012-07-15\.original-annotation\.release[^/]*"
_TRAIN = rf"(?:^|/){_RELEASE}(?:/{_RELEASE})?/([0-9]+)\.xml$"
_MERGED = r"(?:^|/)(?:ground_truth|2012-08-23[^/]*)/merged_xml/([0-9]+)\.xml$"
_SEPARATE = r"(?:^|/)(?:ground_truth|2012-08-[^/]*groundtruth[^/]*)/(?:[^/]+/)*?xml/([0-9]+)\.xml$"
_RELEASED = r"(?:^|/)[0-9]+\.xml(?:\.txt|\.extent|\.tlink)?$"


def _label(tag: Tag) -> str | None:
    return tag.attributes.get("type", "") if tag.element == "EVENT" else None


def _tag(label: str) -> tuple[str, str]:
    return "EVENT", f'modality="FACTUAL" polarity="POS" type={quoteattr(label)}'


SCHEME = Scheme("ClinicalNarrativeTemporalAnnotation", _label, _tag, first_id_counts=True)


def read(corpus: Corpus, split: str) -> Iterator[Document]:
    """The documents of an official split, by name; errors as of the format."""
    if split == TRAIN:
        files = corpus.require(_TRAIN, SOURCE.files[TRAIN][0], SOURCE.url)
    else:  # both test releases may be there, the merged one is the later; others, too, call a folder ground_truth
        rank = corpus.prefer("2012-08-", [_TRAIN], _are_of_2012)
        files = corpus.find(_MERGED, rank=rank) or corpus.require(_SEPARATE, SOURCE.files[TEST][0], SOURCE.url, rank)
    corpus.warn_unexpected(files, _RELEASED)
    for file in files:
        yield read_document(file, SCHEME, LABELS, corpus)


def _are_of_2012(files: Sequence[CorpusFile]) -> bool:
    return any(f"<{SCHEME.root}>".encode() in file.read() for file in files)


def write(folder: Path, split: str, examples: Iterable[Document]) -> None:
    """Write documents in the official layout; InputError where the format cannot express a mention."""
    subfolder = "2012-07-15.original-annotation.release" if split == TRAIN else "ground_truth/merged_xml"
    for document in examples:
        name = checked_name(document.id, r"[0-9]+", "i2b2_2012")
        write_document(folder / subfolder / f"{name}.xml", SCHEME, document)


TASK = SpanTask(
    name="i2b2_2012",
    title="i2b2 2012 events",
    source=SOURCE,
    labels=LABELS,
    metrics=(
        exact_f1(LABELS),
        EVENT_OVERLAP_F1,
        EVENT_TYPE_ACCURACY,
        exact_precision(LABELS),
        exact_recall(LABELS),
        *mt_clinical_bert.scores(LABELS),
    ),
    read=read,
    write=write,
    group=by_document,
    representable=one_fragment,
)

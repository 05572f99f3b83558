"""i2b2 2014: names, places, dates and other identifiers in notes (de-identification, track 1).

What: the notes of 296 patients with every piece of protected health information marked, realistic
surrogates in its place.
Who: i2b2 and UTHealth, with notes of Partners HealthCare.
When: the challenge of 2014.
Sizes: 790 documents to train in two sets, 514 to test (unconfirmed).
Licence: data use agreement with Harvard's DBMI.
Apply: https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/
Cite: Stubbs, Uzuner. Annotating longitudinal clinical narratives for de-identification: The 2014 i2b2/UTHealth corpus.
Journal of Biomedical Informatics 58:S20-S29, 2015.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus
from tasks.core.formats.i2b2_xml import one_fragment, phi_scheme, read_document, write_document
from tasks.core.formats.output import checked_name
from tasks.core.kinds import TEST, TRAIN, Size, Source, SpanTask
from tasks.core.metrics import mt_clinical_bert, phi, spans

CATEGORIES = {
    "NAME": ("PATIENT", "DOCTOR", "USERNAME"),
    "PROFESSION": ("PROFESSION",),
    "LOCATION": (
        "ROOM", "DEPARTMENT", "HOSPITAL", "ORGANIZATION", "STREET", "CITY", "STATE", "COUNTRY", "ZIP", "LOCATION-OTHER",
    ),
    "AGE": ("AGE",),
    "DATE": ("DATE",),
    "CONTACT": ("PHONE", "FAX", "EMAIL", "URL", "IPADDRESS"),
    "ID": ("SSN", "MEDICALRECORD", "HEALTHPLAN", "ACCOUNT", "LICENSE", "VEHICLE", "DEVICE", "BIOID", "IDNUM"),
    "PHI": ("OTHER",),
}  # fmt: skip
LABELS = tuple(label for labels in CATEGORIES.values() for label in labels)

SOURCE = Source(
    licence="data use agreement (DBMI)",
    url="https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/",
    citation="Stubbs & Uzuner 2015, J Biomed Inform 58:S20-S29, doi 10.1016/j.jbi.2015.07.020",
    files={
        TRAIN: (
            "training-PHI-Gold-Set1.tar.gz (or 2014_training-PHI-Gold-Set1.tar.gz)",
            "training-PHI-Gold-Set2.tar.gz",
        ),
        TEST: ("testing-PHI-Gold-fixed.tar.gz",),
    },
    sizes={TRAIN: Size(790, confirmed=False), TEST: Size(514, confirmed=False)},
)

# A document's name is its id: the patient's number, a dash, the number of the note.
_DOCUMENT = r"[^/]*/([0-9]+-[0-9]+)\.xml$"
_FOLDERS = {
    TRAIN: (r"(?:^|/)(?:2014_)?training-PHI-Gold-Set1", r"(?:^|/)(?:2014_)?training-PHI-Gold-Set2"),
    TEST: (r"(?:^|/)testing-PHI-Gold-fixed",),
}
SCHEME = phi_scheme("deIdi2b2", CATEGORIES)


def read(corpus: Corpus, split: str) -> Iterator[Document]:
    """The documents of an official split, by name; errors as of the format."""
    patterns = [folder + _DOCUMENT for folder in _FOLDERS[split]]
    for pattern, official in zip(patterns, SOURCE.files[split], strict=True):
        corpus.require(pattern, official, SOURCE.url)
    files = corpus.find(*patterns)
    corpus.warn_unexpected(files, _DOCUMENT)
    for file in files:
        yield read_document(file, SCHEME, LABELS, corpus)


def write(folder: Path, split: str, examples: Iterable[Document]) -> None:
    """Write documents in the official layout, those to train in two sets by turns: at least two make a corpus."""
    sets = ("training-PHI-Gold-Set1", "training-PHI-Gold-Set2") if split == TRAIN else ("testing-PHI-Gold-fixed",)
    for number, document in enumerate(examples):
        name = checked_name(document.id, r"[0-9]+-[0-9]+", "i2b2_2014")
        write_document(folder / sets[number % len(sets)] / f"{name}.xml", SCHEME, document)


def group(document: Document) -> str:
    """The patient: the number before the dash. One patient has several notes."""
    return document.id.partition("-")[0]


TASK = SpanTask(
    name="i2b2_2014",
    title="i2b2 2014 de-identification",
    source=SOURCE,
    labels=LABELS,
    metrics=(
        spans.exact_f1(LABELS),
        phi.relaxed_f1(LABELS),
        phi.token_f1(LABELS),
        *phi.BINARY_AND_HIPAA,
        spans.exact_precision(LABELS),
        spans.exact_recall(LABELS),
        *mt_clinical_bert.scores(LABELS),
    ),
    read=read,
    write=write,
    group=group,
    representable=one_fragment,
)

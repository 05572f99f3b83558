"""QUAERO: ten kinds of medical concepts in French drug leaflets and titles of articles.

What: texts of the EMEA (leaflets, cut in files) and MEDLINE (titles) with the semantic groups of the UMLS marked;
mentions nest and may be in several fragments.
Who: LIMSI-CNRS and partners of the QUAERO programme; the release of CLEF eHealth 2015 and 2016.
When: 2014.
Sizes: 844 documents to train, 844 to develop, 848 to test; 5,689, 5,237 and 5,307 annotation lines, of which 1, 0 and 8
repeat another.
Licence: GNU Free Documentation License.
Get it: https://quaerofrenchmed.limsi.fr/
Cite: Névéol, Grouin, Leixa, Rosset, Zweigenbaum. The QUAERO French Medical Corpus: a ressource for medical entity
recognition and normalization. BioTxtM 2014, 24-30.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus
from tasks.core.formats.brat import Layout, read_documents, write_document
from tasks.core.formats.output import checked_name
from tasks.core.kinds import DEV, SPLITS, TEST, TRAIN, Size, Source, SpanTask, by_document
from tasks.core.metrics import mt_clinical_bert
from tasks.core.metrics.spans import brateval_f1, exact_f1, exact_precision, exact_recall, macro_f1

LABELS = ("ANAT", "CHEM", "DEVI", "DISO", "GEOG", "LIVB", "OBJC", "PHEN", "PHYS", "PROC")

SOURCE = Source(
    licence="GNU Free Documentation License",
    url="https://quaerofrenchmed.limsi.fr/",
    citation="Névéol et al. 2014, BioTxtM 2014, 24-30",
    files=dict.fromkeys(SPLITS, ("QUAERO_FrenchMed_brat.zip",)),
    sizes={TRAIN: Size(844, confirmed=True), DEV: Size(844, confirmed=True), TEST: Size(848, confirmed=True)},
)


def read(corpus: Corpus, split: str) -> Iterator[Document]:
    """The documents of an official split, EMEA's before MEDLINE's; errors as of the format."""
    # The same number may name a document in both parts: the part is a part of the id.
    pattern = rf"(?:^|/)(?:QUAERO_FrenchMed[^/]*/)?corpus/{split}/(EMEA|MEDLINE)/([^/]+)"
    layout = Layout(pattern, SOURCE.files[split][0], SOURCE.url, named="QUAERO_FrenchMed")
    yield from read_documents(layout, LABELS, corpus)


def write(folder: Path, split: str, examples: Iterable[Document]) -> None:
    """Write documents in the official layout; an id is `EMEA/<name>` or `MEDLINE/<name>`."""
    for document in examples:
        name = checked_name(document.id, r"(?:EMEA|MEDLINE)/[^/]+", "quaero_2014")
        write_document(folder / "QUAERO_FrenchMed" / "corpus" / split / name, document)


TASK = SpanTask(
    name="quaero_2014",
    title="QUAERO French medical concepts",
    source=SOURCE,
    labels=LABELS,
    metrics=(
        exact_f1(LABELS),
        brateval_f1(LABELS),
        macro_f1(LABELS),
        exact_precision(LABELS),
        exact_recall(LABELS),
        *mt_clinical_bert.scores(LABELS),
    ),
    read=read,
    write=write,
    group=by_document,
)

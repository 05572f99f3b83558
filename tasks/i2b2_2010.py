"""i2b2/VA 2010: problems, tests and treatments in clinical notes.

What: discharge summaries and progress reports with every medical problem, treatment and test marked (task 1, concepts).
Who: i2b2 and the VA, with notes of Partners HealthCare, Beth Israel Deaconess Medical Center and UPMC.
When: the challenge of 2010; the release of today is smaller than the one the challenge used.
Sizes: 170 documents to train, 256 to test.
Licence: data use agreement with Harvard's DBMI.
Apply: https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/
Cite: Uzuner, South, Shen, DuVall. 2010 i2b2/VA challenge on concepts, assertions, and relations in clinical text.
JAMIA 18(5):552-556, 2011.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tasks.core.examples import Document
from tasks.core.files.corpus import OFFICIAL, Corpus, Rank
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats.i2b2_concepts import read_document, write_document
from tasks.core.formats.output import checked_name
from tasks.core.formats.standoff import paired
from tasks.core.kinds import TEST, TRAIN, Size, Source, SpanTask, by_document
from tasks.core.metrics import mt_clinical_bert
from tasks.core.metrics.concepts import SPAN_ONLY_F1, exact_tokens, whole_tokens
from tasks.core.metrics.spans import exact_f1, exact_precision, exact_recall

LABELS = ("problem", "treatment", "test")

SOURCE = Source(
    licence="data use agreement (DBMI)",
    url="https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/",
    citation="Uzuner et al. 2011, JAMIA 18(5):552-556, doi 10.1136/amiajnl-2011-000203",
    files={
        TRAIN: ("concept_assertion_relation_training_data.tar.gz",),
        TEST: ("reference_standard_for_test_data.tar.gz", "test_data.tar.gz"),
    },
    sizes={TRAIN: Size(170, confirmed=True), TEST: Size(256, confirmed=True)},
)

# Training data lie in two hospitals' folders; a third, partners/unannotated, has texts alone and is no part of them.
_HOSPITAL = r"(?:^|/)concept_assertion_relation_training_data[^/]*/(?:beth|partners)"
_CONCEPTS = {
    TRAIN: _HOSPITAL + r"/concepts?/([^/]+)\.con$",
    TEST: r"(?:^|/)reference_standard_for_test_data[^/]*(?:/reference_standard[^/]*)?/concepts?/([^/]+)\.con$",
}
_TEXTS = {TRAIN: _HOSPITAL + r"/txt/([^/]+)\.txt$", TEST: r"(?:^|/)test_data(?:\.[^/]+)?(?:/test_data)?/([^/]+)\.txt$"}


def read(corpus: Corpus, split: str) -> Iterator[Document]:
    """The documents of an official split, by name; errors as of the format."""
    official = SOURCE.files[split]
    concepts = corpus.require(_CONCEPTS[split], official[0], SOURCE.url)
    texts = corpus.require(_TEXTS[split], official[-1], SOURCE.url, _with(concepts))
    if split == TEST:
        texts = _annotated(texts, concepts, corpus)
    corpus.warn_unexpected([*concepts, *texts], r"\.(?:con|txt)$")
    for files in paired(texts, concepts):
        yield read_document(files, LABELS, corpus)


def _with(concepts: list[CorpusFile]) -> Rank:
    """Ranks folders by how many texts have concepts, doubled beside those: others, too, call a folder test_data."""
    keys = {file.key for file in concepts}
    above = {file.folder.rpartition("/")[0] for file in concepts}

    def rank(folder: str, files: Sequence[CorpusFile]) -> int:
        annotated = sum(file.key in keys for file in files) * (2 if folder.rpartition("/")[0] in above else 1)
        return annotated and OFFICIAL + annotated

    return rank


def _annotated(texts: list[CorpusFile], concepts: list[CorpusFile], corpus: Corpus) -> list[CorpusFile]:
    """The texts that have concepts."""
    keys = {file.key for file in concepts}
    for file in texts:
        if file.key not in keys:
            corpus.warn(file, None, "text without annotations", "skipped")
    return [file for file in texts if file.key in keys]


def write(folder: Path, split: str, examples: Iterable[Document]) -> None:
    """Write documents in the official layout; InputError where the format cannot express a mention."""
    for document in examples:
        name = checked_name(document.id, r"[^/]+", "i2b2_2010")
        if split == TRAIN:
            hospital = "beth" if name.startswith("record") else "partners"
            top = folder / "concept_assertion_relation_training_data" / hospital
            write_document(top / "txt" / f"{name}.txt", top / "concept" / f"{name}.con", document)
        else:
            concepts = folder / "reference_standard_for_test_data" / "concepts"
            write_document(folder / "test_data" / f"{name}.txt", concepts / f"{name}.con", document)


TASK = SpanTask(
    name="i2b2_2010",
    title="i2b2 2010 concepts",
    source=SOURCE,
    labels=LABELS,
    metrics=(
        exact_f1(LABELS, exact_tokens),
        exact_precision(LABELS, exact_tokens),
        exact_recall(LABELS, exact_tokens),
        SPAN_ONLY_F1,
        *mt_clinical_bert.scores(LABELS),
    ),
    read=read,
    write=write,
    group=by_document,
    representable=whole_tokens,
)

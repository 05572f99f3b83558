"""MedNLI: does a sentence follow from, agree with or contradict a sentence of a clinical note?

What: premises from the past medical histories of MIMIC-III with three statements each, written by clinicians.
Who: Romanov and Shivade, IBM Research.
When: 2018.
Sizes: 11,232 pairs to train, 1,395 to develop, 1,422 to test.
Licence: PhysioNet Credentialed Health Data License.
Apply: https://physionet.org/content/mednli/1.0.0/
Cite: Romanov, Shivade. Lessons from natural language inference in the clinical domain. EMNLP 2018, 1586-1596.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Pair
from tasks.core.files.corpus import Corpus
from tasks.core.formats.mednli_jsonl import read_pairs, write_pairs
from tasks.core.kinds import DEV, SPLITS, TEST, TRAIN, PairTask, Size, Source, by_first_sentence
from tasks.core.metrics.pairs import ACCURACY

LABELS = ("entailment", "neutral", "contradiction")

_ARCHIVE = "mednli-a-natural-language-inference-dataset-for-the-clinical-domain-1.0.0.zip"
SOURCE = Source(
    licence="PhysioNet Credentialed Health Data License",
    url="https://physionet.org/content/mednli/1.0.0/",
    citation="Romanov & Shivade 2018, EMNLP 2018, 1586-1596, doi 10.18653/v1/D18-1187",
    files={split: (f"mli_{split}_v1.jsonl (in {_ARCHIVE})",) for split in SPLITS},
    sizes={TRAIN: Size(11232, confirmed=True), DEV: Size(1395, confirmed=True), TEST: Size(1422, confirmed=True)},
)


def read(corpus: Corpus, split: str) -> Iterator[Pair[str]]:
    """The pairs of an official split in the order of its file; errors as of the format."""
    (file,) = corpus.require(rf"(?:^|/)mli_{split}_v1\.jsonl$", SOURCE.files[split][0], SOURCE.url)
    yield from read_pairs(file, LABELS, corpus)


def write(folder: Path, split: str, examples: Iterable[Pair[str]]) -> None:
    """Write pairs under the official name."""
    write_pairs(folder / f"mli_{split}_v1.jsonl", examples)


TASK = PairTask(
    name="mednli",
    title="MedNLI",
    source=SOURCE,
    labels=LABELS,
    metrics=(ACCURACY,),
    read=read,
    write=write,
    group=by_first_sentence,
)

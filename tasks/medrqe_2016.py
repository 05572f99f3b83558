"""MedRQE: is a consumer's health question answered by the answer to a frequently asked one?

What: pairs of questions, true where whoever answers the second answers the first at least in part.
Who: Ben Abacha and Demner-Fushman, U.S. National Library of Medicine.
When: 2016; used again in MEDIQA 2019 under other names.
Sizes: 8,588 pairs to train, 302 to test.
Licence: CC BY 4.0.
Get it: https://github.com/abachaa/RQE_Data_AMIA2016
Cite: Ben Abacha, Demner-Fushman. Recognizing question entailment for medical question answering. AMIA Annual Symposium
Proceedings 2016, 310-318.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Pair
from tasks.core.files.corpus import Corpus
from tasks.core.formats.rqe_xml import read_pairs, write_pairs
from tasks.core.kinds import TEST, TRAIN, PairTask, Size, Source, by_first_sentence
from tasks.core.metrics.pairs import ACCURACY

LABELS = ("true", "false")

SOURCE = Source(
    licence="CC BY 4.0",
    url="https://github.com/abachaa/RQE_Data_AMIA2016",
    citation="Ben Abacha & Demner-Fushman 2016, AMIA Annu Symp Proc 2016:310-318",
    files={TRAIN: ("RQE_Train_8588_AMIA2016.xml",), TEST: ("RQE_Test_302_pairs_AMIA2016.xml",)},
    sizes={TRAIN: Size(8588, confirmed=True), TEST: Size(302, confirmed=True)},
)

# The same two files go by several names.
_NAMES = {
    TRAIN: r"(?:^|/)(?:RQE_Train_8588|RQE_train_pairs|MEDIQA2019-Task2-RQE-TrainingSet)[_-]AMIA2016\.xml$",
    TEST: r"(?:^|/)(?:RQE_Test_302_pairs|RQE_test_pairs|MEDIQA2019-Task2-RQE-ValidationSet)[_-]AMIA2016\.xml$",
}


def read(corpus: Corpus, split: str) -> Iterator[Pair[str]]:
    """The pairs of an official split in the order of its file; errors as of the format."""
    (file,) = corpus.require(_NAMES[split], SOURCE.files[split][0], SOURCE.url)
    yield from read_pairs(file, LABELS, corpus)


def write(folder: Path, split: str, examples: Iterable[Pair[str]]) -> None:
    """Write pairs under the official name; InputError where XML cannot hold a question."""
    root = "RQE-med-train" if split == TRAIN else "RQE-med-test"
    write_pairs(folder / SOURCE.files[split][0], root, examples)


TASK = PairTask(
    name="medrqe_2016",
    title="MedRQE",
    source=SOURCE,
    labels=LABELS,
    metrics=(ACCURACY,),
    read=read,
    write=write,
    group=by_first_sentence,
)

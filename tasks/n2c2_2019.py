"""n2c2/OHNLP 2019 track 1: how alike are two sentences of clinical notes, from 0 to 5?

What: pairs of de-identified sentences of the Mayo Clinic, scored by two annotators (clinical STS).
Who: OHNLP (Mayo Clinic) and n2c2.
When: the challenge of 2019.
Sizes: 1,642 pairs to train, 412 to test (unconfirmed).
Licence: data use agreement with Harvard's DBMI.
Apply: https://portal.dbmi.hms.harvard.edu/projects/n2c2-2019-t1/
Cite: Wang, Fu, Shen, Henry, Uzuner, Liu. The 2019 n2c2/OHNLP track on clinical semantic textual similarity: overview.
JMIR Medical Informatics 8(11):e23375, 2020.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.examples import Pair
from tasks.core.files.corpus import Corpus
from tasks.core.formats.sts_tsv import read_pairs, write_pairs
from tasks.core.kinds import TEST, TRAIN, SimilarityTask, Size, Source, by_first_sentence
from tasks.core.metrics.pairs import PEARSON, SPEARMAN

SCALE = (0.0, 5.0)

SOURCE = Source(
    licence="data use agreement (DBMI)",
    url="https://portal.dbmi.hms.harvard.edu/projects/n2c2-2019-t1/",
    citation="Wang et al. 2020, JMIR Med Inform 8(11):e23375, doi 10.2196/23375",
    files={
        TRAIN: ("clinicalSTS2019.train.txt",),
        TEST: ("clinicalSTS2019.test.txt", "clinicalSTS2019.test.gs.sim.txt (or clinicalSTS2019.test.labels.txt)"),
    },
    sizes={TRAIN: Size(1642, confirmed=True), TEST: Size(412, confirmed=False)},
)

_SCORES = r"(?:^|/)clinicalSTS2019\.test\.(?:gs\.sim|labels)\.txt$"


def read(corpus: Corpus, split: str) -> Iterator[Pair[float]]:
    """The pairs of an official split in the order of its file; errors as of the format."""
    official = SOURCE.files[split]
    (file,) = corpus.require(rf"(?:^|/)clinicalSTS2019\.{split}\.txt$", official[0], SOURCE.url)
    scores = corpus.require(_SCORES, official[1], SOURCE.url)[0] if split == TEST else None
    yield from read_pairs(file, scores, SCALE)


def write(folder: Path, split: str, examples: Iterable[Pair[float]]) -> None:
    """Write pairs under the official names; a pair's id is the number of its line, whatever it was."""
    scores = folder / "clinicalSTS2019.test.gs.sim.txt" if split == TEST else None
    write_pairs(folder / f"clinicalSTS2019.{split}.txt", scores, examples)


TASK = SimilarityTask(
    name="n2c2_2019",
    title="n2c2 2019 similarity",
    source=SOURCE,
    labels=(),
    metrics=(PEARSON, SPEARMAN),
    read=read,
    write=write,
    group=by_first_sentence,
    scale=SCALE,
)

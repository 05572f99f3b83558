r"""Clinical STS: sentence1, sentence2 and score, tab-separated, no header, no quoting.

Lines end at \n, \r or \r\n, as Python, pandas and Java have it; U+2028 and its kind are text.
The test file has no score: it stands in a second file, one number a line in the same order. A pair's id is the
number of its line. Source: the n2c2/OHNLP 2019 track 1 release.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.core.errors import InputError
from tasks.core.examples import Pair
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats.output import write_lines

_SCORE = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,40})?(?:[eE][-+]?[0-9]{1,3})?")


def read_pairs(file: CorpusFile, scores: CorpusFile | None, scale: tuple[float, float]) -> Iterator[Pair[float]]:
    """The pairs in the order of the file, their scores from the file itself or from a second one."""
    stated = scores.lines() if scores else None
    for number, line in _rows(file):
        fields = line.split("\t")
        if len(fields) != (3 if stated is None else 2):
            raise file.wrong(number, f"it has {len(fields)} fields, not {3 if stated is None else 2}")
        if stated is None or scores is None:
            score = _score(fields[2], scale, file, number)
        else:
            score = _score(next(stated, (0, ""))[1], scale, scores, number)
        yield Pair(str(number), fields[0], fields[1], score)
    if scores and stated and any(line.strip() for _, line in stated):
        raise InputError(f"{scores.path}: it has more scores than {file.path} has pairs; they do not belong together")


def write_pairs(path: Path, scores_path: Path | None, pairs: Iterable[Pair[float]]) -> None:
    """Write pairs with their scores behind them, or in a second file."""
    kept = list(pairs)
    for pair in kept:
        if re.search(r"[\t\n\r]", pair.first + pair.second):
            raise InputError(f"pair {pair.id}: a sentence with a tab or a line end cannot be written in this format")
    rows = (f"{pair.first}\t{pair.second}" for pair in kept)
    golds = [repr(float(pair.gold)) for pair in kept]
    if scores_path is None:
        write_lines(path, (f"{row}\t{gold}" for row, gold in zip(rows, golds, strict=True)))
    else:
        write_lines(path, rows)
        write_lines(scores_path, golds)


def _rows(file: CorpusFile) -> Iterator[tuple[int, str]]:
    """Lines that are not empty; empty ones may stand at the end only."""
    empty = 0
    for number, line in file.lines():
        if not line:
            empty = empty or number
            continue
        if empty:
            raise file.wrong(empty, "an empty line between pairs; get the file as it was published")
        yield number, line


def _score(stated: str, scale: tuple[float, float], file: CorpusFile, line: int) -> float:
    stated = stated.strip().removeprefix("\ufeff")
    if _SCORE.fullmatch(stated) and scale[0] <= (score := float(stated)) <= scale[1]:
        return score
    raise file.wrong(line, f"a score is missing or is no number from {scale[0]:g} to {scale[1]:g}")

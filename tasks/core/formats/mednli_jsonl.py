"""MedNLI's JSON lines: pairID, sentence1, sentence2, gold_label ("-" where annotators did not agree).

Source: the MedNLI release on PhysioNet; the format is SNLI's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tasks.core.examples import Pair
from tasks.core.files.corpus import Corpus
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats.identity import Ids
from tasks.core.formats.output import write_lines

_KEYS = ("pairID", "sentence1", "sentence2", "gold_label")


def read_pairs(file: CorpusFile, labels: tuple[str, ...], corpus: Corpus) -> Iterator[Pair[str]]:
    """The pairs in the order of the file; InputError where a line is no such record."""
    ids = Ids(file, corpus)
    for number, line in file.lines():
        if not (line := line.removeprefix("\ufeff")).strip():
            continue
        name, first, second, label = _fields(line, file, number)
        if label == "-":
            corpus.warn(file, number, "no agreed label", "skipped")
        elif label in labels:
            yield Pair(ids.own(name, number), first, second, label)
        else:
            raise file.wrong(number, f"its gold_label is not one of {', '.join(labels)}")


def write_pairs(path: Path, pairs: Iterable[Pair[str]]) -> None:
    """Write pairs, one JSON record a line."""
    write_lines(path, (_line(pair) for pair in pairs))


def _line(pair: Pair[str]) -> str:
    return json.dumps(dict(zip(_KEYS, (pair.id, pair.first, pair.second, pair.gold), strict=True)))


def _fields(line: str, file: CorpusFile, number: int) -> list[str]:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise file.wrong(number, "this is no JSON record; is the file cut short?") from None
    fields: list[Any] = [record.get(key) for key in _KEYS] if isinstance(record, dict) else []
    if not fields or not all(isinstance(field, str) and _is_text(field) for field in fields):
        raise file.wrong(number, f"a record without text under each of {', '.join(_KEYS)}")
    return fields


def _is_text(field: str) -> bool:
    r"""Half a surrogate pair (`\ud800`) can be written in JSON and nowhere else."""
    return not any("\ud800" <= character <= "\udfff" for character in field)

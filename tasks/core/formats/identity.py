"""Ids of records: each has its own, since answers and evidence are kept by id."""

from __future__ import annotations

from tasks.core.files.corpus import Corpus
from tasks.core.files.corpus_file import CorpusFile


class Ids:
    """The ids given in a file so far; one that was there before is warned of, and gets the number of its line."""

    def __init__(self, file: CorpusFile, corpus: Corpus) -> None:
        self._file, self._corpus = file, corpus
        self._given: set[str] = set()

    def own(self, stated: str, line: int) -> str:
        """The id of the record at a line."""
        name = stated
        while name in self._given:
            name += f"@{line}"
        if name != stated:
            self._corpus.warn(self._file, line, "doubled id", "both kept, this one with its line in its id")
        self._given.add(name)
        return name

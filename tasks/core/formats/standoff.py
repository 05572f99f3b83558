"""Formats that keep a text and its annotations in two files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.core.errors import InputError
from tasks.core.files.corpus_file import CorpusFile


@dataclass(frozen=True, slots=True)
class TextAndAnnotations:
    """The files of a document; its id is what the groups of the pattern captured of their paths, joined by `/`."""

    id: str
    text: CorpusFile
    annotations: CorpusFile


def paired(texts: Sequence[CorpusFile], annotations: Sequence[CorpusFile]) -> Iterator[TextAndAnnotations]:
    """Each text with the annotations of the same key; InputError where one is without the other."""
    texts_by_key = {file.key: file for file in texts}
    annotated = {file.key for file in annotations}
    for file in texts:
        if file.key not in annotated:
            raise InputError(f"{file.path}: its annotation file is missing; unpack the archive anew")
    for file in annotations:
        if file.key not in texts_by_key:
            raise InputError(f"{file.path}: the text it annotates is missing; unpack the archive anew")
        yield TextAndAnnotations("/".join(file.key), texts_by_key[file.key], file)

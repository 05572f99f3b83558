"""What a format repeats of the text beside the offsets. Offsets rule; text that differs is noted, never trusted."""

from __future__ import annotations

import html

from tasks.core.corpus import Corpus, CorpusFile


def collapsed(text: str) -> str:
    """The text with each run of white space as one blank, in lower case."""
    return " ".join(text.split()).casefold()


def agrees(stated: str, covered: str) -> bool:
    """Whether two texts are the same but for case, white space and character references such as `&apos;`."""
    said = collapsed(stated)
    return said == collapsed(covered) or collapsed(html.unescape(said)) == collapsed(html.unescape(covered))


def note_difference(corpus: Corpus, file: CorpusFile, line: int, sides: tuple[str, str]) -> None:
    """Count a mention whose stated text (first side) differs from what its offsets cover (second side)."""
    if not agrees(*sides):
        corpus.note(file, line, "text differs from its offsets", "kept; the offsets rule")

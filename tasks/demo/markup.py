"""Marked text: how composed notes carry their mentions until the text is final and offsets can be counted."""

from __future__ import annotations

import random
import re

from tasks.core.examples import Document, Span

# Control characters, so that no mark can be mistaken for a note's own text.
OPEN, SEPARATOR, CLOSE = "\x02", "\x1f", "\x03"

MARK = re.compile(f"({OPEN}[^{SEPARATOR}]*{SEPARATOR}|{CLOSE})")
OPENING = f"{OPEN}[^{SEPARATOR}]*{SEPARATOR}"
ARTICLE = re.compile(rf"\b([Aa])\(n\)( ?(?:{OPENING})*)(?=(.))")


def document(name: str, marked: str) -> Document:
    """The note that a marked text stands for."""
    parts: list[str] = []
    gold: set[Span] = set()
    begun: list[tuple[int, str]] = []
    length = 0
    for part in MARK.split(marked):
        if part.startswith(OPEN):
            begun.append((length, part[1:-1]))
        elif part == CLOSE:
            start, label = begun.pop()
            gold.add(Span(((start, length),), label))
        else:
            parts.append(part)
            length += len(part)
    return Document(name, "".join(parts), frozenset(gold))


def with_articles(marked: str) -> str:
    """Each `a(n)` as the following sound wants it."""

    def article(found: re.Match[str]) -> str:
        vowel = found[3].lower() in "aeio" or found[3] in "8"
        return f"{found[1]}{'n' if vowel else ''}{found[2]}"

    return ARTICLE.sub(article, marked)


def tokenised(marked: str) -> str:
    """Punctuation split off by spaces, as in the i2b2 corpora of 2010 and 2012; mentions begin and end at tokens."""
    text = re.sub(r"(?<!\d)([,;:?()])|([,;:?()])(?!\d)", r" \1\2 ", marked)
    text = re.sub(r"(?<=\w)('s)\b", r" \1", text)
    text = re.sub(rf"\.(?=[{CLOSE} ]*(?:\n|$))", " .", text)
    text = re.sub(rf" +({CLOSE}+)", r"\1 ", text)
    text = re.sub(rf"({OPENING}) +", r" \1", text)
    return re.sub(r" *\n *", "\n", re.sub(r" {2,}", " ", text)).strip(" ")


def wrapped(note: Document, width: int) -> Document:
    """The note with lines longer than the width broken at a space, inside a mention as well as between mentions."""
    lines = []
    for line in note.text.split("\n"):
        while len(line) > width and (at := line.rfind(" ", 1, width)) > 0:
            lines.append(line[:at])
            line = line[at + 1 :]
        lines.append(line)
    return Document(note.id, "\n".join(lines), note.gold)


def sometimes_wrapped(rng: random.Random, note: Document, rate: float) -> Document:
    """The note, broken into short lines at the given rate."""
    return wrapped(note, rng.randint(68, 84)) if rng.random() < rate else note


def fragmented(note: Document) -> Document:
    """The note with each mention cut into fragments where a line breaks, as brat's own files have it."""
    gold = set()
    for span in note.gold:
        pieces = re.finditer(r"[^\n]+", note.text[span.start : span.end])
        gold.add(Span(tuple((span.start + piece.start(), span.start + piece.end()) for piece in pieces), span.label))
    return Document(note.id, note.text, frozenset(gold))

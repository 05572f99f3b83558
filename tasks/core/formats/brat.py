"""brat standoff: a text (`.txt`) and the lines that annotate it (`.ann`). Source: https://brat.nlplab.org/standoff.html

A mention is `T1<TAB>LABEL start end;start end<TAB>text`, characters from 0, end exclusive. Relations (R), events (E),
attributes (A, M), notes (#), normalisations (N) and equivalences (*) are checked for their form and left aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from tasks.core.examples import Document, Span
from tasks.core.files.corpus import FOREIGN, Corpus, Rank
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats.output import write_lines, write_text
from tasks.core.formats.standoff import TextAndAnnotations, paired
from tasks.core.formats.stated_text import Fragments, Mention, agrees, annotated, as_annotated, covered

_LINE_END = re.compile(r"\r\n?|\n")
# Line breaks of every kind, and tabs: brat writes a blank for each, and official programs cut a line at them.
_CUTS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_BEGINS = re.compile(r"(?:[TREAMN][0-9]+|#[0-9]*|\*)\t")
_MENTION = re.compile(r"(T[0-9]+)\t(\S+) ([0-9]{1,19} [0-9]{1,19}(?:;[0-9]{1,19} [0-9]{1,19})*)\t(.*)", re.DOTALL)
_LABEL = re.compile(rb"^T[0-9]+\t(\S+) [0-9]", re.MULTILINE)
_OTHERS = {
    "R": re.compile(r"\S+\t\S+ [^\s:]+:\S+ [^\s:]+:\S+\s*"),
    "E": re.compile(r"\S+\t[^\s:]+:\S+(?: [^\s:]+:\S+)*\s*"),
    "A": re.compile(r"\S+\t\S+ \S+(?: (.*))?"),
    "M": re.compile(r"\S+\t\S+ \S+(?: (.*))?"),
    "N": re.compile(r"\S+\t\S+ \S+ \S+(?:\t(.*))?"),
    "#": re.compile(r"\S+\t\S+ \S+(?:\t(.*))?"),
    "*": re.compile(r"\S+\t\S+(?: \S+){2,}\s*"),
}

_MORE = "more follows the annotation on its line; is the end of a line lost?"
LINES_OF_MENTION = 100


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a corpus keeps its documents: patterns of their paths without suffix, and the download they come with.

    What the groups of a pattern capture, joined by `/`, is a document's id, and the documents are sorted by it: so a
    group goes around each part of the path that tells two documents apart. Other corpora may have such paths, too: a
    folder that has not `named` in its path is read only where it lies beside what the patterns `beside` are found in,
    or else has the task's labels alone. Without `named` every folder will do.
    """

    pattern: str | tuple[str, ...]
    official: str
    url: str
    named: str = ""
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A mention as its line states it; fragments in the order of the file."""

    number: int
    id: str
    label: str
    fragments: Fragments
    stated: str


def read_documents(layout: Layout, labels: tuple[str, ...], corpus: Corpus) -> Iterator[Document]:
    """Every document of a layout, by id; InputError where a line is malformed or points outside its text."""
    patterns = [layout.pattern] if isinstance(layout.pattern, str) else layout.pattern
    files = [rf"(?:{pattern})\.(ann|txt)$" for pattern in patterns]
    found = corpus.require(files, layout.official, layout.url, _rank(layout, labels, corpus))
    corpus.warn_unexpected(found, "|".join(files))
    texts, annotations = ([replace(f, key=f.key[:-1]) for f in found if f.key[-1] == kind] for kind in ("txt", "ann"))
    for both in paired(texts, annotations):
        yield _document(both, labels, corpus)


def _rank(layout: Layout, labels: tuple[str, ...], corpus: Corpus) -> Rank:
    """Texts alone are no corpus, whatever their folder is called."""

    def has_labels(files: Sequence[CorpusFile]) -> bool:
        annotations = (file.read() for file in files if file.key[-1] == "ann")
        return all(label.decode(errors="replace") in labels for data in annotations for label in _LABEL.findall(data))

    rank = corpus.prefer(layout.named, layout.beside, has_labels)
    return lambda folder, files: rank(folder, files) if any(file.key[-1] == "ann" for file in files) else FOREIGN


def _document(files: TextAndAnnotations, labels: tuple[str, ...], corpus: Corpus) -> Document:
    text = files.text.text()
    lines = list(_mentions(files.annotations, text))
    texts = (text, re.sub(r"\r+\n", "\n", text))  # some unpackers change line ends
    text, offsets = as_annotated(texts, [(one.stated, one.fragments) for one in lines], files.text, corpus)
    lines = [replace(one, fragments=own) for one, own in zip(lines, offsets, strict=True)]
    return annotated(
        files.id, text, _checked(lines, text, labels, files.annotations, corpus), files.annotations, corpus
    )


def _checked(
    lines: Iterable[_Line], text: str, labels: tuple[str, ...], file: CorpusFile, corpus: Corpus
) -> Iterator[Mention]:
    ids: set[str] = set()
    for line in lines:
        own = covered(text, line.fragments)
        if "\t" in line.stated and not agrees(line.stated, own):
            raise file.wrong(line.number, _MORE)
        if fault := _fault(line, text, labels):
            raise file.wrong(line.number, fault)
        if line.id in ids:
            corpus.warn(file, line.number, "doubled id", "both kept")
        ids.add(line.id)
        ordered = tuple(sorted(line.fragments))
        if line.fragments != ordered:
            corpus.warn(file, line.number, "fragments out of order", "put in order")
        yield line.number, Span(ordered, line.label), line.stated, own


def _fault(line: _Line, text: str, labels: tuple[str, ...]) -> str:
    if line.label not in labels:
        return f"a label that the task does not have; it has {', '.join(labels)}"
    for start, end in line.fragments:
        if start >= end:
            return f"characters {start} to {end} hold nothing; a mention covers one at least"
        if end > len(text):
            return f"characters {start} to {end} lie outside the text of {len(text)}"
    if any(after[0] < before[1] for before, after in pairwise(sorted(line.fragments))):
        return "fragments of one mention that overlap"
    return ""


def write_document(path: Path, document: Document) -> None:
    """Write `<path>.txt` and `<path>.ann`."""
    write_text(path.with_name(path.name + ".txt"), document.text)
    spans = sorted(document.gold)
    write_lines(path.with_name(path.name + ".ann"), (_line(n, span, document.text) for n, span in enumerate(spans, 1)))


def _line(number: int, span: Span, text: str) -> str:
    offsets = ";".join(f"{start} {end}" for start, end in span.fragments)
    return f"T{number}\t{span.label} {offsets}\t{_CUTS.sub(' ', covered(text, span.fragments))}"


def _records(file: CorpusFile, text: str) -> Iterator[tuple[int, str]]:
    """Annotation lines; a mention whose characters hold a line break may go on in the line after."""
    pending, first = "", 0
    for number, line in enumerate(_LINE_END.split(file.text().removeprefix("\ufeff")), 1):
        if _BEGINS.match(line) is None and _goes_on(pending, text):
            pending += "\n" + line
        else:
            if pending.strip():
                yield first, pending
            pending, first = line, number
    if pending.strip():
        yield first, pending


def _goes_on(record: str, text: str) -> bool:
    """Whether a mention's characters hold more line breaks than its text so far."""
    match = _MENTION.fullmatch(record)
    if match is None or match[4].count("\n") > LINES_OF_MENTION:
        return False
    fragments = _fragments(match[3])
    around = text[min(start for start, _ in fragments) : max(end for _, end in fragments)]
    return len(_LINE_END.findall(around)) > match[4].count("\n") and not agrees(match[4], covered(text, fragments))


def _fragments(offsets: str) -> Fragments:
    numbers = [tuple(map(int, pair.split(" "))) for pair in offsets.split(";")]
    return tuple((start, end) for start, end in numbers)


def _mentions(file: CorpusFile, text: str) -> Iterator[_Line]:
    for line, record in _records(file, text):
        form = _OTHERS.get(record[0], _MENTION)
        match = form.fullmatch(record)
        if match is None or not _BEGINS.match(record):
            raise file.wrong(line, "this is no brat annotation; is the file cut short, or are its tabs lost?")
        if form is _MENTION:
            yield _Line(line, match[1], match[2], _fragments(match[3]), match[4])
        elif any(_BEGINS.search(free or "") for free in match.groups()):
            raise file.wrong(line, _MORE)

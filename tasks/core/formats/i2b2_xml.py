"""i2b2 XML of 2012 and 2014: a text in CDATA and tags that point into it, `start` from 0, `end` exclusive.

The root's name does not matter, so that corpora of the same kind (MEDDOCAN's) are read too. Offsets count the text as
XML gives it: a leading line feed counts, CRLF is one character, `&apos;` in CDATA is six. A document whose stated texts
fit better where CRLF is two, as its annotators saw it, is read so.
Source: i2b2 2012 and 2014 annotation releases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.files.corpus import Corpus
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats import safe_xml
from tasks.core.formats.output import write_text
from tasks.core.formats.stated_text import Mention, annotated, as_annotated

_BARE_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)")
_NUMBER = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Tag:
    """An element below TAGS."""

    element: str
    attributes: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a corpus makes of this format: its root, a tag's label ("" is none, None no mention at all), and back."""

    root: str
    label: Callable[[Tag], str | None]
    tag: Callable[[str], tuple[str, str]]  # label -> element, further attributes
    first_id_counts: bool


def phi_scheme(root: str, categories: Mapping[str, tuple[str, ...]]) -> Scheme:
    """The scheme of 2014 and of MEDDOCAN: an element is a category, by which its labels are given, and TYPE a label."""
    elements = {label: category for category, labels in categories.items() for label in labels}

    def tag(label: str) -> tuple[str, str]:
        return elements[label], f'TYPE={quoteattr(label)} comment=""'

    return Scheme(root, lambda tag: tag.attributes.get("TYPE", ""), tag, first_id_counts=False)


def read_document(file: CorpusFile, scheme: Scheme, labels: tuple[str, ...], corpus: Corpus) -> Document:
    """A document with its mentions; InputError where the file is not of this format or points outside its text."""
    text, tags = _parsed(file, corpus)
    tags = list(_mentions(tags, scheme, file, corpus))
    stated = [(tag.attributes.get("text", ""), (_offsets(tag, file),)) for tag in tags]
    text, offsets = as_annotated((text,), stated, file, corpus)
    mentions = [(tag, Span(own, scheme.label(tag) or "")) for tag, own in zip(tags, offsets, strict=True)]
    name = file.name.removesuffix(".xml")
    return annotated(name, text, _checked(mentions, text, labels, file, corpus), file, corpus)


def _checked(
    mentions: Iterable[tuple[Tag, Span]], text: str, labels: tuple[str, ...], file: CorpusFile, corpus: Corpus
) -> Iterator[Mention]:
    for tag, span in mentions:
        if span.label not in labels:
            raise file.wrong(tag.line, f"a label that the task does not have; it has {', '.join(labels)}")
        if span.start > span.end or span.end > len(text):
            where = f"characters {span.start} to {span.end} lie outside the text of {len(text)}"
            raise file.wrong(tag.line, where)
        if span.start == span.end:
            corpus.warn(file, tag.line, "tag without characters", "skipped")
        else:
            yield tag.line, span, tag.attributes.get("text", ""), text[span.start : span.end]


def write_document(path: Path, scheme: Scheme, document: Document) -> None:
    """Write a document; InputError where a mention has several fragments or XML cannot hold the text."""
    tags = [_element(n, span, scheme, document) for n, span in enumerate(sorted(document.gold))]
    lines = [
        '<?xml version="1.0" encoding="UTF-8" ?>',
        f"<{scheme.root}>",
        f"<TEXT>{safe_xml.cdata(document.text, f'document {document.id}')}</TEXT>",
        "<TAGS>",
        *tags,
        "</TAGS>",
        f"</{scheme.root}>",
    ]
    write_text(path, "\n".join(lines) + "\n")


def one_fragment(document: Document) -> tuple[Document, int]:
    """A document whose mentions go from first start to last end, as this format has them; how many were changed."""
    spans = frozenset(Span(((span.start, span.end),), span.label) for span in document.gold)
    return replace(document, gold=spans), len(document.gold - spans)


def _element(number: int, span: Span, scheme: Scheme, document: Document) -> str:
    if len(span.fragments) != 1:
        raise InputError(f"document {document.id}: a mention in several fragments cannot be written in this format")
    covered = re.sub(r"\s", " ", document.text[span.start : span.end])
    element, further = scheme.tag(span.label)
    letter = "E" if element == "EVENT" else "P"
    return (
        # Double quotes even around one: the evaluation scripts of 2012 read no others.
        f'<{element} id="{letter}{number}" start="{span.start}" end="{span.end}" '
        f"text={quoteattr(covered, {chr(34): '&quot;'})} {further} />"
    )


def _parsed(file: CorpusFile, corpus: Corpus) -> tuple[str, list[Tag]]:
    """The text of TEXT and the elements below TAGS."""
    path: list[str] = []
    text: list[str] = []
    tags: list[Tag] = []
    sections: set[str] = set()
    for line, kind, value, attributes in safe_xml.events(file, _mended(file, corpus)):
        if kind == safe_xml.END:
            path.pop()
        elif kind == safe_xml.TEXT:
            if path[1:] == ["TEXT"]:
                text.append(value)
        else:
            if path[1:2] == ["TEXT"]:
                raise file.wrong(line, "an element in the text; offsets would not fit")
            if path[1:2] == ["TAGS"]:
                tags.append(Tag(value, attributes, line))
            path.append(value)
            sections.update(path[1:2])
    for name in ("TEXT", "TAGS"):
        if name not in sections:
            raise InputError(f"{file.path}: it has no {name}; get the annotated release")
    return "".join(text), tags


def _mended(file: CorpusFile, corpus: Corpus) -> Iterator[bytes]:
    """The file's bytes, a bare `&` among the tags escaped; never in the text, whose offsets that would shift."""
    data = file.read()
    cut = data.rfind(b"</TEXT>") + 1
    head, tail = (data[:cut], data[cut:]) if cut else (data, b"")
    for match in _BARE_AMPERSAND.finditer(tail):
        line = head.count(b"\n") + tail.count(b"\n", 0, match.start()) + 1
        corpus.warn(file, line, "bare & among the tags", "read as &amp;")
    yield head
    yield _BARE_AMPERSAND.sub(b"&amp;", tail)


def _mentions(tags: Iterable[Tag], scheme: Scheme, file: CorpusFile, corpus: Corpus) -> Iterator[Tag]:
    """The tags that are mentions: one without a label is none, and of two with one id, where ids count, the second."""
    ids: set[str] = set()
    for tag in tags:
        label, name = scheme.label(tag), tag.attributes.get("id", "").strip()
        if label is None:
            continue
        if not label:
            corpus.warn(file, tag.line, "empty type", "skipped")
            continue
        if not name and scheme.first_id_counts:
            corpus.warn(file, tag.line, "no id", "kept, as a mention of its own")
        elif name and name in ids:
            what = "skipped, the first counts" if scheme.first_id_counts else "both kept"
            corpus.warn(file, tag.line, "doubled id", what)
            if scheme.first_id_counts:
                continue
        ids.add(name)
        yield tag


def _offsets(tag: Tag, file: CorpusFile) -> tuple[int, int]:
    stated = [tag.attributes.get(name, "") for name in ("start", "end")]
    if not all(_NUMBER.fullmatch(number) for number in stated):
        raise file.wrong(tag.line, "its start or end is missing or no number")
    return int(stated[0]), int(stated[1])

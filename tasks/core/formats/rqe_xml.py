"""RQE XML: `<pair pid value type><chq/><faq/></pair>` below any root. Source: the RQE release of AMIA 2016."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tasks.core.errors import InputError
from tasks.core.examples import Pair
from tasks.core.files.corpus import Corpus
from tasks.core.files.corpus_file import CorpusFile
from tasks.core.formats import safe_xml
from tasks.core.formats.identity import Ids
from tasks.core.formats.output import write_lines
from tasks.core.formats.safe_xml import END, START, TEXT

QUESTIONS = ("chq", "faq")
PENDING_CHARACTERS = 16 << 20


def read_pairs(file: CorpusFile, labels: tuple[str, ...], corpus: Corpus) -> Iterator[Pair[str]]:
    """The pairs in the order of the file, white space around the questions left out."""
    ids = Ids(file, corpus)
    pair: Mapping[str, str] = {}
    texts: dict[str, list[str]] = {}
    question, length = "", 0
    for line, kind, value, attributes in safe_xml.events(file, file.chunks()):
        if kind == START and value == "pair":
            pair, texts, question, length = attributes, {}, "", 0
        elif kind == START and value in QUESTIONS:
            question = value
            texts.setdefault(question, [])
        elif kind == TEXT and question:
            texts[question].append(value)
            length += len(value)
            if length > PENDING_CHARACTERS:
                raise file.wrong(line, "a question of more than 16 million characters")
        elif kind == END and value == question:
            question = ""
        elif kind == END and value == "pair":
            if fault := _fault(pair, texts, labels):
                raise file.wrong(line, fault)
            first, second = ("".join(texts[name]).strip() for name in QUESTIONS)
            if not (first and second):
                corpus.warn(file, line, "empty question", "kept")
            yield Pair(ids.own(pair["pid"], line), first, second, pair["value"])


def _fault(pair: Mapping[str, str], texts: Mapping[str, list[str]], labels: tuple[str, ...]) -> str:
    if not pair.get("pid"):
        return "a pair without pid"
    if pair.get("value", "") not in labels:
        return f"a pair whose value is not one of {', '.join(labels)}"
    return "" if len(texts) == 2 else "a pair without chq or faq"


def write_pairs(path: Path, root: str, pairs: Iterable[Pair[str]]) -> None:
    """Write pairs below a root; InputError where XML cannot hold a question."""
    write_lines(path, _lines(root, pairs))


def _lines(root: str, pairs: Iterable[Pair[str]]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<{root}>"
    for pair in pairs:
        if safe_xml.FORBIDDEN.search(pair.first + pair.second):
            raise InputError(f"pair {pair.id}: it holds a control character, which XML cannot")
        yield f'<pair pid={quoteattr(pair.id)} type="part1" value={quoteattr(pair.gold)}>'
        yield f"<chq>{escape(pair.first, safe_xml.CARRIAGE_RETURN)}</chq>"
        yield f"<faq>{escape(pair.second, safe_xml.CARRIAGE_RETURN)}</faq>"
        yield "</pair>"
    yield f"</{root}>"

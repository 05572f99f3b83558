"""RQE XML: `<pair pid value type><chq/><faq/></pair>` below any root. Source: the RQE release of AMIA 2016."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from tasks.core.errors import InputError
from tasks.core.examples import Pair
from tasks.core.files.corpus import Corpus, CorpusFile
from tasks.core.formats import safe_xml
from tasks.core.formats.identity import Ids
from tasks.core.formats.output import write_lines


class _Reader(safe_xml.Handler):
    """Collects the pairs read since the last look."""

    def __init__(self, file: CorpusFile, corpus: Corpus, labels: tuple[str, ...]) -> None:
        self._file, self._corpus, self._labels = file, corpus, labels
        self._ids = Ids(file, corpus)
        self._pair: dict[str, str] = {}
        self._texts: dict[str, list[str]] = {}
        self._part = ""
        self._length = 0
        self.pairs: list[Pair[str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "pair":
            self._pair, self._texts, self._length = attributes, {}, 0
        elif name in ("chq", "faq"):
            self._part = name
            self._texts.setdefault(name, [])

    def characters(self, text: str) -> None:
        if self._part:
            self._length += len(text)
            self._texts[self._part].append(text)
            if self._length > safe_xml.PENDING_CHARACTERS:
                raise self._wrong("a question of more than 16 million characters")

    def end(self, name: str) -> None:
        if name == "pair":
            self.pairs.append(self._finished())
        elif name == self._part:
            self._part = ""

    def _finished(self) -> Pair[str]:
        pid, value = self._pair.get("pid", ""), self._pair.get("value", "")
        if not pid:
            raise self._wrong("a pair without pid")
        if value not in self._labels:
            raise self._wrong(f"a pair whose value is not one of {', '.join(self._labels)}")
        if len(self._texts) != 2:
            raise self._wrong("a pair without chq or faq")
        first, second = ("".join(self._texts[part]).strip() for part in ("chq", "faq"))
        if not (first and second):
            self._corpus.warn(self._file, self.line(), "empty question", "kept")
        return Pair(self._ids.own(pid, self.line()), first, second, value)

    def _wrong(self, what: str) -> InputError:
        return self._file.wrong(self.line(), what)


def read_pairs(file: CorpusFile, labels: tuple[str, ...], corpus: Corpus) -> Iterator[Pair[str]]:
    """The pairs in the order of the file, white space around the questions left out."""
    reader = _Reader(file, corpus, labels)
    for _ in safe_xml.parse(file, file.chunks(), reader):
        yield from reader.pairs
        reader.pairs.clear()


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

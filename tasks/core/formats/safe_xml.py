"""XML without entities, external references or surprises; and what written XML must be made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import NamedTuple
from xml.parsers import expat

from tasks.core.errors import InputError
from tasks.core.files.corpus_file import CorpusFile

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CARRIAGE_RETURN = {"\r": "&#13;"}  # as it is, it would come back as \n
DEPTH = 100
PART_BYTES = 1 << 16

START, END, TEXT = "start", "end", "text"


class Event(NamedTuple):
    """An element starts or ends, or there is character data, perhaps a part of it: `value` is its name or text."""

    line: int
    kind: str
    value: str
    attributes: Mapping[str, str] = {}


def events(file: CorpusFile, chunks: Iterator[bytes]) -> Iterator[Event]:
    """The events of the chunks of a file, in order; InputError at the first place where it is not well-formed XML."""
    parser = expat.ParserCreate()
    found: list[Event] = []

    def add(kind: str, value: str, attributes: Mapping[str, str] = {}) -> None:
        found.append(Event(parser.CurrentLineNumber, kind, value, attributes))

    def refuse(*_: object) -> int:
        raise InputError(f"{file.path}: it declares or uses XML entities, which are refused; get the official file")

    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: add(START, name, attributes)
    parser.EndElementHandler = lambda name: add(END, name)
    parser.CharacterDataHandler = lambda text: add(TEXT, text)
    parser.EntityDeclHandler = parser.SkippedEntityHandler = parser.ExternalEntityRefHandler = refuse
    depth = 0
    # In small parts, so that neither events nor open elements can fill memory before they are looked at.
    parts = (chunk[at : at + PART_BYTES] for chunk in chunks for at in range(0, len(chunk), PART_BYTES))
    for part in chain(parts, [b""]):
        error = _parse_error(parser, file, part)
        for event in found:
            depth += (event.kind == START) - (event.kind == END)
            if depth > DEPTH:
                raise file.wrong(event.line, f"elements nested more than {DEPTH} deep; get the official file")
            yield event
        found.clear()
        if error:
            raise error


def _parse_error(parser: expat.XMLParserType, file: CorpusFile, part: bytes) -> InputError | None:
    """What is wrong with the next part of a file, the empty one at its end; the events before it are good."""
    try:
        parser.Parse(part, not part)
    except InputError as error:
        return error
    except expat.ExpatError as error:
        what = f"not well-formed XML ({expat.ErrorString(error.code)}); is it cut short, or not UTF-8?"
        return file.wrong(error.lineno, what)
    except (LookupError, ValueError):
        return InputError(f"{file.path}: it names an encoding that cannot be read; convert it to UTF-8")
    return None


def cdata(text: str, where: str) -> str:
    """The text as a CDATA section; InputError where XML cannot hold it."""
    if FORBIDDEN.search(text):
        raise InputError(f"{where}: its text holds a control character, which XML cannot")
    # A section can hold neither its own end nor a reference: it ends before them and goes on in another.
    parts = text.replace("]]>", "]]]]><![CDATA[>").replace("\r", "]]>&#13;<![CDATA[")
    return f"<![CDATA[{parts}]]>"

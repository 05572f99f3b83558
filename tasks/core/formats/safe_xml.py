"""XML without entities, external references or surprises; and what written XML must be made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from xml.parsers import expat

from tasks.core.errors import InputError
from tasks.core.files.corpus import CorpusFile

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CARRIAGE_RETURN = {"\r": "&#13;"}  # as it is, it would come back as \n
PENDING_CHARACTERS = 16 << 20
DEPTH = 100


class Handler:
    """What happens at each part of an XML file. `line` is where the parser stands."""

    line: Callable[[], int]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def characters(self, text: str) -> None:
        """Character data, perhaps a part."""


def parse(file: CorpusFile, chunks: Iterator[bytes], handler: Handler) -> Iterator[None]:
    """Feed the chunks of a file to a handler, pausing after each; InputError where it is not well-formed XML."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = _counted(file, handler)
    parser.CharacterDataHandler = handler.characters
    parser.EntityDeclHandler = parser.SkippedEntityHandler = parser.ExternalEntityRefHandler = _refuse(file)
    handler.line = lambda: parser.CurrentLineNumber
    for chunk in chunks:
        _feed(parser, file, chunk, False)
        yield
    _feed(parser, file, b"", True)
    yield


def _counted(file: CorpusFile, handler: Handler) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]]:
    """The handler's start and end, which refuse elements nested without end."""
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH:
            raise file.wrong(handler.line(), f"elements nested more than {DEPTH} deep; get the official file")
        handler.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(name)

    return start, end


def _refuse(file: CorpusFile) -> Callable[..., int]:
    def refuse(*_: object) -> int:
        raise InputError(f"{file.path}: it declares or uses XML entities, which are refused; get the official file")

    return refuse


def _feed(parser: expat.XMLParserType, file: CorpusFile, chunk: bytes, last: bool) -> None:
    try:
        parser.Parse(chunk, last)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise file.wrong(error.lineno, f"not well-formed XML ({what}); is it cut short, or not UTF-8?") from None
    except (LookupError, ValueError):
        raise InputError(f"{file.path}: it names an encoding that cannot be read; convert it to UTF-8") from None


def cdata(text: str, place: str) -> str:
    """The text as a CDATA section; InputError where XML cannot hold it."""
    if FORBIDDEN.search(text):
        raise InputError(f"{place}: its text holds a control character, which XML cannot")
    # A section can hold neither its own end nor a reference: it ends before them and goes on in another.
    parts = text.replace("]]>", "]]]]><![CDATA[>").replace("\r", "]]>&#13;<![CDATA[")
    return f"<![CDATA[{parts}]]>"

"""Notes composed from templates: a grammar in TOML files, and exact offsets for what the templates label.

A template is text with these marks, nested at will:
    [LABEL:text]       a mention
    <one|other|>       one of several wordings
    {name}             an entry of the list `name`, itself a template; {^name} with a capital
    {name!} {name!2}   kept for the rest of the note, as the second of its kind and so on
    {name*2..4:, }     two to four different entries, joined by what follows the colon
    {3..9} {0.5..1.9}  a number
    {&name}            no text: a row of the record `name`, whose fields are kept for {field}
The last third of an open list is never shown in training: those are the words a test meets for the first time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from tasks.demo.markup import CLOSE, OPEN, SEPARATOR
from tasks.demo.pairing import UNSEEN_SHARE, allowed, capital, lexicon, slipped

# Long words misspelt, of all long words.
SLIP_RATE = 0.012

TOKEN = re.compile(r"\{[^{}]*\}|\[[A-Za-z][\w-]*:|[<|>\]]|[^{<|>\[\]]+|\[")
SLOT = re.compile(r"\{(\^?)(\w+)(!\d*)?(?:\*(\d+)\.\.(\d+):(.*))?\}", re.DOTALL)
NUMBER = re.compile(r"\{(\d+(?:\.(\d+))?)\.\.(\d+(?:\.\d+)?)\}")
FIRST_LETTER = re.compile(f"^((?:{OPEN}[^{SEPARATOR}]*{SEPARATOR})*)(.*)", re.DOTALL)


class Choice(NamedTuple):
    """One of several wordings."""

    options: tuple[tuple[Node, ...], ...]


class Mention(NamedTuple):
    """What is to be found in a note."""

    label: str
    body: tuple[Node, ...]


Node = str | Choice | Mention  # a string is text, or a slot in braces


def _sequence(tokens: Iterator[str], ends: str) -> tuple[tuple[Node, ...], str]:
    """The nodes up to one of the ends, and that end ("" where the template ends first)."""
    nodes: list[Node] = []
    for token in tokens:
        if token in ends:
            return tuple(nodes), token
        if token == "<":
            nodes.append(_choice(tokens))
        elif token.startswith("[") and token.endswith(":"):
            nodes.append(Mention(token[1:-1], _sequence(tokens, "]")[0]))
        else:
            nodes.append(token)
    return tuple(nodes), ""


def _choice(tokens: Iterator[str]) -> Choice:
    options = []
    end = "|"
    while end == "|":
        option, end = _sequence(tokens, "|>")
        options.append(option)
    return Choice(tuple(options))


@cache
def parsed(template: str) -> tuple[Node, ...]:
    """A template as a tree."""
    return _sequence((found.group() for found in TOKEN.finditer(template)), "")[0]


class Record(NamedTuple):
    """Rows of words that go together, such as a drug with its usual dose."""

    fields: Sequence[str]
    rows: Sequence[str]
    open: bool


class Grammar(NamedTuple):
    """Lists of templates: `open` ones keep their last third from training, `closed` ones are known throughout."""

    open: Mapping[str, Sequence[str]]
    closed: Mapping[str, Sequence[str]]
    records: Mapping[str, Record]


@cache
def grammar(*names: str) -> Grammar:
    """The grammar of the TOML files of these names beside this module; a later list replaces an earlier one."""
    found: dict[str, dict[str, Any]] = {"open": {}, "closed": {}, "records": {}}
    for name in names:
        for kind, lists in lexicon(name).items():
            found[kind].update(lists)
    records = {title: Record(**table) for title, table in found["records"].items()}
    return Grammar(found["open"], found["closed"], records)


@dataclass
class Composer:
    """Composes one note; it repeats an entry only when a list is used up, and remembers what is kept."""

    grammar: Grammar
    rng: random.Random
    split: str
    kept: dict[str, str] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    unseen_share: float = UNSEEN_SHARE

    def compose(self, template: str) -> str:
        """The template in words, with mentions marked as tasks.demo.markup reads them."""
        return self._composed(parsed(template))

    def _composed(self, nodes: Sequence[Node]) -> str:
        return "".join(self._node(node) for node in nodes)

    def _node(self, node: Node) -> str:
        match node:
            case Choice(options):
                return self._composed(self.rng.choice(options))
            case Mention(label, body):
                return f"{OPEN}{label}{SEPARATOR}{self._composed(body)}{CLOSE}"
        return self._braced(node) if node.startswith("{") else slipped(self.rng, node, SLIP_RATE)

    def _braced(self, token: str) -> str:
        if token.startswith("{&"):
            return self._row(token[2:-1])
        if number := NUMBER.fullmatch(token):
            low, decimals, high = number.groups("")
            return f"{self.rng.uniform(float(low), float(high)):.{len(decimals)}f}"
        if (slot := SLOT.fullmatch(token)) is None:
            raise ValueError(f"a template of the demo corpora holds {token!r}, which is no slot")
        return self._slot(slot)

    def _slot(self, slot: re.Match[str]) -> str:
        caret, name, mark, least, most, joint = slot.groups("")
        key = name + mark[1:]  # `{name!2}` is kept as name2
        text = self.kept.get(key)
        if text is None:
            text = joint.join(self._entry(name) for _ in range(self.rng.randint(int(least or 1), int(most or 1))))
        if mark:
            self.kept[key] = text
        if caret:
            marks, rest = FIRST_LETTER.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches any text
            return marks + capital(rest)
        return text

    def _row(self, name: str) -> str:
        record = self.grammar.records[name]
        row = self._drawn(name, record.rows, record.open)
        for title, text in zip(record.fields, row.split(";"), strict=True):
            self.kept[title] = self.compose(text.strip())
        return ""

    def _entry(self, name: str) -> str:
        closed = self.grammar.closed.get(name)
        return self.compose(self._drawn(name, self.grammar.open[name] if closed is None else closed, closed is None))

    def _drawn(self, name: str, entries: Sequence[str], is_open: bool) -> str:
        if is_open:
            entries = allowed(self.rng, entries, self.split, self.unseen_share)
        fresh = [entry for entry in entries if (name, entry) not in self.used] or entries
        entry = self.rng.choice(fresh)
        self.used.add((name, entry))
        return entry

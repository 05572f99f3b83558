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
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from tasks.demo.markup import CLOSE, OPEN, SEPARATOR
from tasks.demo.pairing import UNSEEN_SHARE, capital, held_out, slipped

# Long words misspelt, of all long words.
SLIP_RATE = 0.012

TOKEN = re.compile(r"\{[^{}]*\}|\[[A-Za-z][\w-]*:|[<|>\]]|[^{<|>\[\]]+|\[")
SLOT = re.compile(r"\{(\^?)(\w+)(!\d*)?(?:\*(\d+)\.\.(\d+):(.*))?\}", re.DOTALL)
NUMBER = re.compile(r"\{(\d+(?:\.(\d+))?)\.\.(\d+(?:\.\d+)?)\}")
FIRST_LETTER = re.compile(f"^((?:{OPEN}[^{SEPARATOR}]*{SEPARATOR})*)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Choice:
    """One of several wordings."""

    options: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Mention:
    """What is to be found in a note."""

    label: str
    body: tuple[Node, ...]


@dataclass(frozen=True)
class Number:
    """A number between two ends, both included, with so many decimals."""

    low: float
    high: float
    decimals: int


@dataclass(frozen=True)
class Slot:
    """Entries of a list; under a key they are kept for the rest of the note."""

    name: str
    key: str
    capital: bool
    times: tuple[int, int]
    joint: str


@dataclass(frozen=True)
class Row:
    """The draw of a record's row."""

    name: str


Node = str | Choice | Mention | Number | Slot | Row


def _braced(token: str) -> Node:
    if token.startswith("{&"):
        return Row(token[2:-1])
    if number := NUMBER.fullmatch(token):
        return Number(float(number[1]), float(number[3]), len(number[2] or ""))
    slot = SLOT.fullmatch(token)
    if slot is None:
        raise ValueError(f"a template of the demo corpora holds {token!r}, which is no slot")
    times = (int(slot[4] or 1), int(slot[5] or 1))
    return Slot(slot[2], slot[2] + slot[3][1:] if slot[3] else "", bool(slot[1]), times, slot[6] or "")


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
            nodes.append(_braced(token) if token.startswith("{") else token)
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


@dataclass(frozen=True)
class Record:
    """Rows of words that go together, such as a drug with its usual dose."""

    fields: Sequence[str]
    rows: Sequence[str]
    open: bool


@dataclass(frozen=True)
class Grammar:
    """Lists of templates: `open` ones keep their last third from training, `closed` ones are known throughout."""

    open: Mapping[str, Sequence[str]]
    closed: Mapping[str, Sequence[str]]
    records: Mapping[str, Record]


@cache
def grammar(*names: str) -> Grammar:
    """The grammar of the TOML files of these names beside this module; a later list replaces an earlier one."""
    opened: dict[str, Sequence[str]] = {}
    closed: dict[str, Sequence[str]] = {}
    records: dict[str, Record] = {}
    for name in names:
        tables = tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        opened.update(tables.get("open", {}))
        closed.update(tables.get("closed", {}))
        records.update({title: Record(**table) for title, table in tables.get("records", {}).items()})
    return Grammar(opened, closed, records)


@dataclass
class Composer:
    """Composes one note; it repeats an entry only when a list is used up, and remembers what is kept."""

    grammar: Grammar
    stream: random.Random
    split: str
    kept: dict[str, str] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    unseen_share: float = UNSEEN_SHARE

    def compose(self, template: str) -> str:
        """The template in words, with mentions marked as tasks.demo.markup reads them."""
        return self._written(parsed(template))

    def _written(self, nodes: Sequence[Node]) -> str:
        return "".join(self._node(node) for node in nodes)

    def _node(self, node: Node) -> str:
        match node:
            case str():
                return slipped(self.stream, node, SLIP_RATE)
            case Choice(options):
                return self._written(self.stream.choice(options))
            case Mention(label, body):
                return f"{OPEN}{label}{SEPARATOR}{self._written(body)}{CLOSE}"
            case Number(low, high, decimals):
                return f"{self.stream.uniform(low, high):.{decimals}f}"
            case Row(name):
                return self._row(name)
        return self._slot(node)

    def _slot(self, slot: Slot) -> str:
        text = self.kept.get(slot.key or slot.name)
        if text is None:
            entries = [self._entry(slot.name) for _ in range(self.stream.randint(*slot.times))]
            text = slot.joint.join(entries)
        if slot.key:
            self.kept[slot.key] = text
        if slot.capital:
            marks, rest = FIRST_LETTER.fullmatch(text).groups()  # type: ignore[union-attr]  # it matches any text
            return marks + capital(rest)
        return text

    def _entry(self, name: str) -> str:
        known = self.grammar.closed.get(name)
        return self.compose(self._drawn(name, self.grammar.open[name] if known is None else known, known is None))

    def _row(self, name: str) -> str:
        record = self.grammar.records[name]
        row = self._drawn(name, record.rows, record.open)
        for title, text in zip(record.fields, row.split(";"), strict=True):
            self.kept[title] = self.compose(text.strip())
        return ""

    def _drawn(self, name: str, entries: Sequence[str], is_open: bool) -> str:
        if is_open:
            unseen = held_out(entries)
            new = self.split != "train" and self.stream.random() < self.unseen_share
            entries = unseen if new else entries[: len(entries) - len(unseen)]
        fresh = [entry for entry in entries if (name, entry) not in self.used] or entries
        entry = self.stream.choice(fresh)
        self.used.add((name, entry))
        return entry

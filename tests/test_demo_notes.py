"""Laws of the made-up notes: exact offsets, sameness from a seed, new words in the test split."""

from __future__ import annotations

import itertools
import math
import random
import re
from pathlib import Path

import pytest

from tasks.core.examples import Document
from tasks.core.files.corpus import Corpus
from tasks.demo.composer import Composer, Grammar, Record
from tasks.demo.corpora import MAKERS, Maker, write_demo
from tasks.demo.markup import document, fragmented, tokenised, with_articles, wrapped

NOTES = {maker.task.name: maker for maker in MAKERS[:5]}
EACH = pytest.mark.parametrize("maker", NOTES.values(), ids=NOTES)
ENGLISH = pytest.mark.parametrize("maker", MAKERS[:4], ids=list(NOTES)[:4])
IN_TOKENS = pytest.mark.parametrize("maker", MAKERS[:2], ids=("i2b2_2010", "i2b2_2012"))

# Real notes hardly ever have these, so neither have the made-up ones.
RARE = {
    "ROOM", "DEPARTMENT", "IPADDRESS", "SSN", "HEALTHPLAN", "ACCOUNT", "LICENSE", "VEHICLE", "BIOID", "OTHER",
}  # fmt: skip


def drawn(maker: Maker, split: str, seed: int = 0) -> list[Document]:
    return list(maker.examples(split, seed=seed))


def mentions(notes: list[Document]) -> list[tuple[str, str]]:
    """Each mention in lower case, white space collapsed, with its label."""
    spans = ((note, span) for note in notes for span in note.gold)
    texts = ((" ".join(note.text[start:end] for start, end in span.fragments), span.label) for note, span in spans)
    return [(" ".join(text.lower().split()), label) for text, label in texts]


@EACH
def test_every_mention_lies_in_its_text_and_has_no_white_space_at_its_ends(maker: Maker) -> None:
    """Offsets are exact: a mention is neither empty nor padded, and no mark of the templates is left in a text."""
    for note in drawn(maker, "train") + drawn(maker, "test"):
        assert note.gold
        assert not re.search(r"[\x00-\x08\x0b-\x1f{}<>]|\(n\)", note.text)
        for start, end in (fragment for span in note.gold for fragment in span.fragments):
            assert 0 <= start < end <= len(note.text)
            assert note.text[start:end] == note.text[start:end].strip()


@ENGLISH
def test_no_mention_overlaps_another(maker: Maker) -> None:
    """These four corpora have no nested mentions."""
    for note in drawn(maker, "train"):
        spans = sorted((span.start, span.end) for span in note.gold)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@EACH
def test_the_seed_alone_makes_the_notes(maker: Maker) -> None:
    """The same seed gives the same notes, another seed others."""
    assert drawn(maker, "test") == drawn(maker, "test")
    assert drawn(maker, "test") != drawn(maker, "test", seed=1)


@EACH
def test_half_of_test_mentions_is_new(maker: Maker) -> None:
    """At least half of the test mentions do not occur as strings among those of training."""
    known = {text for text, _ in mentions(drawn(maker, "train"))}
    met = [text for text, _ in mentions(drawn(maker, "test"))]
    assert sum(text not in known for text in met) >= len(met) / 2


@EACH
def test_every_label_occurs_in_training_and_in_test(maker: Maker) -> None:
    """No label of a task is absent from either split, but for those that are rare in the real corpus."""
    for split in ("train", "test"):
        assert {label for _, label in mentions(drawn(maker, split))} == set(maker.task.labels) - RARE


@EACH
def test_no_note_is_in_two_places(maker: Maker) -> None:
    """Ids and texts of training and test differ, and so do those within a split."""
    notes = drawn(maker, "train") + drawn(maker, "test")
    assert len({note.id for note in notes}) == len({note.text for note in notes}) == len(notes)


@ENGLISH
def test_words_that_bear_a_label_stand_without_one_elsewhere(maker: Maker) -> None:
    """The words alone do not tell the label: mentions' words also stand unlabelled, or under another label."""
    notes = drawn(maker, "train")
    known = set(mentions(notes))
    outside = ""
    for note in notes:
        cuts = [0, *itertools.chain(*sorted((span.start, span.end) for span in note.gold)), len(note.text)]
        outside += " | ".join(note.text[start:end] for start, end in zip(cuts[::2], cuts[1::2], strict=True)).lower()
    unlabelled = {text for text, _ in known if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", outside)}
    many_labels = len(known) - len({text for text, _ in known})
    assert len(unlabelled) + many_labels >= 10


def test_some_notes_are_long_and_some_mentions_go_over_a_line() -> None:
    """Windows and line breaks matter: there are long notes, mentions over two lines, and fragments in n2c2_2018."""
    notes = {maker.task.name: drawn(maker, "train") for maker in MAKERS[:4]}
    for name, made in notes.items():
        assert any("\n" in note.text[span.start : span.end] for note in made for span in note.gold), name
        assert max(len(note.text) for note in made) > 1_000
    assert max(len(note.text) for made in notes.values() for note in made) > 2_000
    assert any(len(span.fragments) > 1 for note in notes["n2c2_2018"] for span in note.gold)


@IN_TOKENS
def test_mentions_are_whole_tokens(maker: Maker) -> None:
    """The formats of 2010 and 2012 speak of tokens: mentions begin and end at white space."""
    for note in drawn(maker, "train"):
        for span in note.gold:
            around = note.text[span.start - 1 : span.start] + note.text[span.end : span.end + 1]
            assert around.strip() == ""


def test_training_never_shows_the_last_third_of_an_open_list() -> None:
    """What is held out stays out, in lists and in records."""
    pairs = Record(("left", "right"), ("a;b", "c;d", "e;f"), open=True)
    rules = Grammar({"word": ["one", "two", "three"]}, {}, {"pair": pairs})
    seen = {Composer(rules, random.Random(n), "train").compose("{word} {&pair}{left}{right}") for n in range(99)}
    assert seen == {"one ab", "two ab", "one cd", "two cd"}
    assert any("three" in Composer(rules, random.Random(n), "test").compose("{word}") for n in range(99))


def test_a_template_is_composed_with_its_mentions() -> None:
    """Choices, numbers, capitals, kept words and labels end up in one text with exact offsets."""
    rules = Grammar({}, {"name": ["orr"]}, {})
    template = "a(n) [AGE:{80..80}] yo <man|man>, {^name!} ([DOCTOR:{name!}])"
    marked = Composer(rules, random.Random(0), "train").compose(template)
    note = document("1", tokenised(with_articles(marked)))
    assert note.text == "an 80 yo man , Orr ( orr )"
    assert {(note.text[span.start : span.end], span.label) for span in note.gold} == {("80", "AGE"), ("orr", "DOCTOR")}


def test_a_broken_line_breaks_a_mention_into_fragments() -> None:
    """Wrapping replaces a space and moves nothing; fragments leave the line break out."""
    note = fragmented(wrapped(document("1", "take \x02Drug\x1faspirin tablets\x03 now"), 14))
    assert note.text == "take aspirin\ntablets now"
    assert next(iter(note.gold)).fragments == ((5, 12), (13, 20))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo corpora at half the default scale."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, scale=0.5, seed=3)
    return folder


@EACH
def test_what_is_written_is_read_back(maker: Maker, written: Path) -> None:
    """Ids, texts and gold are the same after a way through the official files, and the reader has nothing to remark."""
    corpus = Corpus(written)
    for split in maker.counts:
        made = {note.id: note for note in maker.examples(split, scale=0.5, seed=3)}
        assert {note.id: note for note in maker.task.read(corpus, split)} == made
    assert not corpus.warnings


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.task.name)
def test_scale_multiplies(maker: Maker, written: Path) -> None:
    """At half the scale each split has half as many examples."""
    corpus = Corpus(written)
    for split, count in maker.counts.items():
        assert len(list(maker.task.read(corpus, split))) == math.ceil(count / 2)

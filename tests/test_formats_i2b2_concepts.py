"""i2b2 2010 concept files: tokens, traps and faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from invented import laid, refused, task
from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.files.corpus import Corpus

CONCEPTS = "reference_standard_for_test_data/concepts/1.con"
TEXT = " two  words\nand\u00a0more\t.\n\nend"


def corpus(folder: Path, concepts: str | bytes, text: str = TEXT) -> Corpus:
    """One document with these concepts."""
    return laid(folder, {"test_data/1.txt": text, CONCEPTS: concepts})


@pytest.mark.parametrize(
    ("place", "covered"),
    [
        ("1:1 1:1", "two"),  # token 0 of a line that begins with a space is empty
        ("1:2 1:2", "words"),  # two blanks in a line make no token
        ("2:0 2:0", "and\u00a0more"),  # only ASCII white space cuts
        ("2:1 2:1", "."),
        ("1:2 2:0", "words\nand\u00a0more"),
        ("4:0 4:0", "end"),
    ],
)
def test_tokens_are_counted_as_the_annotators_did(place: str, covered: str, tmp_path: Path) -> None:
    """Line from 1, token from 0, end inclusive."""
    stated = " ".join(covered.split())
    (document,) = task("i2b2_2010").read(corpus(tmp_path, f'c="{stated}" {place}||t="test"\n'), "test")
    (span,) = document.gold
    assert document.text[span.start : span.end] == covered


@pytest.mark.parametrize(
    ("concepts", "where"),
    [
        ('c="two" 1:1 1:1||t="test"\nc="words" 1:2', "line 2: this is no concept"),
        ('c="two" 0:1 1:1||t="test"', "line 1: token 0:1 lies outside the text"),
        ('c="two" 1:1 1:9||t="test"', "line 1: token 1:9 lies outside the text"),
        (f'c="two" 1:1 {10**17}:1||t="test"', f"line 1: token {10**17}:1 lies outside the text"),
        ('c="two" 1:2 1:1||t="test"', "line 1: tokens 1:2 to 1:1 hold nothing"),
        ('\nc="two" 1:1 1:1||t="test"c="words" 1:2 1:2||t="test"', "line 2: more than one concept"),
        ('c="two" 1:1 1:1||t="test" c="words" 1:2 1:2||t="test"', "line 1: more than one concept"),
        ('c="" 1:0 1:0||t="test"', "line 1: tokens 1:0 to 1:0 hold nothing"),
        ('c="two" 1:1 1:1||t="tests"', "line 1: a label that the task does not have; it has problem, treatment"),
        (b'c="tw\xf6" 1:1 1:1||t="test"', "byte 5 is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(concepts: str | bytes, where: str, tmp_path: Path) -> None:
    """Every fault of a concept file ends in one sentence, without a word of the note."""
    said = refused("i2b2_2010", corpus(tmp_path, concepts), "test")
    assert said.startswith(CONCEPTS)
    assert where in said
    assert "two" not in said.replace(str(tmp_path), "")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("text_end", ["\r", "\r\n", "\n"])
def test_every_line_end_parts_concepts_and_sentences(end: str, text_end: str, tmp_path: Path) -> None:
    """CR, LF and CRLF alike; a CR among line feeds is white space."""
    concepts = 'c="two" 1:1 1:1||t="test"\nc="end" 4:0 4:0||t="problem"\n'.replace("\n", end)
    (document,) = task("i2b2_2010").read(corpus(tmp_path, concepts, f"{TEXT}\n".replace("\n", text_end)), "test")
    assert [document.text[span.start : span.end] for span in sorted(document.gold)] == ["two", "end"]


def test_a_concept_from_an_empty_token_can_be_written(tmp_path: Path) -> None:
    """Token 0 of a line that begins with white space is nothing, and yet what is read from it must not be refused."""
    (document,) = task("i2b2_2010").read(corpus(tmp_path, 'c="two" 1:0 1:1||t="test"\n'), "test")
    task("i2b2_2010").write(tmp_path / "again", "test", [document])
    assert list(task("i2b2_2010").read(Corpus(tmp_path / "again"), "test")) == [document]


def test_a_training_text_without_concepts_is_told(tmp_path: Path) -> None:
    """The training folders hold as many concept files as texts."""
    top = "concept_assertion_relation_training_data/beth"
    found = laid(tmp_path, {f"{top}/txt/a.txt": "", f"{top}/txt/b.txt": "", f"{top}/concept/a.con": ""})
    assert f"{top}/txt/b.txt: its annotation file is missing" in refused("i2b2_2010", found)


def test_a_mention_that_cuts_a_token_cannot_be_written(tmp_path: Path) -> None:
    """The format knows whole tokens only: what it cannot say is an error, not another mention."""
    document = Document("1", "two words", frozenset({Span(((0, 2),), "test")}))
    with pytest.raises(InputError, match="document 1, characters 0 to 2: not made of whole tokens"):
        task("i2b2_2010").write(tmp_path, "test", [document])

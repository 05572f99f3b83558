"""i2b2 XML: what is mended, what is refused, and what no attacker gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from invented import laid, refused, task
from tasks.core.errors import InputError
from tasks.core.examples import Document, Span
from tasks.core.files.corpus import Corpus
from tasks.core.status import warning_counts

PLACE = "testing-PHI-Gold-fixed/1-01.xml"
AGE = '<AGE id="P0" start="{}" end="{}" text="{}" TYPE="{}" />'

NO_ID = AGE.replace(' id="P0"', "")


def xml(tags: str, text: str = "Age 61 & up", root: str = "deIdi2b2", head: str = "") -> str:
    """A document of the 2014 kind."""
    return f"{head}<{root}><TEXT><![CDATA[{text}]]></TEXT>\n<TAGS>\n{tags}\n</TAGS></{root}>\n"


def corpus(folder: Path, content: str | bytes) -> Corpus:
    """One document of the test split."""
    return laid(folder, {PLACE: content})


def one(folder: Path, content: str | bytes) -> Document:
    """That document, read."""
    (document,) = task("i2b2_2014").read(corpus(folder, content), "test")
    assert isinstance(document, Document)
    return document


def test_any_root_will_do(tmp_path: Path) -> None:
    """MEDDOCAN and its like differ in the root's name alone."""
    tags = AGE.format(4, 6, "61", "AGE")
    assert one(tmp_path, xml(tags, root="MEDDOCAN")) == one(tmp_path, xml(tags))


def test_ampersands_are_mended_among_the_tags_alone(tmp_path: Path) -> None:
    """A bare & in an attribute is read; one in the text stays one character."""
    found = corpus(tmp_path, xml(AGE.format(4, 11, "61 & up", "AGE")))
    (document,) = task("i2b2_2014").read(found, "test")
    assert (document.text, document.gold) == ("Age 61 & up", {Span(((4, 11),), "AGE")})
    assert warning_counts(found.warnings) == {"bare & among the tags": 1}
    assert [warning.line for warning in found.warnings] == [3]


def test_line_ends_are_line_feeds(tmp_path: Path) -> None:
    """CRLF is one character, as in the offsets."""
    content = xml(AGE.format(5, 7, "61", "AGE"), "Age\n\n61").replace("\n", "\r\n")
    assert one(tmp_path, content).text == "Age\n\n61"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_offsets_that_count_line_ends_as_two_characters_are_recounted(ends: str, tmp_path: Path) -> None:
    """Whatever the line ends are now: where more stated texts fit so, the document is what it is in characters."""
    stated = {"Age": 0, "61": 7, "62": 11}
    tags = "\n".join(NO_ID.format(start, start + len(word), word, "AGE") for word, start in stated.items())
    found = corpus(tmp_path, xml(tags, "Age\n\n61\n62").replace("\n", ends))
    (document,) = task("i2b2_2014").read(found, "test")
    spans = frozenset(Span(((start, start + length),), "AGE") for start, length in ((0, 3), (5, 2), (8, 2)))
    assert document == Document("1-01", "Age\n\n61\n62", spans)
    assert [(warning.kind, warning.what) for warning in found.warnings] == [
        ("line ends changed", "each counts as two characters in the offsets; 3 of 3 mentions fit so, 1 as they stand")
    ]


def test_events_without_an_id_are_each_their_own_and_told(tmp_path: Path) -> None:
    """What has no id, or an empty one, is no copy of another; of one id, the first counts."""
    ids = ("", ' id=""', ' id=" "', ' id="E1"', ' id="E1"')
    tags = "\n".join(f'<EVENT{id} start="{k}" end="{k + 1}" text="{k}" type="TEST" />' for k, id in enumerate(ids))
    found = laid(tmp_path, {"ground_truth/merged_xml/1.xml": xml(tags, "01234", "ClinicalNarrativeTemporalAnnotation")})
    (document,) = task("i2b2_2012").read(found, "test")
    assert sorted(span.start for span in document.gold) == [0, 1, 2, 3]
    assert warning_counts(found.warnings) == {"doubled id": 1, "no id": 3}


def test_texts_that_mostly_differ_from_their_offsets_are_told_of_their_document(tmp_path: Path) -> None:
    """However their offsets were counted, nobody trains on misplaced mentions unseen; the offsets rule all the same."""
    found = corpus(tmp_path, xml("\n".join(NO_ID.format(k, k + 1, "x", "AGE") for k in range(3))))
    (document,) = task("i2b2_2014").read(found, "test")
    assert len(document.gold) == 3
    kinds = {"most texts differ from their offsets": 1, "text differs from its offsets": 3}
    assert warning_counts(found.warnings) == kinds


def test_a_byte_order_mark_in_the_text_counts(tmp_path: Path) -> None:
    """One before the XML does not."""
    document = one(tmp_path, "\ufeff" + xml(AGE.format(5, 7, "61", "AGE"), "\ufeffAge 61"))
    assert document.text == "\ufeffAge 61"


def test_a_tag_without_characters_is_skipped_and_told(tmp_path: Path) -> None:
    """It is no mention; offsets that run backwards are an error."""
    found = corpus(tmp_path, xml(AGE.format(4, 4, "", "AGE")))
    (document,) = task("i2b2_2014").read(found, "test")
    assert document.gold == frozenset()
    assert warning_counts(found.warnings) == {"tag without characters": 1}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (xml("")[:-20], "not well-formed XML"),
        (xml(AGE.format(4, 99, "61", "AGE")), "line 3: characters 4 to 99 lie outside the text of 11"),
        (xml(AGE.format(4, 10**18, "61", "AGE")), "line 3: characters 4 to 1000000000000000000 lie outside"),
        (xml(AGE.format(6, 4, "61", "AGE")), "line 3: characters 6 to 4 lie outside"),
        (xml(AGE.format("", 6, "61", "AGE")), "line 3: its start or end is missing or no number"),
        (xml(AGE.format(-4, 6, "61", "AGE")), "line 3: its start or end is missing or no number"),
        (xml(AGE.format(4, 6, "61", "AGES")), "line 3: a label that the task does not have; it has PATIENT"),
        ("<a><TAGS/></a>", "it has no TEXT"),
        ("<a><TEXT/></a>", "it has no TAGS"),
        ("<a><TEXT>b\n<c>d</c></TEXT><TAGS/></a>", "line 2: an element in the text"),
        (xml("").encode("latin-1").replace(b"up", b"\xfcp"), "not well-formed XML"),
        (xml("", head='<?xml version="1.0" encoding="nonsense"?>'), "encoding"),
        ("<a>" * 10_000, "line 1: elements nested more than 100 deep"),
        ("", "not well-formed XML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(content: str | bytes, where: str, tmp_path: Path) -> None:
    """Every fault of a file ends in one sentence that names it."""
    said = refused("i2b2_2014", corpus(tmp_path, content), "test")
    assert said.startswith(PLACE)
    assert where in said


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">',
        '<!ENTITY b SYSTEM "file:///etc/passwd">',
        '<!ENTITY % b SYSTEM "http://localhost/x"> %b;',
    ],
)
def test_entities_are_refused(declared: str, tmp_path: Path) -> None:
    """Neither bombs nor files nor addresses: no entity is ever declared, expanded or fetched."""
    head = f"<!DOCTYPE deIdi2b2 [{declared}]>"
    content = head + "<deIdi2b2><TEXT>&b;</TEXT><TAGS/></deIdi2b2>"
    assert "XML entities, which are refused" in refused("i2b2_2014", corpus(tmp_path, content), "test")


def test_an_external_document_type_is_not_fetched(tmp_path: Path) -> None:
    """A document type that is named and not used does no harm; an entity that only it could explain is refused."""
    head = '<!DOCTYPE deIdi2b2 SYSTEM "http://localhost/x.dtd">'
    assert one(tmp_path, xml("", head=head)).text == "Age 61 & up"
    content = head + "<deIdi2b2><TEXT>&b;</TEXT><TAGS/></deIdi2b2>"
    assert PLACE in refused("i2b2_2014", corpus(tmp_path, content), "test")


@pytest.mark.parametrize(
    ("text", "fragments", "what"),
    [
        ("a\x00b", ((0, 1),), "control character"),
        ("abc", ((0, 1), (2, 3)), "f"),
    ],
)
def test_what_xml_cannot_hold_is_not_written(
    text: str, fragments: tuple[tuple[int, int], ...], what: str, tmp_path: Path
) -> None:
    """Better an error than another text or another mention."""
    document = Document("1-01", text, frozenset({Span(fragments, "AGE")}))
    with pytest.raises(InputError, match=what):
        task("i2b2_2014").write(tmp_path, "test", [document])

"""brat: every kind of line, and everything that can be wrong with one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from invented import laid, refused, task
from tasks.core.examples import Document, Span
from tasks.core.status import warning_counts

TEXT = "aspirin 81 mg\nfor low\nback pain"


def one(folder: Path, annotations: str | bytes, text: str | bytes = TEXT) -> Document:
    """The one document of a corpus with this text and these annotations."""
    (document,) = task("n2c2_2018").read(laid(folder, {"test/1.txt": text, "test/1.ann": annotations}), "test")
    assert isinstance(document, Document)
    return document


@pytest.mark.parametrize(
    "line",
    [
        "R1\tStrength-Drug Arg1:T1 Arg2:T2\t",
        "E1\tDrug:T1",
        "E2\tDrug:T1 Theme:T2 Cause:E1",
        "A1\tNegation E1",
        "A2\tCertainty T1 high",
        "M1\tNegation E1",
        "N1\tReference T1 RxNorm:1191\taspirin",
        "#1\tAnnotatorNotes T1\tfree text: with R1 in it",
        "#\tAnnotatorNotes T1\tfree text",
        "*\tEquiv T1 T2 T3",
        "",
    ],
)
def test_lines_that_are_no_mention_are_left_aside(line: str, tmp_path: Path) -> None:
    """Relations, events, attributes, normalisations, notes and equivalences neither add nor hide a mention."""
    document = one(tmp_path, f"T1\tDrug 0 7\taspirin\n{line}\nT2\tStrength 8 13\t81 mg\n")
    assert document.gold == {Span(((0, 7),), "Drug"), Span(((8, 13),), "Strength")}


@pytest.mark.parametrize(
    ("annotations", "where"),
    [
        ("T1\tDrug 0 7\taspirin\nT2\tDrug 0\n", "line 2: this is no brat annotation"),
        ("T1 Drug 0 7 aspirin\n", "line 1: this is no brat annotation"),
        ("T1\tDrug 0 7\n", "line 1: this is no brat annotation"),
        ("T1\tDrug -1 7\taspirin\n", "line 1: this is no brat annotation"),
        ("T1\tDrug 0 7\taspirin\nrubbish\n", "line 2: this is no brat annotation"),
        ("R1\tStrength-Drug T1 T2\n", "line 1: this is no brat annotation"),
        ("T1\tDrugs 0 7\taspirin\n", "line 1: a label that the task does not have; it has Drug, Strength"),
        ("T1\tDrug 3 3\t\n", "line 1: characters 3 to 3 hold nothing"),
        ("T1\tDrug 7 0\taspirin\n", "line 1: characters 7 to 0 hold nothing"),
        ("T1\tDrug 0 99\taspirin\n", f"line 1: characters 0 to 99 lie outside the text of {len(TEXT)}"),
        (f"T1\tDrug 0 {10**18}\taspirin\n", f"line 1: characters 0 to {10**18} lie outside"),
        (f"T1\tDrug 0 {10**40}\taspirin\n", "line 1: this is no brat annotation"),
        ("T1\tDrug 0 7;5 9\taspirin\n", "line 1: fragments of one mention that overlap"),
        ("T1\tDrug 0 7\taspirin\nT1\tDose 8 10\t81\n", "line 2: a label that"),
        (b"T1\tDrug 0 7\t\xe9spirin\n", "byte 12 is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(annotations: str | bytes, where: str, tmp_path: Path) -> None:
    """Every fault of an annotation file ends in one sentence, without a word of the note."""
    said = refused("n2c2_2018", laid(tmp_path, {"test/1.txt": TEXT, "test/1.ann": annotations}), "test")
    assert said.startswith("test/1.ann")
    assert where in said
    assert "aspirin" not in said


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("changed", [str.encode, lambda text: text.replace("\n", "\r").encode()])
def test_every_line_end_parts_annotations(end: str, changed: Callable[[str], bytes], tmp_path: Path) -> None:
    """CR, LF and CRLF alike, whatever the text has; a mention over a line break goes on after each."""
    lines = (
        "T1\tReason 18 31\tlow\nback pain\nT2\tDrug 0 7\taspirin\n#1\tAnnotatorNotes T2\tnote\nT3\tDosage 8 10\t81\n"
    )
    spans = {Span(((18, 31),), "Reason"), Span(((0, 7),), "Drug"), Span(((8, 10),), "Dosage")}
    assert one(tmp_path, lines.replace("\n", end), changed(TEXT)).gold == spans


NEXT = "T9\tStrength 8 13\t81 mg"


@pytest.mark.parametrize("between", ["", " ", "\t", "\x0b", "\x85", "\u2028"])
@pytest.mark.parametrize(
    "line",
    [
        "T1\tDrug 0 7\taspirin",
        "R1\tStrength-Drug Arg1:T1 Arg2:T2",
        "E1\tDrug:T1",
        "A1\tNegation E1",
        "A2\tCertainty T1 high",
        "N1\tReference T1 RxNorm:1191\taspirin",
        "#1\tAnnotatorNotes T1\tfree text",
        "*\tEquiv T1 T2",
    ],
)
def test_an_annotation_on_the_line_of_another_is_not_swallowed(line: str, between: str, tmp_path: Path) -> None:
    """One that has lost the line end before it is an error with its line."""
    said = refused(
        "n2c2_2018", laid(tmp_path, {"test/1.txt": TEXT, "test/1.ann": f"\n{line}{between}{NEXT}\n"}), "test"
    )
    assert said.startswith("test/1.ann, line 2: ")


def test_a_tab_in_a_mention_is_text(tmp_path: Path) -> None:
    """Where the mention's characters hold it; anything else behind the text of a mention is an error."""
    assert one(tmp_path, "T1\tDrug 0 7\tas\tirin\n", "as\tirin").gold == {Span(((0, 7),), "Drug")}
    files = {"test/1.txt": TEXT, "test/1.ann": "T1\tDrug 0 7\taspirin\tC0004057\n"}
    assert "line 1: more follows the annotation on its line" in refused("n2c2_2018", laid(tmp_path, files), "test")


@pytest.mark.parametrize(
    ("text", "width", "what"),
    [
        ("é aspirin\nor ibuprofen", lambda text: len(text.encode()), "bytes"),
        ("😀 aspirin\nor ibuprofen", lambda text: len(text.encode("utf-16-le")) // 2, "UTF-16 units"),
        ("\ufeff\n aspirin\nor ibuprofen", lambda text: len(text.lstrip("\ufeff\n ")), "before the first word"),
        ("an aspirin\nor\nibuprofen", lambda text: len(text.replace("\n", "\r\n")), "two characters"),
    ],
)
def test_offsets_counted_otherwise_are_recounted(
    text: str, width: Callable[[str], int], what: str, tmp_path: Path
) -> None:
    """Where more of the stated texts fit so, in all of the document alike; the warning says how they were counted."""
    drugs = [("T1", "aspirin"), ("T2", "ibuprofen")]
    places = {drug: (text.index(drug), text.index(drug) + len(drug)) for _, drug in drugs}
    lines = [f"{n}\tDrug {width(text[: places[d][0]])} {width(text[: places[d][1]])}\t{d}\n" for n, d in drugs]
    corpus = laid(tmp_path, {"test/1.txt": text, "test/1.ann": "".join(lines)})
    (document,) = task("n2c2_2018").read(corpus, "test")
    assert document == Document("1", text, frozenset(Span((place,), "Drug") for place in places.values()))
    (warning,) = corpus.warnings
    assert what in warning.what


def test_a_written_mention_is_one_line_of_four_fields(tmp_path: Path) -> None:
    """As brat writes it: a tab and each kind of line break is a blank, as long as it was."""
    text = "a\tb\rc\nd\u2028e\x85f\x0bg\x0ch\x1ci"
    task("n2c2_2018").write(tmp_path, "test", [Document("1", text, frozenset({Span(((0, len(text)),), "Drug")}))])
    assert (tmp_path / "test/1.ann").read_text() == f"T1\tDrug 0 {len(text)}\ta b c d e f g h i\n"


def test_ten_thousand_fragments_on_top_of_each_other_cost_no_memory(tmp_path: Path) -> None:
    """A line that would cover the text ten thousand times is refused before its text is put together."""
    text = "x" * 100_000
    offsets = ";".join(["0 100000"] * 10_000)
    said = refused("n2c2_2018", laid(tmp_path, {"test/1.txt": text, "test/1.ann": f"T1\tDrug {offsets}\tx\n"}), "test")
    assert "line 1: fragments of one mention that overlap" in said


def test_a_mention_over_two_lines_is_one(tmp_path: Path) -> None:
    """Its text goes on in the line after, or stands in one line with a blank instead; both are the same mention."""
    for broken in ("T1\tReason 18 31\tlow\nback pain\nT2\tDrug 0 7\taspirin", "T1\tReason 18 31\tlow back pain\n"):
        assert Span(((18, 31),), "Reason") in one(tmp_path, broken).gold


def test_two_mentions_of_one_id_are_both_kept_and_told(tmp_path: Path) -> None:
    """An id counts for nothing in a score; dropping either mention would."""
    corpus = laid(tmp_path, {"test/1.txt": TEXT, "test/1.ann": "T1\tDrug 0 7\taspirin\nT1\tDosage 8 10\t81\n"})
    (document,) = task("n2c2_2018").read(corpus, "test")
    assert document.gold == {Span(((0, 7),), "Drug"), Span(((8, 10),), "Dosage")}
    assert [(warning.kind, warning.line) for warning in corpus.warnings] == [("doubled id", 2)]


def test_line_ends_that_an_unpacker_changed_are_mended(tmp_path: Path) -> None:
    """A text turned to CRLF after it was annotated is read as it was; one annotated in CRLF is left alone."""
    changed = TEXT.replace("\n", "\r\n")
    corpus = laid(tmp_path, {"test/1.txt": changed, "test/1.ann": "T1\tReason 18 31\tlow back pain\r\n"})
    (document,) = task("n2c2_2018").read(corpus, "test")
    assert (document.text, document.gold) == (TEXT, {Span(((18, 31),), "Reason")})
    assert warning_counts(corpus.warnings) == {"line ends changed": 1}
    assert one(tmp_path, "T1\tReason 19 33\tlow back pain\r\n", changed).text == changed


def test_a_byte_order_mark_is_text_in_a_text_alone(tmp_path: Path) -> None:
    """U+FEFF counts in the offsets of a text; before the first annotation it is nothing."""
    document = one(tmp_path, "\ufeffT1\tDrug 1 8\taspirin\n", "\ufeffaspirin")
    assert document.text[1:8] == "aspirin"
    assert document.gold == {Span(((1, 8),), "Drug")}


@pytest.mark.parametrize("there", ["1.txt", "1.ann"])
def test_a_file_without_its_partner_is_told(there: str, tmp_path: Path) -> None:
    """A text without annotations, or annotations without a text, is a damaged corpus."""
    files = {"test/2.txt": "a", "test/2.ann": "", f"test/{there}": ""}
    assert f"test/{there}: " in refused("n2c2_2018", laid(tmp_path, files), "test")

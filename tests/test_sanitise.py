"""Whatever a label holds, every format shows it as text: properties over random strings."""

from __future__ import annotations

import csv
import html
import io
import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from bench.store import sanitise

HOSTILE = "\\input{/etc/passwd}<script>alert(1)</script>\x1b[2J|`$x$&%\u202e\r\n=cmd()--''"
labels = st.text(max_size=40) | st.text(alphabet="\\{}$&#_%~^<>|`\"'-*[]()!=+@\t\n ab", max_size=40)

OURS = re.compile(
    r"\\(text(backslash|asciitilde|asciicircum|less|greater|bar|asciigrave|quotedblright|endash|emdash)|dots|dag)\{\}"
    r"|\\[{}$&#_%]|\$(\\pm|\\times|-)\$|(?<=[-,'])\{\}(?=[-,'])|\{\\fontencoding\{T1\}\\selectfont \w\}"
)


@given(labels, labels)
@example("a.b", "a-b")
@example("Abc", "abc")
@example("x" * 300, "x" * 301)
def test_no_two_texts_have_one_file(one: str, other: str) -> None:
    """On a file system that does not tell letters by their case either; and every file system takes the name."""
    assert (sanitise.stem(one).lower() == sanitise.stem(other).lower()) == (one == other)
    assert re.fullmatch(r"[a-z0-9_-]{0,100}", sanitise.stem(one))


@given(labels)
@example(HOSTILE)
def test_plain_text_steers_no_terminal(text: str) -> None:
    """No control or format character is left, and what is seen stays as it is."""
    shown = sanitise.sanitise(text)
    assert shown.isprintable() or all(char.isprintable() or char in "\u00a0\u3000" or char.isspace() for char in shown)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\ufeff]", shown)
    assert shown == text or not text.isprintable()


@given(labels)
@example(HOSTILE)
def test_latex_holds_no_command_but_ours(text: str) -> None:
    """Without what we write for special characters, none of them is left; and no line ends."""
    shown = sanitise.latex(text)
    rest = OURS.sub("", shown)
    assert not re.search(r"[\\{}$&#_%~^`\n]", rest), rest
    assert not re.search("--|,,|''", shown), shown


@given(st.characters(min_codepoint=0x80))
@example("ł")
@example("ą")
@example("ħ")
def test_latex_sets_no_letter_that_its_fonts_lack(char: str) -> None:
    """A letter stands as it is only if it is an accented one of ASCII, or a letter by itself that TeX has had always;
    those that need the encoding T1 name it, and all others are code points."""
    base, *accents = unicodedata.normalize("NFD", char)
    shown = sanitise.latex(char)
    if char in shown and not shown.startswith(r"{\fontencoding{T1}"):
        accented = base.isascii() and accents and set(accents) <= set("\u0300\u0301\u0302\u0303\u0304\u0306\u0307"
                                                                     "\u0308\u030a\u030b\u030c\u0327")  # fmt: skip
        assert accented or char in "ªµºÆæØøŁłßıĲĳŒœ", shown
    assert shown.isascii() or char in shown


@given(labels)
@example(HOSTILE)
def test_html_is_one_text(text: str) -> None:
    shown = sanitise.html_text(text)
    assert not re.search("[<>\"']", shown)
    assert html.unescape(shown) == sanitise.sanitise(text)


@given(labels)
@example(HOSTILE)
def test_markdown_has_no_mark_that_is_not_escaped(text: str) -> None:
    rest = re.sub(r"\\[\\`*_{}\[\]()#!|~$]", "", sanitise.markdown(text))
    assert not re.search(r"[\\`*_{}\[\]()!|~$<>\n]|(?<!&)#", rest), rest


@given(labels)
@example("=cmd()")
@example("\t=cmd()")
def test_no_spreadsheet_takes_a_cell_for_a_formula(text: str) -> None:
    cell = sanitise.spreadsheet(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    line = io.StringIO()
    csv.writer(line).writerow([cell])
    assert next(csv.reader(io.StringIO(line.getvalue()))) == [cell]


@given(labels)
@example("../../x")
def test_a_file_name_stays_in_its_folder(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]*", sanitise.stem(text))

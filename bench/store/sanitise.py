"""Text from results made harmless for each format: a label may hold LaTeX, HTML or terminal escapes."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

# Control characters, and format characters: those turn the direction of text round or hide what stands there.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", '"': r"\textquotedblright{}", "±": r"$\pm$", "×": r"$\times$",
    "−": "$-$", "–": r"\textendash{}", "—": r"\textemdash{}", "…": r"\dots{}", "†": r"\dag{}",
}  # fmt: skip
# Letters below U+0180 that pdflatex sets in no encoding of its own, and those for which it needs one of two.
_NOT_SET = "ĦħĸĿŀŉŦŧſ"
_ONLY_IN_T1 = "ÐÞðþĄąĐđĘęĮįŊŋŲų"


def sanitise(text: str) -> str:
    """The text with every character that is not seen written as its code point."""
    return "".join(f"<U+{ord(char):04X}>" if unicodedata.category(char) in _UNSEEN else char for char in text)


def stem(text: str, also: str = "") -> str:
    """The text as part of a file name that every file system and LaTeX take as it is, and with it what `also` holds.

    What is not one already is followed by a digest of the text: no two texts have one file.
    """
    safe = re.sub(f"[^a-z0-9_{also}-]", "-", text.lower())[:80]
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return safe if safe == text else f"{safe}-{digest[:8]}"


def html_text(text: str) -> str:
    """The text for an HTML element or a quoted attribute."""
    return html.escape(sanitise(text))


def markdown(text: str) -> str:
    """The text for a Markdown table cell: nothing in it is markup, and no bar ends the cell."""
    return re.sub(r"([\\`*_{}\[\]()#!|~$])", r"\\\1", html.escape(sanitise(text), quote=False))


def spreadsheet(text: str) -> str:
    """The text for a CSV cell: a spreadsheet shows it, and takes it for no formula."""
    shown = sanitise(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def latex(text: str) -> str:
    """The text for LaTeX under any font encoding; what bare pdflatex cannot set is written as its code point."""
    # An empty group parts what a font would join: -- is a dash to it, and ,, and '' are quotation marks.
    return re.sub(r"([-,'])(?=\1)", r"\1{}", "".join(map(_latex_character, sanitise(text))))


def _latex_character(char: str) -> str:
    if char in _LATEX:
        return _LATEX[char]
    if char in _ONLY_IN_T1:
        # The encoding is named here, since a table may stand in a paper that has the older one.
        return rf"{{\fontencoding{{T1}}\selectfont {char}}}"
    settable = char.isascii() or (char.isalpha() and ord(char) < 0x180 and char not in _NOT_SET)
    return char if settable else f"U+{ord(char):04X}"

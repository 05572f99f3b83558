"""Sections as LaTeX: one file a table for a paper to \\input, and a document that holds them all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bench.report.inert import latex, stem
from bench.report.table import Section, Table

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[a4paper,margin=18mm]{geometry}
\usepackage{booktabs}
\begin{document}
"""


def files(sections: Sequence[Section]) -> dict[str, str]:
    """File name -> content: report.tex and every table it takes in."""
    tables = {f"{stem(table.name)}.tex": tabular(table) for section in sections for table in section.tables}
    return {**tables, "report.tex": _document(sections, lambda table: rf"\input{{{stem(table.name)}.tex}}")}


def render(sections: Sequence[Section]) -> str:
    """The whole report as one document that compiles as it stands."""
    return _document(sections, tabular)


def _document(sections: Sequence[Section], place: Callable[[Table], str]) -> str:
    lines = [_HEAD]
    for section in sections:
        lines += [rf"\section*{{{latex(section.title)}}}"]
        lines += [rf"\noindent {latex(note)}\par" for note in section.notes]
        lines += [place(table) for table in section.tables]
        lines += [r"\clearpage"]
    return "\n".join([*lines, r"\end{document}", ""])


def tabular(table: Table) -> str:
    """One table, with its title as caption; needs the package booktabs and nothing else."""
    body = [_row(row) for row in table.rows]
    if table.total and len(body) > 1:
        body.insert(-1, r"\midrule")
    return "\n".join(
        [
            r"\begin{table}[!htbp]",
            r"\centering\small\setlength{\tabcolsep}{4pt}",
            rf"\caption{{{latex(table.title)}}}",
            rf"\begin{{tabular}}{{{table.align}}}",
            r"\toprule",
            _row(table.header),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            *[rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {latex(note)}}}" for note in table.notes],
            *[
                rf"\par\smallskip\parbox{{\linewidth}}{{\raggedright\footnotesize\ttfamily {latex(command)}}}"
                for command in table.commands
            ],
            r"\end{table}",
            "",
        ]
    )


def _row(cells: Sequence[str]) -> str:
    # The hyphen of a negative figure is set as a minus. A row that begins with "[" or "*" would be read as an option
    # of the line break before it; the empty group says it is not.
    minus = [re.sub(r"(?<![\w.-])-(?=\d)", "$-$", latex(cell)) for cell in cells]
    return "{}" + " & ".join(minus) + r" \\"

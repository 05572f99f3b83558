"""Sections as LaTeX: one file a table for a paper to \\input, and a document that holds them all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bench.report.grid import draw
from bench.report.inert import latex, stem
from bench.report.table import Section, Table

_LONGEST_CELL = 70
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
        lines += [rf"\noindent {_text(note)}\par" for note in section.notes]
        lines += [place(table) for table in section.tables]
        lines += [r"\clearpage"]
    return "\n".join([*lines, r"\end{document}", ""])


def tabular(table: Table) -> str:
    """One table, with its title as caption; needs the package booktabs and nothing else."""
    header, *rows = [_cells(row) for row in (table.header, *table.rows)]
    # A cell holds no command of ours: every \hline is tabulate's, and booktabs has a better one for each place.
    grid = draw(header, rows, table.align, "latex_raw", table.total).replace(r"\hline", r"\toprule", 1)
    grid = r"\bottomrule".join(grid.rsplit(r"\hline", 1)).replace(r"\hline", r"\midrule")
    return "\n".join(
        [
            r"\begin{table}[!htbp]",
            r"\centering\small\setlength{\tabcolsep}{4pt}",
            rf"\caption{{{latex(table.title)}}}",
            grid,
            *[rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {_text(note)}}}" for note in table.notes],
            *[
                rf"\par\smallskip\parbox{{\linewidth}}{{\raggedright\footnotesize\ttfamily {latex(command)}}}"
                for command in table.commands
            ],
            r"\end{table}",
            "",
        ]
    )


def _cells(row: Sequence[str]) -> list[str]:
    # A row that begins with "[" or "*" would be read as an option of the line break before it; the empty group says
    # it is not.
    first, *rest = map(_text, row)
    return ["{}" + first, *(_long(cell) for cell in rest)]


def _text(text: str) -> str:
    # The hyphen of a negative figure is set as a minus.
    return re.sub(r"(?<![\w.-])-(?=\d)", "$-$", latex(text))


def _long(cell: str) -> str:
    wide = rf"\parbox[t]{{0.6\linewidth}}{{\raggedright {cell}\strut}}"
    return wide if len(cell) > _LONGEST_CELL else cell

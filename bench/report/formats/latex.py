"""Sections as LaTeX: one file a table for a paper to \\input, and a document that holds them all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.report.table import GAP, Section, Table, column_groups, draw_table
from bench.store.sanitise import latex, stem

_LONGEST_CELL = 70
# Characters that a line of the document holds in each size.
_SIZES = ((92, r"\small"), (106, r"\footnotesize"), (math.inf, r"\scriptsize"))
_WIDEST = 122
_MOST_ROWS = 50
_HEAD = r"""\documentclass[10pt]{article}
\usepackage[a4paper,margin=18mm]{geometry}
\usepackage{booktabs}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\makeatletter\setlength{\@fptop}{0pt}\setlength{\@fpsep}{18pt}\makeatother
\begin{document}
"""


def files(sections: Sequence[Section]) -> dict[str, str]:
    """File name -> content: report.tex and every table it takes in."""
    tables = {f"{stem(table.name)}.tex": tabular(table) for section in sections for table in section.tables}
    return {**tables, "report.tex": _document(sections, lambda table: rf"\input{{{stem(table.name)}.tex}}")}


def render(sections: Sequence[Section]) -> str:
    """The whole report as one document that compiles as it stands."""
    return _document(sections, tabular)


def _document(sections: Sequence[Section], included: Callable[[Table], str]) -> str:
    lines = [_HEAD]
    for section in sections:
        lines += [rf"\section*{{{latex(section.title)}}}"]
        lines += [rf"\noindent\textbf{{{_text(sentence)}}}\par" for sentence in section.answer[:1]]
        lines += [rf"\noindent {_text(text)}\par" for text in (*section.answer[1:], *section.notes)]
        lines += [included(table) for table in section.tables]
        lines += [r"\clearpage"]
    return "\n".join([*lines, r"\end{document}", ""])


def tabular(table: Table) -> str:
    """One table, with its title as caption, over several pages if it is long; needs the package booktabs alone."""
    widths = [min(max(map(len, column)), _LONGEST_CELL) for column in zip(table.header, *table.rows, strict=True)]
    groups = list(column_groups(widths, table.cuts, _WIDEST))
    widest = max(sum(widths[c] + GAP for c in columns) for columns in groups)
    size = next(size for limit, size in _SIZES if widest <= limit)
    most = _MOST_ROWS // len(groups)
    starts = range(0, max(len(table.rows), 1), most)
    parts = [replace(table, rows=table.rows[start : start + most]) for start in starts]
    parts[:-1] = [replace(part, total=False, notes=(), commands=()) for part in parts[:-1]]
    return "\n".join(_float(part, groups, size, "" if part is parts[0] else ", continued") for part in parts)


def _float(table: Table, groups: Sequence[Sequence[int]], size: str, more: str) -> str:
    under = [rf"{{\footnotesize {_text(note)}}}" for note in table.notes]
    under += [rf"{{\raggedright\footnotesize\ttfamily {latex(command)}}}" for command in table.commands]
    return "\n".join(
        [
            r"\begin{table}[!htbp]",
            rf"\centering{size}\setlength{{\tabcolsep}}{{4pt}}",
            rf"\caption{{{latex(table.title)}{more}}}",
            "\n\\par\\bigskip\n".join(_tabular(table, columns) for columns in groups),
            *(rf"\par\smallskip\parbox{{\linewidth}}{text}" for text in under),
            r"\end{table}",
            "",
        ]
    )


def _tabular(table: Table, columns: Sequence[int]) -> str:
    header, *rows = [[_cell(row[c], first=c == 0) for c in columns] for row in (table.header, *table.rows)]
    # A cell holds no command of ours: every \hline is tabulate's, and booktabs has a better one for each place.
    grid = draw_table(header, rows, [table.align[c] for c in columns], "latex_raw", table.total)
    grid = r"\bottomrule".join(grid.replace(r"\hline", r"\toprule", 1).rsplit(r"\hline", 1))
    return grid.replace(r"\hline", r"\midrule")


def _cell(cell: str, first: bool) -> str:
    text = _text(cell)
    if first:
        # A row that begins with "[" or "*" would be read as an option of the line break before it; the empty group says
        # it is not.
        return "{}" + text
    wrapped = rf"\parbox[t]{{0.6\linewidth}}{{\raggedright {text}\strut}}"
    return wrapped if len(text) > _LONGEST_CELL else text


def _text(text: str) -> str:
    # The hyphen of a negative figure is set as a minus.
    return re.sub(r"(?<![\w.-])-(?=\d)", "$-$", latex(text))

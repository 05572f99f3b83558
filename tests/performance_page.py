"""The page of performance: a text with marks, in whose places stand the records that lie beside it.

`python performance_page.py` (`tox -e page`) writes docs/performance.md and its figures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import scale
import spin_record
from bench.report.figures.speed import draw
from bench.report.files import write_all
from bench.report.formats import markdown
from bench.report.tables.speed import section
from bench.store.speed_record import AGAINST, GROWTH, INFERENCE, SPEED, TRAINING, Speed, read
from tasks.core.errors import InputError

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
FIGURES = "figures"
_MARK = re.compile(r"^\[\[(.+)\]\]\n", re.MULTILINE)
"""A line by itself: the name of the records that stand there."""

SCALE = "scale"

NAMES = (TRAINING, INFERENCE, *(f"{GROWTH} {against}" for against in AGAINST), spin_record.SPIN, SCALE)


def made(page: Path) -> dict[str, bytes]:
    """The content of the page and of its figures, by path from the folder of the page."""
    template = page.with_suffix(".in.md")
    if not template.is_file():
        raise InputError(f"{template} is not there: a page is made from the text of that name")
    figures: dict[str, bytes] = {}
    speeds = [read(path) for path in sorted((page.parent / SPEED).glob("*/*/*.json"))]

    def shown(mark: re.Match[str]) -> str:
        if mark[1] == SCALE:
            return scale.shown()
        if mark[1] not in NAMES:
            raise InputError(f"{template}: no records are called {mark[1]!r}; there are {', '.join(NAMES)}")
        if mark[1] == spin_record.SPIN:
            return spin_record.shown(spin_record.read(page.parent / SPEED))
        found = [one for one in speeds if mark[1] in (one.kind, f"{one.kind} {one.subject}")]
        if not found:
            raise InputError(
                f"{page.parent / SPEED} holds no {mark[1]}: measure with `python -m bench speed {mark[1].split()[0]}` "
                "and copy the folder speed of the results there"
            )
        return "".join(text for one in found for text in _shown(one, figures)).rstrip() + "\n"

    text = _MARK.sub(shown, template.read_text(encoding="utf-8"))
    return {page.name: text.encode()} | figures


def _shown(speed: Speed, figures: dict[str, bytes]) -> Iterator[str]:
    """A record as Markdown; its figure is added to those given."""
    found, here = section(speed), speed.environment
    heading, *tables = markdown.render([found]).splitlines()
    yield f"#{heading}\n\n```\n{speed.command}\n```\n\n"
    yield (
        f"Measured on {speed.finished[:10]}: {here.processor}{'' if here.device == 'cpu' else f', {here.device}'}, "
        f"threads {here.threads}, torch {here.torch}, transformers {here.transformers}, Python {here.python}.\n"
    )
    name = f"{FIGURES}/{found.name}.svg"
    figures[name] = draw(speed, "svg")
    yield f"\n![{found.title}]({name})\n"
    yield "\n".join(f"#{line}" if line.startswith("#") else line for line in tables) + "\n\n"


if __name__ == "__main__":
    write_all(PAGE.parent, made(PAGE))

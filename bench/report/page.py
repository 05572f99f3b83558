"""The page of performance: a text with marks, in whose places stand the records that lie beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.report.figures import growth as growth_figure
from bench.report.figures import inference as inference_figure
from bench.report.files import write_all
from bench.report.formats import markdown
from bench.report.table import Section
from bench.report.tables import growth, inference, training_speed
from bench.store import strict_json
from bench.store.growth_record import AGAINST, RESULT, Growth
from bench.store.inference_record import RESULT as SPEED_RESULT
from bench.store.inference_record import SPEED, Speed
from bench.store.training_record import TRAINING, TrainingSpeed
from tasks.core.errors import InputError

FIGURES = "figures"
_MARK = re.compile(r"^\[\[(.+)\]\]\n", re.MULTILINE)
"""A line by itself: the name of the records that stand there."""


@dataclass(frozen=True)
class Kind:
    """What a command stores: the type of its records, their file, and how they are shown."""

    record: type[Any]
    file: str
    command: str
    section: Callable[[Any], Section]
    draw: Callable[[Any, str], bytes] | None = None


KINDS = MappingProxyType(
    {
        "training": Kind(TrainingSpeed, TRAINING, "training-speed", training_speed.section),
        "inference": Kind(Speed, SPEED_RESULT, "speed", inference.section, inference_figure.draw),
    }
    | {
        f"growth {against}": Kind(Growth, f"-growth-{against}/{RESULT}", "growth", growth.section, growth_figure.draw)
        for against in AGAINST
    }
)


def write(page: Path) -> None:
    """Write the page and its figures beside its template, from the records in the folder `speed` beside it."""
    write_all(page.parent, made(page))


def made(page: Path) -> dict[str, bytes]:
    """The content of the page and of its figures, by path from the folder of the page."""
    template = page.with_suffix(".in.md")
    if not template.is_file():
        raise InputError(f"{template} is not there: a page is made from the text of that name")
    figures: dict[str, bytes] = {}

    def shown(mark: re.Match[str]) -> str:
        if mark[1] not in KINDS:
            raise InputError(f"{template}: no records are called {mark[1]!r}; there are {', '.join(KINDS)}")
        return "".join(_shown(KINDS[mark[1]], page.parent, figures)).rstrip() + "\n"

    text = _MARK.sub(shown, template.read_text(encoding="utf-8"))
    return {page.name: text.encode()} | figures


def _shown(kind: Kind, folder: Path, figures: dict[str, bytes]) -> Iterator[str]:
    """The records of a kind, by path; their figures are added to those given."""
    for record in _records(kind, folder):
        section = kind.section(record)
        heading, *tables = markdown.render([section]).splitlines()
        yield f"#{heading}\n\n```\n{record.command}\n```\n\n{_when(record)}\n"
        if kind.draw:
            name = f"{FIGURES}/{section.name}.svg"
            figures[name] = kind.draw(record, "svg")
            yield f"\n![{section.title}]({name})\n"
        yield "\n".join(f"#{line}" if line.startswith("#") else line for line in tables) + "\n\n"


def _records(kind: Kind, folder: Path) -> list[Any]:
    records = [
        _read(kind, path)
        for path in sorted((folder / SPEED).glob("*/*/*.json"))
        if path.name == kind.file or path.as_posix().endswith(kind.file)
    ]
    if not records:
        raise InputError(
            f"{folder / SPEED} holds no {kind.file.strip('-')}: measure with `python -m bench {kind.command}` and copy "
            "the folder speed of the results there"
        )
    return records


def _read(kind: Kind, path: Path) -> Any:
    try:
        return strict_json.loads(kind.record, path.read_bytes())
    except ValueError as error:
        raise InputError(
            f"{path} is no finished measurement ({error}): run `python -m bench {kind.command}` again"
        ) from None


def _when(record: Any) -> str:
    here = record.environment
    return (
        f"Measured on {record.finished[:10]}: {here.processor}{'' if here.device == 'cpu' else f', {here.device}'}, "
        f"threads {here.threads}, torch {here.torch}, transformers {here.transformers}, Python {here.python}."
    )

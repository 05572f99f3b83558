"""A made-up further kind of task: the class of a whole document, in a corpus of JSON lines; its head stands apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.core.files.corpus import Corpus
from tasks.core.kinds import TEST, TRAIN, Size, Source, Task
from tasks.core.metrics.pairs import ACCURACY


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    text: str
    gold: str


@dataclass(frozen=True, kw_only=True)
class NoteTask(Task[Note, str]):
    """Say which class a note has."""

    kind = "note"
    example_type = Note
    head = "further_kind_head:NoteHead"
    pipeline = "text-classification"

    def train_characters(self, example: Note) -> int:
        return len(example.text)


SOURCE = Source(
    licence="none: it is made up",
    url="https://example.org",
    citation="none",
    files={split: (f"notes-{split}.jsonl",) for split in (TRAIN, TEST)},
    sizes=dict.fromkeys((TRAIN, TEST), Size(12, confirmed=True)),
)


def read(corpus: Corpus, split: str) -> Iterator[Note]:
    for file in corpus.require(rf"(?:^|/)notes-{split}\.jsonl$", SOURCE.files[split][0], SOURCE.url):
        for number, line in file.lines():
            try:
                yield Note(**json.loads(line))
            except (ValueError, TypeError):
                raise file.wrong(number, "it is no note; get the file anew") from None


def write(folder: Path, split: str, examples: Iterable[Note]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SOURCE.files[split][0]).write_text("".join(json.dumps(asdict(note)) + "\n" for note in examples))


TASK = NoteTask(
    name="further_kind", title="Further kind", source=SOURCE, labels=("inpatient", "outpatient"),
    metrics=(ACCURACY,), read=read, write=write, group=lambda note: note.id,
)  # fmt: skip

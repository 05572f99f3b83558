"""The corpora below a folder: their examples, their statistics, and what is missing of them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from baselines.core.settings import Settings
from bench import registry
from bench.runner import code
from bench.runner.corpus_statistics import CorpusStatistics, corpus_statistics
from bench.store import strict_json
from bench.store.runs import Fingerprints
from bench.store.sanitise import sanitise
from tasks.core import splits
from tasks.core.errors import InputError, MissingCorpus
from tasks.core.files.corpus import Corpus
from tasks.core.kinds import TEST, Task

DEMO, OFFICIAL = "demo", "official"


@dataclass
class Corpora:
    """All corpora below a folder; `name` is demo, demo-x<scale> or official. Their statistics are kept in `cache`."""

    name: str
    folder: Path
    cache: Path | None = None
    _corpus_statistics: dict[str, CorpusStatistics] = field(default_factory=dict)
    _ceilings: dict[Path | None, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._corpus = Corpus(self.folder)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process lists the files anew, and is spared the pass over them."""
        return Corpora, (self.name, self.folder, self.cache, self._corpus_statistics)

    def stream(self, task: Task[Any, Any], split: str, fraction: float) -> Iterator[Any]:
        """The examples of a split one at a time, for corpora larger than memory."""
        return splits.stream(task, self._corpus, split, fraction)

    def examples(self, task: Task[Any, Any], split: str, fraction: float) -> list[Any]:
        """The same examples, all in memory."""
        return list(self.stream(task, split, fraction))

    def corpus_statistics(self, task: Task[Any, Any]) -> CorpusStatistics:
        """What one pass over a task's corpus says, read once."""
        if task.name not in self._corpus_statistics:
            module = registry.module("task", task.name)
            self._corpus_statistics[task.name] = corpus_statistics(task, self._corpus, self.cache, module)
        return self._corpus_statistics[task.name]

    def ceiling(
        self, task: Task[Any, Any], encoder: Path, fingerprints: Fingerprints, settings: Settings
    ) -> float | None:
        """The oracle's recall on a task's test split, worked out once for an encoder and a head."""
        from baselines.core.ceiling import cached_ceiling

        file = windows_file(self.cache or Path(), task.name, TEST, fingerprints, settings)
        if file not in self._ceilings:
            test = self.stream(task, TEST, settings.dev_fraction)
            self._ceilings[file] = cached_ceiling(task, test, encoder, settings, file if self.cache else None)
        return self._ceilings[file]

    def missing(self, task: Task[Any, Any]) -> MissingCorpus | None:
        """Why a task's corpus is not there; None where it is; InputError where it is damaged."""
        try:
            self.corpus_statistics(task)
        except MissingCorpus as error:
            return error
        return None

    def require(self, tasks: Sequence[Task[Any, Any]]) -> None:
        """InputError where a corpus is missing or damaged; it names the tasks whose corpora are there."""
        missing = {task.name: error for task in tasks if (error := self.missing(task))}
        there = [task.name for task in tasks if task.name not in missing]
        hint = f"what is there runs with --tasks {' '.join(there)}"
        if len(missing) == 1:
            ((name, error),) = missing.items()
            what = f"{name}: {str(error).removeprefix(f'{name}: ')}"
            raise InputError(f"{what}; {hint}" if there else what)
        if missing:
            lines = [f"{name}: {why.official.partition(' (')[0] or why} is missing" for name, why in missing.items()]
            sys.stderr.writelines(sanitise(line) + "\n" for line in (*lines, *[hint][: len(there)]))
            names = f" ({', '.join(missing)})" if len(missing) < 4 else ""
            count = f"{len(missing)} of {len(tasks)} corpora are missing"
            raise InputError(f"{count}{names}: `tasks --data DIR` says where to get each")


def windows_file(
    cache: Path | None, task: str, split: str, fingerprints: Fingerprints, settings: Settings
) -> Path | None:
    """The file for the windows of a task's split: its name is a digest of all that they depend on."""
    if cache is None:
        return None
    head = registry.task(task).head.partition(":")[0]
    modules = ("baselines.core.ceiling", "baselines.core.cached_windows", head, registry.module("task", task))
    cut = [settings.max_length, settings.pair_max_length, settings.dev_fraction, settings.span_head]
    # The same files may be cut in other tokens by another version of the library that reads them.
    library = metadata.version("tokenizers")
    key = strict_json.dumps(
        [split, fingerprints.corpora[task], fingerprints.encoder, code.digest(modules), library, cut]
    )
    return cache / f"{task}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.arrow"

"""What readers mended, skipped or doubted in the corpora of a comparison, and where that is much of a task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bench.report import words
from bench.report.alike import distinct
from bench.report.comparison import Comparison
from bench.store.runs import Result, read_evidence

SHARE = 0.01
"""The part of a task's mentions or examples above which it is said first of all."""

# Kinds that are of a whole file are reckoned beside documents, others beside mentions.
_OF_FILES = re.compile("file|folder|archive|copy|link|text without|line ends|most texts|offsets counted")


def noticed(results: Iterable[Result], task: str) -> list[str]:
    """The counts by kind with which a corpus was read; several where runs read several versions of it."""
    return distinct(words.notices(found) for result in results if (found := result.notices.get(task)))


def loud(comparison: Comparison) -> Iterator[str]:
    """One sentence for each task of whose mentions or examples more than SHARE was touched."""
    for task in comparison.tasks:
        runs = [result for arm in comparison.arms for result in arm.by_task.get(task, {}).values()]
        different = {words.notices(found): result for result in runs if (found := result.notices.get(task))}
        for counts, result in different.items():
            examples = sum(result.scores[task].examples.values())
            of_files = sum(count for kind, count in result.notices[task].items() if _OF_FILES.search(kind))
            others = sum(result.notices[task].values()) - of_files
            size, what = _size(result, task, examples)
            if not (of_files <= SHARE * examples and others <= SHARE * size):
                yield (
                    f"The corpus of {task} was read with doubt: {counts}, of about {size:,.0f} {what} "
                    "(`python -m bench tasks --data DIR --verbose` lists each)."
                )


def _size(result: Result, task: str, examples: int) -> tuple[float, str]:
    """The mentions of a corpus, as many for each document as in its test split; the examples where none are counted."""
    metric = result.scores[task].metrics[0]
    gold = [k for k, column in enumerate(metric.columns) if column.endswith((":tp", ":fn"))]
    if not gold:
        return examples, "examples"
    rows = read_evidence(result, task).rows[metric.name]
    return examples * float(rows[:, gold].sum()) / max(len(rows), 1), "mentions"

"""Our counts are those of the challenges' own programs, on wild answers to invented documents that they have scored.

`official_scores/<task>.jsonl` holds for each case what the task's program returned: the score, then its counts. Which
program that was, in which version, and of how many cases these are a choice, is in docs/scoring.md.
"""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from invented import span, task
from tasks.core.examples import Document, Span
from tasks.core.formats.i2b2_concepts import write_document
from tasks.core.metrics.concepts import SPAN_ONLY_F1, exact_tokens, whole_tokens
from tasks.core.metrics.metric import Metric, evidence
from tasks.core.metrics.spans import Outcome, exact_f1

FOLDER = Path(__file__).parent / "official_scores"
CASES = [
    pytest.param(place.stem, json.loads(line), id=f"{place.stem}-{number}")
    for place in sorted(FOLDER.glob("*.jsonl"))
    for number, line in enumerate(place.read_text(encoding="utf-8").splitlines(), 1)
]


def counts(metric: Metric, total: np.ndarray) -> list[int]:
    """The sum of each role's columns over the labels."""
    roles = (
        Outcome._fields
        if set(Outcome._fields) <= {column.rpartition(":")[2] for column in metric.columns}
        else metric.columns
    )
    return [
        int(sum(total[k] for k, column in enumerate(metric.columns) if column.rpartition(":")[2] == role))
        for role in roles
    ]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_scores_are_the_official_programs_to_the_last_digit(name, case):
    listing = tuple(map(span, case["gold"]))
    document = Document("1", case["text"], frozenset(listing), listing)
    metrics = {metric.name: metric for metric in task(name).metrics}
    for metric, (score, *counted) in case["official"].items():
        total = evidence(metrics[metric], [document], [frozenset(map(span, case["answer"]))]).sum(axis=0)
        assert counts(metrics[metric], total) == counted, metric
        # The programs print 0 where nothing can be scored.
        assert np.nan_to_num(metrics[metric].value(total)) == pytest.approx(score, abs=1e-15), metric


def test_there_are_twenty_cases_of_each_program():
    assert {
        place.stem: len(place.read_text(encoding="utf-8").splitlines()) for place in FOLDER.iterdir()
    } == dict.fromkeys(("i2b2_2012", "i2b2_2014", "n2c2_2018", "quaero_2014"), 20)


CONCEPTS = ("problem", "treatment", "test")


def concepts(rng):
    """A text of words, mentions that cover whole words, and mentions some of which begin or end inside one."""
    words = [rng.choice(["a", "bc", "d.", "e-f"]) for _ in range(30)]
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    text = "".join(word + rng.choice(" \n") for word in words)

    def some():
        firsts = [rng.randrange(30) for _ in range(rng.randrange(9))]
        lasts = [min(29, first + rng.randrange(4)) for first in firsts]
        places = [
            (int(ends[first]) - len(words[first]), int(ends[last])) for first, last in zip(firsts, lasts, strict=True)
        ]
        return frozenset(Span((place,), rng.choice(CONCEPTS)) for place in places)

    cut = (Span(((s.start + rng.randrange(2), s.end - rng.randrange(2)),), s.label) for s in some())
    return text, some(), frozenset(span for span in cut if span.start < span.end)


@pytest.mark.parametrize("seed", range(20))
def test_i2b2_2010_scores_compare_the_lines_of_concept_files(tmp_path, seed):
    """No source of the evaluator is public: this is its stated rule, on lines and tokens instead of characters."""
    text, *sides = concepts(random.Random(seed))
    written = []
    for number, spans in enumerate(sides):
        document, _ = whole_tokens(Document("1", text, spans))
        write_document(tmp_path / "1.txt", tmp_path / f"{number}.con", document)
        lines = (tmp_path / f"{number}.con").read_text(encoding="utf-8").splitlines()
        written.append([line.rsplit('" ', 1)[1].split("||") for line in lines])
    gold, given = ([tuple(line) for line in lines] for lines in written)
    places = [{place for place, _ in lines} for lines in (gold, given)]
    found, overlap = sum(line in gold for line in given), len(places[0] & places[1])
    for metric, expected in (
        (exact_f1(CONCEPTS, exact_tokens), [found, len(given) - found, len(gold) - found]),
        (SPAN_ONLY_F1, [overlap, len(places[1]) - overlap, len(places[0]) - overlap]),
    ):
        assert counts(metric, evidence(metric, [Document("1", text, sides[0])], [sides[1]]).sum(axis=0)) == expected

"""A report holds less of evidence than was stored, and says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.report import files
from bench.report.comparison import Selection
from bench.report.held import holding
from bench.store.evidence import Evidence
from bench.store.runs import read_all
from made_up_results import Maker

TASKS = ("i2b2_2010", "mednli", "n2c2_2019")


def test_what_is_held_gives_the_report_that_all_evidence_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the last digit: sections, figures of statistics and rows of scores."""
    for seed in (0, 1, 2):
        for task in TASKS:
            Maker(root=tmp_path).run("single_task", (task,), seed)
        Maker(root=tmp_path).run("multitask", TASKS, seed, skill=0.77)
    held = files.read(tmp_path, Selection())
    monkeypatch.setattr(files, "holding", lambda: lambda result: result)
    whole = files.read(tmp_path, Selection())
    assert [held.text(form) for form in ("markdown", "json")] == [whole.text(form) for form in ("markdown", "json")]
    for one, other in zip(held.comparisons[0].contrasts[0].pairs, whole.comparisons[0].contrasts[0].pairs, strict=True):
        assert np.array_equal(one.first, other.first)
        assert np.array_equal(one.second, other.second)


def test_counts_are_held_in_a_byte_and_other_numbers_as_they_are(tmp_path: Path) -> None:
    maker = Maker(root=tmp_path)
    result = maker.run("single_task", ("i2b2_2010",), 0)
    counts = result.evidence["i2b2_2010"].rows["f1"]
    for rows, kind in ((counts, np.uint8), (counts + 256, float), (counts - 100, float), (counts + 0.5, float)):
        evidence = {"i2b2_2010": Evidence(result.evidence["i2b2_2010"].ids, {"f1": rows})}
        found = holding()(replace(result, evidence=evidence)).evidence["i2b2_2010"].rows["f1"]
        assert found.dtype == kind
        assert np.array_equal(found, rows)


def test_runs_of_the_same_test_set_share_its_ids_and_others_do_not(tmp_path: Path) -> None:
    for seed, examples in ((0, 40), (1, 40), (2, 41)):
        Maker(root=tmp_path, examples=examples).run("single_task", ("mednli",), seed)
    first, second, other = (one.evidence["mednli"].ids for one in read_all(tmp_path, held=holding()))
    assert first is second
    assert len(other) == 41

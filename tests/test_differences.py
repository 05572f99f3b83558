"""What the report says of a difference: which tasks gain and lose, by how much, how sure, and what would decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.report.comparison import Comparison, Contrast, Selection, comparisons
from bench.report.table import Table
from bench.report.tables import differences
from bench.statistics import calibrated
from bench.statistics.calibrated import CalibrationCell, nearest
from bench.store.runs import read_all
from made_up_results import Maker

TASKS = ("i2b2_2010", "mednli", "n2c2_2019")


def found(
    root: Path, seeds: tuple[int, ...], skills: tuple[float, ...], examples: int = 300
) -> tuple[Comparison, Contrast]:
    """Single-task at 0.6, and a multitask arm that has these skills in the three tasks."""
    maker = Maker(root=root, examples=examples)
    for seed in seeds:
        for task in TASKS:
            maker.run("single_task", (task,), seed, skill=0.6)
        rows = {task: maker.evidence("multitask", task, seed, skill) for task, skill in zip(TASKS, skills, strict=True)}
        scores = {task: maker.score(task, own) for task, own in rows.items()}
        maker.store(replace(maker.run("multitask", TASKS, seed), scores=scores), rows)
    (comparison,) = comparisons(read_all(root), Selection())
    (contrast,) = comparison.contrasts
    return comparison, contrast


def row(table: Table, task: str) -> dict[str, str]:
    """A row by the names of its columns; the first of two that share a name."""
    cells = next(cells for cells in table.rows if cells[0] == task)
    return dict(reversed(list(zip(table.header, cells, strict=True))))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Contrast]:
    """Entity spans gain, inference loses, similarity stays as it is, over five seeds."""
    return found(tmp_path_factory.mktemp("mixed"), (0, 1, 2, 3, 4), (0.75, 0.4, 0.6))


def test_a_gain_a_loss_and_neither_are_told_apart(mixed: tuple[Comparison, Contrast]) -> None:
    """Verdicts and the sign of transfer agree, and the losers are named as negative transfer."""
    judged, transfers = differences.difference(*mixed), differences.transfer(*mixed)
    assert row(judged, "i2b2_2010")["verdict"] == "better"
    assert row(judged, "mednli")["verdict"] == "worse"
    assert [row(transfers, task)["transfer"] for task in TASKS] == ["positive", "negative", "unclear"]
    assert "negative on 1 (mednli)" in transfers.notes[0]


def test_relative_figures_follow_from_the_scores(mixed: tuple[Comparison, Contrast]) -> None:
    """Worked out again by seed from the stored scores: the mean of the changes is Delta_m."""
    comparison, contrast = mixed
    changes = []
    for task in TASKS:
        first, second = (comparison.values(arm, task) for arm in ("single_task", "multitask"))
        gains = [(second[seed] - first[seed]) / first[seed] for seed in first]
        changes.append(100 * sum(gains) / len(gains))
        errors = [(second[seed] - first[seed]) / (1 - first[seed]) for seed in first]
        shown = row(differences.transfer(*mixed), task)
        assert shown["change"] == f"{changes[-1]:+.1f} %"
        assert shown["errors"] == f"{100 * sum(errors) / len(errors):+.1f} %"
    assert row(differences.transfer(*mixed), "mean")["change"] == f"{sum(changes) / 3:+.1f} %"
    assert contrast.mean is not None


def test_one_seed_is_said_to_leave_seed_variance_unknown(tmp_path: Path) -> None:
    """In a note, and as unknown in its column: never as 0."""
    one = found(tmp_path, (0,), (0.6, 0.6, 0.6), 40)
    assert any("seed variance is unknown" in note for note in differences.difference(*one).notes)
    assert row(differences.budget(*one), "mednli")["from seeds"] == "unknown"
    assert row(differences.budget(*one), "mednli")["seeds to decide"] == "unknown"


def test_the_budget_is_for_what_is_undecided(mixed: tuple[Comparison, Contrast]) -> None:
    """A decided task needs no more seeds."""
    assert row(differences.budget(*mixed), "i2b2_2010")["seeds to decide"] == "decided"
    assert row(differences.budget(*mixed), "mednli")["seeds to decide"] == "decided"


def test_resampling_stands_beside_the_t(mixed: tuple[Comparison, Contrast]) -> None:
    """Bootstrap and randomisation agree with it on a large gain; a mean has no p of randomisation."""
    table = differences.resampling(*mixed)
    assert row(table, "i2b2_2010")["p (randomisation)"] == "<0.001"
    assert row(table, "i2b2_2010")["95 % interval (bootstrap)"].startswith("[+")
    assert row(table, "mean")["p (randomisation)"] == ""


@pytest.mark.parametrize(("type_one", "said"), [(0.05, False), (0.09, True)])
def test_what_calibration_does_not_vouch_for_is_said(
    mixed: tuple[Comparison, Contrast], type_one: float, said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The measured errors of the nearest smaller case, where they are not as demanded."""
    cells = [CalibrationCell(one.formula, 20, 3, 0.0, 1000, type_one, 0.95, 0.1, 0.2) for one in mixed[1].pairs]
    monkeypatch.setattr(calibrated, "stored", lambda: tuple(cells))
    notes = " ".join(differences.difference(*mixed).notes)
    assert ("9.0 to 9.0 % (20 examples, 3 seeds)" in notes) is said


def test_tasks_that_calibration_never_saw_are_said(tmp_path: Path) -> None:
    """Fewer examples than any simulated set has."""
    notes = " ".join(differences.difference(*found(tmp_path, (0, 1, 2), (0.6, 0.6, 0.6), 12)).notes)
    assert "i2b2_2010, mednli, n2c2_2019: not measured" in notes
    assert nearest("micro_f1", 12, 3) == ()

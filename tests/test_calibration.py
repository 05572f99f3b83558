"""The simulated experiments are what they say, and what was measured on them is what reports and docs rest on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import calibrate
from bench.report.table import draw_table
from bench.statistics import calibrated
from bench.statistics.calibrated import CalibrationCell
from bench.statistics.paired import seed_differences
from simulation import KINDS, Truth, draw, true_gain

DOCS = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"
NEEDS_CLONE = pytest.mark.skipif(not DOCS.exists(), reason="the docs are not shipped")


@pytest.mark.parametrize("formula", KINDS)
def test_simulated_arms_differ_by_the_stated_gain(formula: str) -> None:
    """On many documents and seeds the mean difference is the true one, and the seeds spread as stated."""
    truth = Truth(seed_spread=0.01, gain=0.02)
    (paired,) = draw(np.random.default_rng(1), (formula,), (40, 2000), truth)
    gains = seed_differences(paired)
    assert true_gain(formula, truth) == pytest.approx(0.02, abs=0.001)
    assert gains.mean() == pytest.approx(true_gain(formula, truth), abs=0.01)
    # Two arms' luck, and what training and document do together.
    assert 0.01 < gains.std(ddof=1) < 0.025


def test_tasks_of_one_experiment_share_the_luck_of_a_multitask_training() -> None:
    """Gains of different tasks rise and fall together from seed to seed."""
    pairs = draw(np.random.default_rng(2), ("micro_f1", "micro_f1"), (60, 1000), Truth(0.03, 0.0))
    assert np.corrcoef(*map(seed_differences, pairs))[0, 1] > 0.1


def test_a_world_without_difference_is_called_different_about_once_in_twenty() -> None:
    """One corner of the grid, measured anew: 3 seeds that differ by as much as the documents do."""
    cells = calibrate.measure(calibrate.World("two_sided_f1", 40, 0.005), 200)
    three = next(cell for cell in cells if cell.seeds == 3)
    assert 0.005 <= three.type_one <= 0.11
    assert 0.89 <= three.coverage <= 0.995
    assert three.bootstrap_type_one is not None


def test_the_stored_calibration_is_whole_and_holds_where_the_docs_say() -> None:
    """At least 1,000 repetitions of every corner; 3 and 5 seeds never call too often, and most are as demanded."""
    cells = calibrated.stored()
    corners = {(world.formula, world.examples, world.seed_spread) for world in calibrate.worlds()}
    assert {(cell.formula, cell.examples, cell.seed_spread) for cell in cells} == corners
    assert len(cells) == len(corners) * len(calibrate.SEEDS)
    assert min(cell.repetitions for cell in cells) >= 1000
    several = [cell for cell in cells if cell.seeds >= 3]
    assert max(cell.type_one for cell in several) <= calibrated.TYPE_ONE[1]
    assert sum(calibrated.holds([cell]) for cell in several) >= 0.8 * len(several)
    large = [cell for cell in several if cell.examples > 20]
    assert all(calibrated.holds([cell for cell in large if cell.formula == one.formula]) for one in large)


def test_the_nearest_cells_are_never_of_more_seeds_or_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is vouched for by an easier case; what is smaller than all that was measured has no cell."""
    cells = tuple(
        CalibrationCell("micro_f1", examples, seeds, 0.0, 1000, 0.05, 0.95, 0.1, 0.2)
        for examples in (20, 500)
        for seeds in (1, 3)
    )
    monkeypatch.setattr(calibrated, "stored", lambda: cells)
    assert [(cell.examples, cell.seeds) for cell in calibrated.nearest("micro_f1", 499, 4)] == [(20, 3)]
    assert calibrated.nearest("micro_f1", 19, 3) == ()
    assert calibrated.nearest("pearson", 500, 3) == ()


@pytest.mark.parametrize(
    ("type_one", "coverage", "holds"),
    [(0.05, 0.95, True), (0.07, 0.95, False), (0.05, 0.93, False), (float("nan"), 0.95, False)],
)
def test_a_cell_holds_within_what_is_demanded(type_one: float, coverage: float, holds: bool) -> None:
    assert calibrated.holds([CalibrationCell("micro_f1", 20, 3, 0.0, 1000, type_one, coverage, 0.1, 0.2)]) is holds


def test_calibrate_stores_figures_and_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table in the docs is replaced and nothing around it; every line fits a terminal."""
    docs, stored = tmp_path / "statistics.md", tmp_path / "calibration.json"
    docs.write_text("before\n<!-- calibration -->\nstale\n<!-- end of calibration -->\nafter\n")
    small = [calibrate.World("proportion", 20, spread) for spread in calibrate.SEED_SPREADS]
    monkeypatch.setattr(calibrate, "worlds", lambda: small)
    monkeypatch.setattr(calibrate, "DOCS", docs)
    monkeypatch.setattr(calibrate, "STORED", stored)
    assert calibrate.main(["--repetitions", "10", "--store"]) == 0
    assert len(json.loads(stored.read_text())) == len(small) * len(calibrate.SEEDS)
    text = docs.read_text()
    assert text.startswith("before\n<!--")
    assert text.endswith("-->\nafter\n")
    assert "stale" not in text
    assert "| proportion" in text
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@NEEDS_CLONE
def test_the_docs_show_what_is_stored() -> None:
    """The table in docs/statistics.md is that of the stored figures."""
    table = draw_table(calibrate.HEADER, calibrate.rows(calibrated.stored()), calibrate.ALIGN, "pipe")
    assert table in DOCS.read_text(encoding="utf-8")

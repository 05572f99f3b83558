"""Energy is counted where the system tells it, across the end of a counter, and is unknown elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.core import resources
from baselines.core.resources import EnergyMeter
from baselines.core.stats import TrainStats


def package(root: Path, name: str, microjoules: int) -> Path:
    """A counter as Linux shows it, which starts again at 1,000 J."""
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text("1000000000\n")
    return folder


def test_packages_are_added_up_across_the_end_of_a_counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two packages and a part of one, which would count its energy twice."""
    monkeypatch.setattr(resources, "POWERCAP", tmp_path)
    for name, start in (("intel-rapl:0", 990_000_000), ("intel-rapl:1", 5_000_000), ("intel-rapl:0:0", 0)):
        package(tmp_path, name, start)
    meter = EnergyMeter("cpu")
    package(tmp_path, "intel-rapl:0", 15_000_000)
    package(tmp_path, "intel-rapl:1", 7_500_000)
    package(tmp_path, "intel-rapl:0:0", 900_000_000)
    assert meter.known
    assert meter.lap_joules() == pytest.approx(25 + 2.5)
    assert meter.lap_joules() == 0


def test_no_counter_is_unknown_energy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not 0: no folder, or a counter without a figure."""
    monkeypatch.setattr(resources, "POWERCAP", tmp_path)
    assert EnergyMeter("cpu").lap_joules() is None
    package(tmp_path, "intel-rapl:0", 0)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("")
    assert EnergyMeter("cpu").lap_joules() is None


def test_a_training_adds_up_its_energy_and_forgets_it_once_it_is_unknown() -> None:
    """What went on where nothing tells the energy makes the whole unknown."""
    stats = TrainStats(energy_joules=0.0)
    stats.add_energy(30.0)
    stats.add_energy(12.5)
    assert stats.energy_joules == 42.5
    stats.add_energy(None)
    stats.add_energy(7.0)
    assert stats.energy_joules is None

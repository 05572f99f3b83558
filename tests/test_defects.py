"""Defects put into the real training, small: the command that judges it catches each, and lets another seed pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

import defects
from small_trainings import SPANS, SmallBench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> SmallBench:
    """Two honest trainings are the reference."""
    made = SmallBench(tmp_path_factory.mktemp("defects"), tiny_encoder, [SPANS])
    made.train("honest", 0, 1)
    assert made.check("honest", "--update", "--why", "the first") == 0
    return made


@pytest.mark.parametrize(
    ("defect", "status"),
    [
        (nullcontext, 0),
        (defects.heads_left_out, 1),
        (defects.offsets_one_short, 1),
        (lambda: defects.training_set_changed(SPANS, defects.labels_swapped("PATIENT", "DATE")), 1),
    ],
    ids=["none", "heads left out", "offsets one short", "labels swapped"],
)
def test_a_defect_is_caught_and_another_seed_is_none(
    bench: SmallBench, request: pytest.FixtureRequest, defect: Callable[[], AbstractContextManager[None]], status: int
) -> None:
    name = request.node.callspec.id
    with defect():
        bench.train(name, 3)
    assert bench.check(name) == status


def test_a_label_that_is_not_read_any_more_is_lost_recall_of_phi(
    bench: SmallBench, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even a check that lets every score pass is stopped by it."""
    with defects.training_set_changed(SPANS, defects.labels_lost(["DOCTOR"])):
        bench.train("labels lost", 3)
    assert bench.check("labels lost", "--margin", "100", "--limit", "100") == 1
    assert "recall of PHI: it changed by more than the hard limit" in capsys.readouterr().out


def test_the_same_training_again_is_equal_document_by_document(bench: SmallBench) -> None:
    """On one machine the same seed gives the same evidence, to the digit."""
    bench.train("again", 1)
    assert bench.check("again", "--exact") == 0

"""A result is stored whole or not at all, read strictly or not at all, and found nowhere but in its place."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench import store, strict_json
from bench.store import Result
from made_up_results import Maker


@pytest.fixture
def stored(tmp_path: Path) -> Result:
    """A joint result in a results folder."""
    return Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0)


def test_what_is_written_is_read_back(stored: Result, tmp_path: Path) -> None:
    (found,) = store.read_all(tmp_path)
    assert found == stored
    assert found.folder == tmp_path / "runs" / "demo-minilm" / "multitask" / "i2b2_2010+mednli" / "seed-0"
    assert store.read_evidence(found, "mednli").ids.shape == (40,)


def test_a_score_that_is_not_defined_is_null_and_comes_back_as_nan(stored: Result, tmp_path: Path) -> None:
    score = stored.scores["mednli"]
    undefined = replace(score, metrics=(replace(score.metrics[0], value=math.nan), *score.metrics[1:]), ceiling=None)
    text = strict_json.dumps(replace(stored, scores={"mednli": undefined}))
    assert '"value": null' in text
    back = strict_json.loads(Result, text).scores["mednli"]
    assert math.isnan(back.metrics[0].value)
    assert back.ceiling is None


def test_more_than_three_tasks_have_a_short_name_of_their_own() -> None:
    labels = {store.tasks_label(tasks) for tasks in (["a", "b", "c", "d"], ["d", "c", "b", "a"], ["a", "b", "c", "e"])}
    assert len(labels) == 2
    assert all(label.startswith("4-tasks-") and len(label) == 14 for label in labels)


def test_a_result_that_lies_elsewhere_counts_once(stored: Result, tmp_path: Path) -> None:
    assert stored.folder is not None
    shutil.copytree(stored.folder, stored.folder.with_name("seed-7"))
    assert store.read_all(tmp_path) == [stored]


@pytest.mark.parametrize("dies_at", ["bench.store._fill", "bench.whole._sync"])
def test_a_writer_that_dies_leaves_the_older_result_and_no_litter(
    stored: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dies_at, die)
        with pytest.raises(KeyboardInterrupt):
            Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0, skill=0.9)
    assert store.read_all(tmp_path) == [stored]
    assert [path.name for path in (tmp_path / "runs" / "demo-minilm" / "multitask" / "i2b2_2010+mednli").iterdir()] == [
        "seed-0"
    ]


def test_what_a_killed_writer_left_is_no_result_and_is_cleared_away(stored: Result, tmp_path: Path) -> None:
    assert stored.folder is not None
    for word in ("new", "old"):
        shutil.copytree(stored.folder, stored.folder.with_name(f".seed-0.{word}"))
    assert store.read_all(tmp_path) == [stored]
    Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0)
    assert [path.name for path in stored.folder.parent.iterdir()] == ["seed-0"]


def test_a_newer_result_takes_the_place_of_the_older(stored: Result, tmp_path: Path) -> None:
    newer = Maker(root=tmp_path).run("multitask", ("mednli", "i2b2_2010"), 0, skill=0.9)
    assert newer != stored
    assert store.read_all(tmp_path) == [newer]

"""The check catches what is planted, lets honest noise pass, and says when it cannot judge; NaN never passes."""

from __future__ import annotations

import json
import math
import shutil
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from baselines.core.settings import Settings
from bench import check
from bench.store import Evidence, Result, Score, read, read_evidence
from made_up_results import Maker
from tasks.core.errors import InputError

TASKS = ("i2b2_2010", "mednli", "n2c2_2019")
STEADY, DRIFTED, UNJUDGED = 0, 1, 2


def run(root: Path, *options: str) -> int:
    """The exit status of the command."""
    parser = ArgumentParser()
    check.add_arguments(parser)
    # A tolerance of their own: these tests are about the rule, not about how much the demo may move.
    tolerance = ["--margin", "3", "--limit", "10"]
    where = ["--results", str(root), "--reference", str(root / "reference")]
    return check.main(parser.parse_args([*where, *tolerance, *options]))


def make(root: Path, seeds: tuple[int, ...] = (0, 1), **changes: Settings) -> Maker:
    """Two seeds of both guarded arms on three tasks."""
    maker = Maker(root=root, **changes)
    for seed in seeds:
        for task in TASKS:
            maker.run("single_task", (task,), seed)
        maker.run("multitask", TASKS, seed)
    return maker


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    """Results that have just become their own reference."""
    make(tmp_path)
    assert run(tmp_path, "--update", "--why", "the first") == STEADY
    return tmp_path


Edit = Callable[[str, Score, Evidence], tuple[Score, Evidence]]


def plant(root: Path, edit: Edit, seeds: tuple[int, ...] = (0, 1)) -> None:
    """Stores the multitask results of the reference as new ones, with another score and evidence."""
    maker, reference = Maker(root=root), root / "reference"
    for folder in sorted((reference / "demo-minilm" / "multitask").glob("*/seed-*")):
        result: Result = read(reference, folder.relative_to(reference))
        if result.seed in seeds:
            edited = {task: edit(task, score, read_evidence(result, task)) for task, score in result.scores.items()}
            scores = {task: score for task, (score, _) in edited.items()}
            maker.store(replace(result, scores=scores), {task: evidence for task, (_, evidence) in edited.items()})


def in_task(wanted: str, edit: Callable[[Score, Evidence], tuple[Score, Evidence]]) -> Edit:
    """The edit in one task, the others as they are."""
    return lambda task, score, evidence: edit(score, evidence) if task == wanted else (score, evidence)


def rescored(score: Score, rows: np.ndarray, ids: np.ndarray) -> tuple[Score, Evidence]:
    """A score that follows from other evidence."""
    evidence = Evidence(ids, {score.metrics[0].name: rows})
    maker = Maker(root=Path())
    task = {"span": "i2b2_2010", "pair": "mednli", "similarity": "n2c2_2019"}[score.kind]
    return replace(score, metrics=maker.score(task, evidence).metrics), evidence


def lose_mentions(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """Where two mentions of the first label were found, one is found no more."""
    rows = evidence.rows["f1"].copy()
    lost = rows[:, 0] >= 2
    rows[lost, 0] -= 1
    rows[lost, 2] += 1
    return rescored(score, rows, evidence.ids)


def shuffle_labels(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """Right and wrong by the toss of a coin."""
    rows = evidence.rows["accuracy"].copy()
    rows[:, 0] = np.random.default_rng(0).integers(0, 2, len(rows))
    return rescored(score, rows, evidence.ids)


def constant_answers(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """One answer for all: Pearson is not a number."""
    rows = evidence.rows["pearson"].copy()
    rows[:, 2], rows[:, 4], rows[:, 5] = 1.0, 1.0, rows[:, 1]
    return rescored(score, rows, evidence.ids)


def another_score(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """A score that its evidence does not give."""
    metric = score.metrics[0]
    return replace(score, metrics=(replace(metric, value=metric.value - 0.001),)), evidence


def fewer(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """The last ten examples are not answered, and the result says so."""
    found, rest = rescored(score, evidence.rows[score.metrics[0].name][:-10], evidence.ids[:-10])
    return replace(found, examples={**score.examples, "test": len(rest.ids)}), rest


def fewer_in_secret(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """The last ten examples are not answered, and the result does not say so."""
    return rescored(score, evidence.rows[score.metrics[0].name][:-10], evidence.ids[:-10])


def no_metric(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """The primary metric has another name."""
    metric = replace(score.metrics[0], name="other")
    return replace(score, metrics=(metric,)), Evidence(evidence.ids, {"other": evidence.rows[score.metrics[0].name]})


def test_the_same_results_are_steady(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing drifted: status 0, and every arm and task is listed."""
    capsys.readouterr()
    assert run(guarded) == STEADY
    text = capsys.readouterr().out
    assert "6 steady, 0 drifted, 0 not judged" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("edit", "expected", "why"),
    [
        (in_task("i2b2_2010", lose_mentions), DRIFTED, "more than noise explains"),
        (in_task("mednli", shuffle_labels), DRIFTED, "hard limit"),
        (in_task("n2c2_2019", constant_answers), DRIFTED, "not a number"),
        (in_task("mednli", no_metric), DRIFTED, "accuracy is missing"),
        (in_task("mednli", another_score), UNJUDGED, "its evidence gives"),
        (in_task("mednli", fewer), UNJUDGED, "300/30/30 examples"),
        (in_task("mednli", fewer_in_secret), UNJUDGED, "other test examples"),
    ],
)
def test_planted_defects_are_caught(
    guarded: Path, edit: Edit, expected: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its status and reason, and in no other task than the one it was planted in."""
    plant(guarded, edit)
    capsys.readouterr()
    assert run(guarded, "--json") == expected
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert sum(one["judgement"] == "steady" for one in findings) == len(findings) - 1
    assert why in next(one["why"] for one in findings if one["judgement"] != "steady")


def test_a_defect_in_one_seed_is_no_less_missing(guarded: Path) -> None:
    """NaN in one seed of two is not averaged away."""
    plant(guarded, in_task("n2c2_2019", constant_answers), seeds=(1,))
    assert run(guarded) == DRIFTED


def test_a_gain_leaves_the_reference_too(guarded: Path) -> None:
    """What suddenly is much better is a reason to look: gold may have leaked."""

    def all_right(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
        return rescored(score, np.ones_like(evidence.rows["accuracy"]), evidence.ids)

    plant(guarded, in_task("mednli", all_right))
    assert run(guarded) == DRIFTED


def test_honest_noise_passes(guarded: Path) -> None:
    """A few answers that turn out otherwise, as on another processor, are no drift; twenty times over."""
    for stream in range(20):
        draw = np.random.default_rng(stream)

        def wobble(score: Score, evidence: Evidence, draw: np.random.Generator = draw) -> tuple[Score, Evidence]:
            rows = evidence.rows["accuracy"].copy()
            turned = draw.choice(len(rows), 2, replace=False)
            rows[turned, 0] = 1 - rows[turned, 0]
            return rescored(score, rows, evidence.ids)

        plant(guarded, in_task("mednli", wobble))
        assert run(guarded) == STEADY, stream


@pytest.mark.parametrize("damage", ["a run", "everything", "settings", "truncated"])
def test_what_cannot_be_judged_never_passes(guarded: Path, damage: str) -> None:
    """Missing results, other settings, a result cut short: status 2."""
    run_folder = guarded / "runs" / "demo-minilm" / "single_task" / "mednli" / "seed-1"
    if damage == "a run":
        shutil.rmtree(run_folder)
    elif damage == "everything":
        shutil.rmtree(guarded / "runs")
    elif damage == "settings":
        Maker(root=guarded, settings=Settings(epochs=7)).run("single_task", ("mednli",), 1)
    else:
        (run_folder / "result.json").write_text((run_folder / "result.json").read_text()[:100])
    assert run(guarded) == UNJUDGED


@pytest.mark.parametrize("field", ["corpora", "encoder"])
def test_other_corpora_or_weights_cannot_be_judged(guarded: Path, field: str) -> None:
    """Their digests decide; another digest of the code does not, since code is what is checked."""
    result = read(guarded / "runs", Path("demo-minilm/single_task/mednli/seed-0"))
    evidence = {"mednli": read_evidence(result, "mednli")}
    for depends_on, expected in (
        (replace(result.depends_on, code="other"), STEADY),
        (replace(result.depends_on, **{field: {"mednli": "x"} if field == "corpora" else "x"}), UNJUDGED),
    ):
        Maker(root=guarded).store(replace(result, depends_on=depends_on), evidence)
        assert run(guarded) == expected


def test_drift_outweighs_what_cannot_be_judged(guarded: Path) -> None:
    """A known defect is status 1, even beside missing results."""
    shutil.rmtree(guarded / "runs" / "demo-minilm" / "single_task")
    plant(guarded, in_task("mednli", shuffle_labels))
    assert run(guarded) == DRIFTED


def test_no_reference_cannot_be_judged(tmp_path: Path) -> None:
    """Nothing to compare with is an error, not a pass."""
    make(tmp_path, (0,))
    with pytest.raises(InputError, match="no demo reference"):
        run(tmp_path)


def test_a_damaged_reference_cannot_be_judged_against(guarded: Path) -> None:
    """One that cannot be read would guard less and say nothing."""
    next((guarded / "reference").rglob("result.json")).write_text("{}")
    with pytest.raises(InputError, match="restore it"):
        run(guarded)


def test_update_needs_a_reason_and_keeps_it(guarded: Path) -> None:
    """Accepted on purpose: the reason and the scores are in the history; answers stay behind."""
    plant(guarded, in_task("i2b2_2010", lose_mentions))
    with pytest.raises(InputError, match="reason"):
        run(guarded, "--update")
    assert run(guarded) == DRIFTED
    assert run(guarded, "--update", "--why", "heads\nare | smaller") == STEADY
    assert run(guarded) == STEADY
    history = (guarded / "reference" / "HISTORY.md").read_text()
    assert history.index("the first") < history.index(r"heads are \| smaller")
    assert not list((guarded / "reference").rglob("*.jsonl"))


def test_an_undefined_score_cannot_become_the_reference(guarded: Path) -> None:
    """It could guard nothing; what was the reference stays."""
    plant(guarded, in_task("n2c2_2019", constant_answers))
    with pytest.raises(InputError, match="not a number"):
        run(guarded, "--update", "--why", "no")
    assert run(guarded) == DRIFTED


@pytest.mark.parametrize("option", ["--margin", "--limit"])
def test_tolerances_are_in_points(guarded: Path, option: str) -> None:
    """A small loss passes or drifts by the margin given; nan as tolerance lets nothing pass."""
    plant(guarded, in_task("i2b2_2010", lose_mentions))
    assert run(guarded, "--margin", "50", "--limit", "60") == STEADY
    assert run(guarded, "--margin", "50", "--limit", "60", option, str(math.nan)) == DRIFTED

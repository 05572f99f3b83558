"""The parts of a judgement: noise that is calibrated, PHI that is guarded apart, speed as ratios, text made inert."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.stats

from bench.drift import ci, text
from bench.drift.findings import DRIFTED, STEADY, UNCOMPARED, UNJUDGED, Change, Finding, GuardedCell, Moved
from bench.drift.judge import SCORE, Rule, judge
from bench.drift.noise import noise, scores_of
from bench.drift.speed import judge_speed
from bench.store.runs import Result, read_evidence
from made_up_results import Maker
from tasks.core.metrics.formulas import micro_f1, proportion


def accuracies(*means: float, examples: int = 100, seed: int = 0) -> list[np.ndarray]:
    """The evidence of trainings that answer so large a part of the examples, each its own."""
    draw = np.random.default_rng(seed)
    right = [draw.permutation(examples) < round(mean * examples) for mean in means]
    return [np.stack([one, np.ones(examples)], axis=-1).astype(float) for one in right]


def accuracy(totals: np.ndarray) -> np.ndarray:
    return proportion(totals, ("correct", "count"))


def test_between_trainings_noise_is_students_prediction_interval() -> None:
    """t of S - 2 degrees of freedom, times s, times the root of 1/5 + 1/1."""
    before = (0.70, 0.75, 0.90, 0.60, 0.65)
    expected = scipy.stats.t.ppf(0.995, 4) * np.std(before, ddof=1) * np.sqrt(1 / 5 + 1)
    assert noise(accuracies(*before), accuracies(0.8), accuracy, 0.01) == pytest.approx(expected)


def test_where_trainings_agree_documents_are_the_noise() -> None:
    """The jackknife of a mean of paired differences is their standard error."""
    before, now = accuracies(0.7, 0.7), accuracies(0.7, seed=1)
    differences = now[0][:, 0] - (before[0][:, 0] + before[1][:, 0]) / 2
    expected = scipy.stats.norm.ppf(0.975) * scipy.stats.sem(differences)
    assert noise(before, now, accuracy, 0.05) == pytest.approx(expected)
    single = now[0][:, 0] - before[0][:, 0]
    alone = noise(before[:1], now, accuracy, 0.05)
    assert alone == pytest.approx(scipy.stats.norm.ppf(0.975) * scipy.stats.sem(single))


@pytest.mark.parametrize("spread", [0.005, 0.02, 0.05])
def test_honest_trainings_leave_their_noise_no_more_often_than_promised(spread: float) -> None:
    """However much trainings differ: 5 in the reference, 1 new, 600 times over."""
    draw, outside = np.random.default_rng(1), 0
    for repetition in range(600):
        scores = np.clip(draw.normal(0.75, spread, size=6), 0, 1)
        found = accuracies(*scores, examples=400, seed=repetition)
        before, now = found[:5], found[5:]
        change = np.mean(scores_of(now, accuracy)) - np.mean(scores_of(before, accuracy))
        outside += abs(change) > noise(before, now, accuracy, 0.05)
    assert outside / 600 <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 600)


def phi(root: Path, seed: int, missed: int, binary: bool = True) -> Result:
    """A training with an F1 that is always the same, and so many of 500 identifiers missed."""
    made = Maker(root=root / "made", examples=50).run("multitask", ("i2b2_2014",), 0)
    evidence, score = read_evidence(made, "i2b2_2014"), made.scores["i2b2_2014"]
    if binary:
        missed_each = np.diff(np.linspace(0, missed, 51).round())
        rows = np.stack([10 - missed_each, np.zeros(50), missed_each], axis=-1)
        metric = replace(
            score.metrics[0], name="binary_f1", primary=False, columns=("tp", "fp", "fn"),
            value=float(micro_f1(rows.sum(axis=0), ("tp", "fp", "fn"))),
        )  # fmt: skip
        score = replace(score, metrics=(*score.metrics, metric))
        evidence = replace(evidence, rows={**evidence.rows, "binary_f1": rows})
    result = replace(made, seed=seed, scores={"i2b2_2014": score})
    return Maker(root=root).store(result, {"i2b2_2014": evidence})


def judged_phi(root: Path, missed: int) -> Finding:
    """The finding on the recall of PHI of one training, where the reference misses about 100 of 500."""
    reference = [phi(root / "reference", seed, 98 + seed) for seed in range(5)]
    lenient = Rule(tolerance=replace(SCORE, margin=1.0, limit=1.0))
    primary, guard = judge(reference, [phi(root, 9, missed)], lenient)
    assert primary.judgement == STEADY
    return guard


@pytest.mark.parametrize(
    ("missed", "judgement"), [(100, STEADY), (110, STEADY), (132, DRIFTED), (160, DRIFTED), (20, STEADY)]
)
def test_lost_recall_of_phi_is_drift_whatever_the_tolerance_for_scores(
    tmp_path: Path, missed: int, judgement: str
) -> None:
    """F1 may stay as it is: what is missed counts alone, and what is missed less is no fault."""
    found = judged_phi(tmp_path, missed)
    assert (found.measure, found.judgement) == ("recall of PHI", judgement)
    assert (found.before, found.now) == (pytest.approx(0.8), pytest.approx(1 - missed / 500))


def test_a_reference_without_counts_of_phi_cannot_guard_it(tmp_path: Path) -> None:
    reference = [phi(tmp_path / "reference", seed, 100, binary=False) for seed in range(2)]
    assert [one.judgement for one in judge(reference, [phi(tmp_path, 9, 100)], Rule())] == [STEADY, UNJUDGED]


def timed(root: Path, answering: float = 1.0, joint: float = 1.0, device: str = "cpu") -> list[Result]:
    """Both arms on two tasks, multitask last; answering and the joint training so many times as slow as usual."""
    maker, tasks, made = Maker(root=root), ("mednli", "n2c2_2019"), []
    for arm, names in (("single_task", tasks[:1]), ("single_task", tasks[1:]), ("multitask", tasks)):
        result = maker.run(arm, names, 0)
        slower = joint if arm == "multitask" else 1.0
        training = replace(
            result.training,
            train_seconds=result.training.train_seconds * slower,
            dev_seconds=result.training.dev_seconds * answering * slower,
        )
        environment = replace(result.environment, device=device)
        seconds = result.test_seconds * answering * slower
        made.append(replace(result, training=training, test_seconds=seconds, environment=environment))
    return made


def speeds(reference: list[Result], results: list[Result]) -> dict[str, str]:
    """Measure -> judgement in the multitask arm."""
    found = judge_speed(reference, results)
    return {one.measure: one.judgement for one in found if one.cell.arm.startswith("multitask")}


def test_speed_drifts_by_ratios_in_both_directions(tmp_path: Path) -> None:
    """Everything ten times as slow is another machine; one part against another is the code."""
    usual, answering, arms = timed(tmp_path), "answering/training", "single_task/multitask"
    slow_machine = [
        replace(
            one,
            test_seconds=10 * one.test_seconds,
            training=replace(
                one.training,
                train_seconds=10 * one.training.train_seconds,
                dev_seconds=10 * one.training.dev_seconds,
            ),
        )
        for one in usual
    ]
    assert speeds(usual, slow_machine) == {answering: STEADY, arms: STEADY}
    assert speeds(usual, timed(tmp_path, answering=3)) == {answering: DRIFTED, arms: STEADY}
    assert speeds(usual, timed(tmp_path, answering=1 / 3)) == {answering: DRIFTED, arms: STEADY}
    assert speeds(usual, timed(tmp_path, joint=3)) == {answering: STEADY, arms: DRIFTED}
    assert speeds(usual, timed(tmp_path, joint=1 / 3)) == {answering: STEADY, arms: DRIFTED}


def test_speed_is_compared_on_one_machine_alone(tmp_path: Path) -> None:
    """Other devices or threads are not compared, nor arms that are not both there; a time that is nan is drift."""
    usual, answering, arms = timed(tmp_path), "answering/training", "single_task/multitask"
    assert set(speeds(usual, timed(tmp_path, device="H200")).values()) == {UNCOMPARED}
    threads = usual[0].environment.threads + 1
    other = [replace(one, environment=replace(one.environment, threads=threads)) for one in timed(tmp_path)]
    assert set(speeds(usual, other).values()) == {UNCOMPARED}
    assert speeds(usual, usual[2:]) == {answering: STEADY, arms: UNCOMPARED}
    assert speeds(usual[2:], usual) == {answering: STEADY}
    assert speeds(usual, timed(tmp_path, answering=float("nan")))[answering] == DRIFTED


HOSTILE = Finding(
    cell=GuardedCell("demo-x", 'arm<&"', "task]]>"),
    measure="f1\x1b[31m",
    judgement=DRIFTED,
    why="100%\n::error::made up, \x00",
    changes=(Change(0, "<id>\x07", "f1", (Moved("a:tp", 1.0, 2.0),)),),
)


def test_junit_is_xml_whatever_the_names() -> None:
    case = ElementTree.fromstring(ci.junit([HOSTILE])).find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == "task]]> f1<U+001B>[31m"
    assert "<id><U+0007> (seed 0), f1: a:tp 1 -> 2" in str(case.findtext("system-out"))


def test_an_annotation_is_one_line_and_one_command() -> None:
    """Nothing that a result says can begin a second command, or end the title of this one."""
    (line,) = "".join(ci.github_annotations([HOSTILE])).splitlines()
    assert line.startswith("::error title=task]]> f1<U+001B>[31m%3A drifted::")
    assert "100%25" in line


def test_what_people_read_is_inert_and_narrow() -> None:
    said = text.render([HOSTILE], SCORE, {("demo-x", 'arm<&"'): "run \x1b"})
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80


def test_a_finding_that_fails_is_never_left_out() -> None:
    """Status, JUnit and annotations agree on what fails."""
    unjudged = replace(HOSTILE, judgement=UNJUDGED, changes=())
    assert "<error" in ci.junit([unjudged])
    assert next(ci.github_annotations([unjudged])).startswith("::error")
    assert not list(ci.github_annotations([replace(unjudged, judgement=STEADY)]))

"""Results that guard themselves, and what is planted into them: other scores, other evidence, less of both."""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli import check
from bench.store.evidence import Evidence
from bench.store.runs import Result, Score, read, read_evidence
from made_up_results import Maker

TASKS = ("i2b2_2010", "mednli", "n2c2_2019")
SEEDS = (0, 1, 2, 3, 4)
OK, DRIFT, UNKNOWN = 0, 1, 2


def run(root: Path, *options: str) -> int:
    """The exit status of the command."""
    parser = ArgumentParser()
    check.add_arguments(parser)
    # A tolerance of their own: these tests are about the rule, not about how much the demo may move.
    tolerance = ["--margin", "3", "--limit", "10"]
    where = ["--results", str(root), "--reference", str(root / "reference")]
    return check.main(parser.parse_args([*where, *tolerance, *options]))


def findings(root: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    """What `--json` says, with its status checked against that of the command."""
    capsys.readouterr()
    status = run(root, "--json", *options)
    said = json.loads(capsys.readouterr().out)
    assert said["status"] == status
    return list(said["findings"])


def of(found: list[dict[str, Any]], arm: str, task: str) -> dict[str, Any]:
    """The first finding of an arm and task."""
    return next(one for one in found if one["cell"]["arm"].startswith(arm) and one["cell"]["task"] == task)


def make(root: Path, seeds: tuple[int, ...] = SEEDS) -> Maker:
    """Both guarded arms on three tasks."""
    maker = Maker(root=root)
    for seed in seeds:
        for task in TASKS:
            maker.run("single_task", (task,), seed)
        maker.run("multitask", TASKS, seed)
    return maker


Edit = Callable[[str, Score, Evidence], tuple[Score, Evidence]]


def plant(root: Path, edit: Edit, seeds: tuple[int, ...] = SEEDS, **changes: Any) -> None:
    """Stores the multitask results of the reference as new ones, with another score and evidence."""
    for result in multitask(root, seeds):
        edited = {task: edit(task, score, read_evidence(result, task)) for task, score in result.scores.items()}
        scores = {task: score for task, (score, _) in edited.items()}
        new = replace(result, scores=scores, **changes)
        Maker(root=root).store(new, {task: evidence for task, (_, evidence) in edited.items()})


def multitask(root: Path, seeds: tuple[int, ...] = SEEDS) -> list[Result]:
    """The multitask results of the reference."""
    folders = sorted((root / "reference" / "demo-minilm" / "multitask").glob("*/seed-*"))
    found = [read(root / "reference", folder.relative_to(root / "reference")) for folder in folders]
    return [one for one in found if one.seed in seeds]


def only(root: Path, seed: int, edit: Edit, **changes: Any) -> None:
    """One multitask training is all there is to be judged, beside the single-task arm."""
    shutil.rmtree(root / "runs" / "demo-minilm" / "multitask")
    plant(root, edit, (seed,), **changes)


def as_it_was(task: str, score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """No edit."""
    return score, evidence


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


def all_right(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """Every answer is right."""
    return rescored(score, np.ones_like(evidence.rows["accuracy"]), evidence.ids)


def constant_answers(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """One answer for all: Pearson is not a number."""
    rows = evidence.rows["pearson"].copy()
    rows[:, 2], rows[:, 4], rows[:, 5] = 1.0, 1.0, rows[:, 1]
    return rescored(score, rows, evidence.ids)


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


def other_columns(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """The same numbers are said to be of other labels."""
    metric = score.metrics[0]
    columns = tuple(column.replace("problem", "disease") for column in metric.columns)
    return replace(score, metrics=(replace(metric, columns=columns),)), evidence


def one_more_metric(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
    """A metric that the reference does not know."""
    metric = score.metrics[0]
    rows = evidence.rows[metric.name]
    more = Evidence(evidence.ids, {**evidence.rows, "new": rows})
    return replace(score, metrics=(metric, replace(metric, name="new", primary=False))), more


def turn(*examples: int) -> Callable[[Score, Evidence], tuple[Score, Evidence]]:
    """The answers to some pairs become right where they were wrong, and wrong where they were right."""

    def edit(score: Score, evidence: Evidence) -> tuple[Score, Evidence]:
        rows = evidence.rows["accuracy"].copy()
        rows[list(examples), 0] = 1 - rows[list(examples), 0]
        return rescored(score, rows, evidence.ids)

    return edit

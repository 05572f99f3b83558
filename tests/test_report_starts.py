"""An arm that starts from another is beside the others everywhere in a report, its costs with those of its start."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from baselines.core.settings import Settings
from bench.drift.findings import DRIFTED, STEADY
from bench.drift.judge import Rule, judge
from bench.drift.reference import accept, read_reference
from bench.report import files
from bench.report.comparison import Selection
from bench.report.formats.rows import eval_cards
from bench.store.runs import read_all
from conftest import Report
from made_up_results import KINDS, Maker

TUNED = "multitask_finetuned"
SETTINGS = Settings(finetune_epochs=7)


def tuned(maker: Maker, seeds: tuple[int, ...] = (0, 1, 2)) -> Maker:
    """The whole comparison, and each task fine-tuned."""
    maker.everything(seeds)
    for seed in seeds:
        for task in KINDS:
            replace(maker, settings=SETTINGS).run(TUNED, (task,), seed, skill=0.8)
    return maker


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tuned(Maker(root=tmp_path_factory.mktemp("tuned"))).root


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    """To be changed."""
    return shutil.copytree(results, tmp_path / "copy")


def costs(text: str) -> dict[str, list[str]]:
    """Row -> its cells, of the table of costs as CommonMark."""
    table = text.split("Cost of all 8 tasks")[1].split("\n#")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:4] for row in rows}


def test_costs_of_training_hold_the_start_once_a_seed_and_what_is_kept_does_not(results: Path, report: Report) -> None:
    """Eight trainings of 40 s, and one of 320 s."""
    found = costs(report(results, "--markdown"))
    assert found[""] == ["single\\_task", "multitask", "multitask\\_finetuned"]
    assert found["trainings"] == ["8", "1", "9"]
    assert found["models to keep"] == ["8", "1", "8"]
    assert found["real tokens trained on"] == ["987,648", "987,648", "1,975,296"]
    assert found["parameters"] == ["181,600,000", "22,700,000", "181,600,000"]
    assert found["training, wall-clock"] == ["5 min 20 s", "5 min 20 s", "10 min 40 s"]
    assert found["answering the test sets"] == ["12.0 s"] * 3


def test_a_start_that_is_not_shown_counts_and_one_that_was_deleted_is_unknown(copy: Path, report: Report) -> None:
    words = ("--markdown", "--baselines", TUNED)
    assert costs(report(copy, *words))["trainings"] == ["9"]
    shutil.rmtree(copy / "runs/demo-minilm/multitask")
    text = report(copy, *words)
    found = costs(text)
    assert found["training, wall-clock"] == found["real tokens trained on"] == found["trainings"] == ["unknown"]
    assert found["models to keep"] == ["8"]
    assert found["parameters"] == ["181,600,000"]
    assert "that is unknown where its result is not there" in text
    assert re.search(r"\| mednli +\| multitask\\_finetuned +\| +unknown \| +unknown \|", text)


def test_what_a_task_saw_in_the_start_counts_too(results: Path, report: Report) -> None:
    text = report(results, "--markdown").split("What each task saw")[1]
    assert re.search(r"\| mednli +\| single\\_task = multitask +\| +200 \| +3,000 \| +123,456 \| +6\.0", text)
    assert re.search(r"\| mednli +\| multitask\\_finetuned +\| +400 \| +6,000 \| +246,912 \| +12\.0", text)


def test_what_fills_a_gap_names_all_tasks_of_the_start_and_its_epochs(copy: Path, report: Report) -> None:
    """Started from another set of tasks it would be another run."""
    shutil.rmtree(next(copy.glob(f"runs/*/{TUNED}/mednli-*/seed-1")))
    (command,) = (line for line in joined(report(copy)) if f"--baselines {TUNED} " in line)
    assert f"--tasks {' '.join(sorted(KINDS))} --seeds 1 " in command
    assert "--finetune-epochs 7" in command


def joined(text: str) -> list[str]:
    return re.sub(r" \\\n +", " ", text).splitlines()


def test_runs_that_start_from_another_arm_are_an_arm_of_their_own(copy: Path, report: Report) -> None:
    maker = Maker(root=copy, settings=SETTINGS)
    one = maker.run(TUNED, ("mednli",), 5)
    assert one.start is not None
    shutil.rmtree(one.folder or "")
    other = replace(one, seed=0, start=replace(one.start, arm="multitask-loss_sum", seed=0))
    maker.store(other, one.evidence)
    found = files.read(copy, Selection()).comparisons[0]
    assert [arm.name for arm in found.trained] == [
        "single_task", "multitask", TUNED, f"{TUNED} (from {other.name.origin})"
    ]  # fmt: skip
    assert len(found.trained[2].results) == 24


def test_the_epochs_of_fine_tuning_are_settings_of_that_arm_alone(results: Path, report: Report) -> None:
    """Runs of other arms that were asked for with others are no other runs."""
    text = report(results, "--markdown")
    assert "different settings" not in text
    assert re.search(r"\| setting finetune\\_epochs +\| 7 +\|", text)
    assert re.search(r"\| start +\| multitask-8-tasks-[0-9a-f]{12} +\|", text)


def test_every_format_says_what_a_run_starts_from(results: Path, report: Report, tmp_path: Path) -> None:
    origin = next(results.glob(f"runs/*/{TUNED}/mednli-*")).name.removeprefix("mednli-from-")
    rows = json.loads(report(results, "--json"))
    assert {(row["arm"], row["start"]) for row in rows} == {
        ("majority", ""), ("single_task", ""), ("multitask", ""), (TUNED, origin)
    }  # fmt: skip
    assert [row["start"] for row in rows] == [
        row["start"] for row in csv.DictReader(io.StringIO(report(results, "--csv")))
    ]
    cards = eval_cards(files.read(results, Selection(baselines=(TUNED,))).rows)
    records = [json.loads(text) for name, text in cards.items() if name.endswith("every-eval-ever.json")]
    assert len(records) == 24
    assert {one["model_info"]["additional_details"]["start"] for one in records} == {origin}
    written = files.write_files(files.read(results, Selection()), tmp_path)
    assert {f"difference-{TUNED}.svg"} <= {path.name.partition("demo-minilm-")[2] for path in written}
    for form in ("html", "tex", "txt", "md"):
        assert "finetuned" in (tmp_path / f"report.{form}").read_text()


def test_check_guards_what_starts_from_another_run(results: Path, tmp_path: Path) -> None:
    [*accept(read_all(results), tmp_path / "reference", "a first one")]
    reference = read_reference(tmp_path / "reference")
    worse = Maker(root=tmp_path, settings=SETTINGS)
    for seed in range(3):
        worse.run(TUNED, ("mednli",), seed, skill=0.3)
    for now, judgement, equal in ((read_all(results), STEADY, True), (read_all(tmp_path), DRIFTED, False)):
        (found,) = (one for one in judge(reference, now, Rule()) if one.cell.task == "mednli" and TUNED in one.cell.arm)
        assert (found.judgement, found.equal) == (judgement, equal)
        assert re.fullmatch(rf"{TUNED}-from-multitask-8-tasks-[0-9a-f]{{12}}", found.cell.arm)

"""The check catches what is planted, lets honest noise pass, and says when it cannot judge; NaN never passes."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from baselines.core.settings import Settings
from bench.drift.reference import read_reference
from bench.store.runs import read, read_evidence
from killed import every_event
from made_up_results import Maker
from planted import (
    DRIFT,
    OK,
    TASKS,
    UNKNOWN,
    Edit,
    all_right,
    as_it_was,
    constant_answers,
    fewer,
    fewer_in_secret,
    findings,
    in_task,
    lose_mentions,
    make,
    multitask,
    no_metric,
    of,
    one_more_metric,
    only,
    other_columns,
    plant,
    run,
    shuffle_labels,
    turn,
)
from tasks.core.errors import InputError


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results that have just become their own reference, made once."""
    root = tmp_path_factory.mktemp("accepted")
    make(root)
    assert run(root, "--update", "--why", "the first") == OK
    return root


@pytest.fixture
def guarded(accepted: Path, tmp_path: Path) -> Path:
    """A copy of them to be damaged."""
    shutil.copytree(accepted, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_equal_evidence_is_steady(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0, every arm and task is listed, and the reader learns that nothing moved at all."""
    capsys.readouterr()
    assert run(guarded) == OK
    text = capsys.readouterr().out
    assert "11 steady, 0 drifted, 0 not judged; 6 equal to the digit." in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("edit", "expected", "why"),
    [
        (in_task("i2b2_2010", lose_mentions), DRIFT, "more than noise explains"),
        (in_task("mednli", shuffle_labels), DRIFT, "hard limit"),
        # A gain is drift too: gold may have leaked.
        (in_task("mednli", all_right), DRIFT, "hard limit"),
        (in_task("n2c2_2019", constant_answers), DRIFT, "not a number"),
        (in_task("mednli", no_metric), DRIFT, "accuracy is missing"),
        (in_task("i2b2_2010", other_columns), DRIFT, "f1 is not counted as it was"),
        (in_task("mednli", fewer), UNKNOWN, "300/30/30 examples"),
        (in_task("mednli", fewer_in_secret), UNKNOWN, "other test examples"),
    ],
)
def test_planted_defects_are_caught(
    guarded: Path, edit: Edit, expected: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its status and reason, and in no other task than the one it was planted in."""
    plant(guarded, edit)
    assert run(guarded) == expected
    found = [one for one in findings(guarded, capsys) if one["cell"]["task"] in TASKS]
    assert [why in one["why"] for one in found if one["judgement"] != "steady"] == [True]


def test_a_defect_in_one_seed_is_no_less_missing(guarded: Path) -> None:
    """NaN in one seed of five is not averaged away."""
    plant(guarded, in_task("n2c2_2019", constant_answers), seeds=(1,))
    assert run(guarded) == DRIFT


def test_a_metric_more_is_no_drift(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the reference knows is equal; what it does not know, it does not guard."""
    plant(guarded, in_task("mednli", one_more_metric))
    assert all(one["judgement"] == "steady" for one in findings(guarded, capsys))


def test_one_training_of_another_seed_is_judged(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs no seed of the reference, and is no more than noise away from trainings of its own kind."""
    shutil.rmtree(guarded / "runs" / "demo-minilm" / "multitask")
    Maker(root=guarded).run("multitask", TASKS, 11)
    found = findings(guarded, capsys)
    assert {one["judgement"] for one in found if one["cell"]["task"] != "speed"} == {"steady"}
    assert run(guarded) == OK
    assert of(found, "multitask", "mednli")["why"] == "no training of the reference has its seed"
    assert of(found, "multitask", "mednli")["noise"] > 0


def test_what_differs_on_the_same_platform_is_listed_by_document(
    guarded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids and counts of the documents that moved, no others; as drift only where equality is asked for."""
    only(guarded, 2, in_task("mednli", turn(3, 17)))
    found = findings(guarded, capsys)
    one = of(found, "multitask", "mednli")
    assert one["judgement"] == "steady"
    assert [(change["document"], change["seed"]) for change in one["changes"]] == [("mednli-3", 2), ("mednli-17", 2)]
    assert [moved["column"] for change in one["changes"] for moved in change["moved"]] == ["correct", "correct"]
    assert "2 of 40 documents differ" in one["why"]
    assert "not deterministic" in one["why"]
    assert sum(bool(other["changes"]) for other in found) == 1
    assert run(guarded, "--exact") == DRIFT
    assert "mednli-17 (seed 2), accuracy: correct" in capsys.readouterr().out


def test_changed_code_is_named_as_the_reason(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Code may change what comes out: that is no lack of determinism."""
    fingerprints = replace(multitask(guarded)[0].fingerprints, code="other")
    only(guarded, 2, in_task("mednli", turn(3)), fingerprints=fingerprints)
    assert of(findings(guarded, capsys), "multitask", "mednli")["why"].endswith("and the code changed")


def test_on_another_platform_evidence_need_not_be_equal(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is listed, the reader learns what differs, and --exact cannot be judged."""
    environment = replace(multitask(guarded)[0].environment, threads=1)
    only(guarded, 2, in_task("mednli", turn(3)), environment=environment)
    one = of(findings(guarded, capsys), "multitask", "mednli")
    assert (one["judgement"], one["changes"], one["why"]) == ("steady", [], "threads 1 instead of 2")
    assert run(guarded, "--exact") == UNKNOWN
    only(guarded, 2, as_it_was, environment=environment)
    assert run(guarded, "--exact") == OK


def test_honest_noise_passes(guarded: Path) -> None:
    """A few answers that turn out otherwise, as on another processor, are no drift."""
    for stream in range(5):
        draw = np.random.default_rng(stream)
        only(guarded, stream % 5, in_task("mednli", turn(*draw.choice(40, 2, replace=False).tolist())))
        assert run(guarded) == OK, stream


@pytest.mark.parametrize("damage", ["an arm", "everything", "settings", "truncated", "one of five"])
def test_what_cannot_be_judged_never_passes(guarded: Path, damage: str) -> None:
    """Missing results, other settings, a result cut short: status 2."""
    folder = guarded / "runs" / "demo-minilm" / "single_task" / "mednli"
    if damage == "an arm":
        shutil.rmtree(folder)
    elif damage == "everything":
        shutil.rmtree(guarded / "runs")
    elif damage == "settings":
        Maker(root=guarded, settings=Settings(epochs=7)).run("single_task", ("mednli",), 1)
    elif damage == "one of five":
        (folder / "seed-3" / "evidence" / "mednli.npz").write_bytes(b"")
    else:
        for path in folder.rglob("result.json"):
            path.write_text(path.read_text()[:100])
    assert run(guarded) == UNKNOWN


@pytest.mark.parametrize("field", ["corpora", "encoder"])
def test_other_corpora_or_weights_cannot_be_judged(guarded: Path, field: str) -> None:
    """Their digests decide; another digest of the code does not, since code is what is checked."""
    result = read(guarded / "runs", Path("demo-minilm/single_task/mednli/seed-0"))
    evidence = {"mednli": read_evidence(result, "mednli")}
    for fingerprints, expected in (
        (replace(result.fingerprints, code="other"), OK),
        (replace(result.fingerprints, **{field: {"mednli": "x"} if field == "corpora" else "x"}), UNKNOWN),
    ):
        Maker(root=guarded).store(replace(result, fingerprints=fingerprints), evidence)
        assert run(guarded) == expected


def test_drift_outweighs_what_cannot_be_judged(guarded: Path) -> None:
    """A known defect is status 1, even beside missing results."""
    shutil.rmtree(guarded / "runs" / "demo-minilm" / "single_task")
    plant(guarded, in_task("mednli", shuffle_labels))
    assert run(guarded) == DRIFT


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


@pytest.mark.parametrize("lost", ["one result", "one arm", "every result", "one bit", "the list"])
def test_a_reference_says_how_many_results_it_has(guarded: Path, lost: str) -> None:
    """What is lost of it would be guarded by nothing: it is told, and never a pass."""
    reference = guarded / "reference"
    arm = reference / "demo-minilm" / "single_task"
    if lost == "one result":
        shutil.rmtree(arm / "mednli" / "seed-3")
    elif lost == "one arm":
        shutil.rmtree(arm)
    elif lost == "every result":
        shutil.rmtree(reference / "demo-minilm")
    elif lost == "one bit":
        damaged = arm / "mednli" / "seed-3" / "evidence" / "mednli.npz"
        damaged.write_bytes(damaged.read_bytes().replace(b"accuracy", b"accurady"))
    else:
        (reference / "SHA256SUMS").unlink()
    with pytest.raises(InputError, match="restore it"):
        run(guarded)


def test_flat_and_nested_are_guarded_each_by_its_own(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither shadows the other: where the results of one are gone, the check says so."""
    nested = Maker(root=guarded, settings=Settings(span_head="nested"))
    for seed in (0, 1):
        nested.run("multitask", TASKS, seed)
    assert run(guarded, "--update", "--why", "nested too") == OK
    assert run(guarded) == OK
    shutil.rmtree(guarded / "runs" / "demo-minilm")
    assert run(guarded) == UNKNOWN
    found = [one for one in findings(guarded, capsys) if one["judgement"] == "not judged"]
    assert {(one["cell"]["comparison"], one["why"]) for one in found} == {
        ("demo-minilm", "there is no result, or not each can be read")
    }


def test_update_keeps_what_it_was_not_given(guarded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other tasks, arms, seeds and comparisons stay, and it says so; --prune alone removes them, and says that too."""
    shutil.rmtree(guarded / "runs")
    Maker(root=guarded).run("single_task", ("mednli",), 0, skill=0.9)
    Maker(root=guarded, encoder="owner/other").run("multitask", TASKS, 0)
    kept = {path: path.read_bytes() for path in (guarded / "reference").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert run(guarded, "--update", "--why", "one task") == OK
    said = capsys.readouterr().out
    assert "21 results are now the reference" in said
    assert "new or replaced: demo-minilm/single_task/mednli, seeds 0\n" in said
    assert "kept, not given: demo-minilm/single_task/mednli, seeds 1 2 3 4\n" in said
    assert "kept, not given: demo-minilm/multitask/i2b2_2010+mednli+n2c2_2019, seeds 0 1 2 3 4\n" in said
    same = [path for path, content in kept.items() if path.read_bytes() == content]
    replaced = {path for path in kept if path not in same}
    assert {path.name for path in replaced} <= {"result.json", "mednli.npz", "SHA256SUMS", "HISTORY.md"}
    assert len(replaced) <= 5
    assert run(guarded, "--update", "--prune", "--why", "no more") == OK
    said = capsys.readouterr().out
    assert "removed, not given: demo-minilm/multitask/i2b2_2010+mednli+n2c2_2019, seeds 0 1 2 3 4\n" in said
    assert said.startswith("2 results are now the reference")
    history = (guarded / "reference" / "HISTORY.md").read_text()
    assert len([row for row in history.splitlines() if row.endswith("| removed |")]) == 5


def test_an_update_killed_at_any_moment_leaves_a_reference_that_guards(tmp_path: Path) -> None:
    """All that it guarded before, or all that it was to guard; and its history with it."""
    reference, kept = tmp_path / "reference", tmp_path / "kept"
    Maker(root=tmp_path).run("single_task", ("mednli",), 0)
    assert run(tmp_path, "--update", "--why", "the first") == OK
    shutil.copytree(reference, kept)
    Maker(root=tmp_path).run("single_task", ("mednli",), 7)

    def before() -> None:
        shutil.rmtree(reference)
        shutil.copytree(kept, reference)

    seen = []
    for _ in every_event(lambda: run(tmp_path, "--update", "--why", "killed"), before):
        found = read_reference(reference)
        assert len(found) in (1, 2)
        assert ("killed" in (reference / "HISTORY.md").read_text()) == (len(found) == 2)
        seen.append(len(found) == 2)
    assert seen == sorted(seen)
    assert 0 < sum(seen) < len(seen)


def test_a_demo_of_another_size_is_checked_and_accepted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By --corpus demo, which is every size, or by its own name alone."""
    small = Maker(root=tmp_path, corpus="demo-x0.1")
    small.run("multitask", TASKS, 0)
    assert run(tmp_path, "--update", "--why", "small") == OK
    assert run(tmp_path) == OK
    Maker(root=tmp_path).run("multitask", TASKS, 0)
    capsys.readouterr()
    assert run(tmp_path) == OK
    assert "demo-minilm was not looked at: the reference has nothing of it" in capsys.readouterr().err
    assert run(tmp_path, "--update", "--why", "large too") == OK
    shutil.rmtree(tmp_path / "runs" / "demo-minilm")
    assert run(tmp_path) == UNKNOWN
    assert run(tmp_path, "--corpus", "demo-x0.1") == OK


def test_other_settings_are_named_with_the_command_whose_results_can_be_judged(
    guarded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a run with `--precision auto` beside a reference in float32."""
    shutil.rmtree(guarded / "runs" / "demo-minilm" / "multitask")
    Maker(root=guarded, settings=Settings(precision="float32", epochs=7)).run("multitask", TASKS, 3)
    capsys.readouterr()
    assert run(guarded) == UNKNOWN
    text = " ".join(capsys.readouterr().out.replace(" \\\n", " ").split())
    assert f"other settings: epochs 7 instead of {Settings().epochs}, precision float32 instead of auto." in text
    expected = (
        f"run --baselines multitask --tasks {' '.join(TASKS)} --seeds 3 --encoder minilm --profile demo --results"
    )
    assert f"python -m bench {expected} {guarded}" in text
    said = findings(guarded, capsys, "--corpus", "demo")
    assert of(said, "single_task", "mednli")["judgement"] == "steady"


def test_update_needs_a_reason_and_keeps_it(guarded: Path) -> None:
    """Accepted on purpose: the reason and both scores are in the history; answers stay behind."""
    plant(guarded, in_task("i2b2_2010", lose_mentions))
    with pytest.raises(InputError, match="reason"):
        run(guarded, "--update")
    assert run(guarded) == DRIFT
    assert run(guarded, "--update", "--why", "heads\nare | smaller") == OK
    assert run(guarded) == OK
    history = (guarded / "reference" / "HISTORY.md").read_text()
    assert history.index("the first") < history.index(r"heads are \| smaller")
    changed = [row for row in history.splitlines() if r"| i2b2\_2010 |" in row and "multitask" in row][-1]
    before, now = (cell.strip() for cell in changed.split("|")[-3:-1])
    assert float(before.split()[0]) > float(now.split()[0]) + 3
    assert not list((guarded / "reference").rglob("*.jsonl"))


def test_an_undefined_score_cannot_become_the_reference(guarded: Path) -> None:
    """It could guard nothing; what was the reference stays."""
    plant(guarded, in_task("n2c2_2019", constant_answers))
    with pytest.raises(InputError, match="not a number"):
        run(guarded, "--update", "--why", "no")
    assert run(guarded) == DRIFT


def test_trainings_that_are_not_of_one_kind_cannot_become_the_reference(guarded: Path) -> None:
    """Seeds of one arm differ in nothing but the seed, or their spread is no noise."""
    Maker(root=guarded, settings=Settings(epochs=7)).run("single_task", ("mednli",), 1)
    with pytest.raises(InputError, match="other settings"):
        run(guarded, "--update", "--why", "no")


@pytest.mark.parametrize("option", ["--margin", "--limit"])
def test_tolerances_are_in_points(guarded: Path, option: str) -> None:
    """A small loss passes or drifts by the margin given; nan as tolerance lets nothing pass."""
    plant(guarded, in_task("i2b2_2010", lose_mentions))
    assert run(guarded, "--margin", "50", "--limit", "60") == OK
    assert run(guarded, "--margin", "50", "--limit", "60", option, str(math.nan)) == DRIFT


def test_junit_holds_every_finding(guarded: Path, tmp_path: Path) -> None:
    """A case each; what drifted is a failure, what could not be judged an error."""
    plant(guarded, in_task("mednli", shuffle_labels))
    shutil.rmtree(guarded / "runs" / "demo-minilm" / "single_task" / "mednli")
    assert run(guarded, "--junit", str(tmp_path / "new" / "drift.xml")) == DRIFT
    suite = ElementTree.parse(tmp_path / "new" / "drift.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("11", "1", "1")
    (failed,) = [case for case in suite if case.find("failure") is not None]
    assert (failed.get("classname"), failed.get("name")) == (
        "demo-minilm.multitask/i2b2_2010+mednli+n2c2_2019",
        "mednli accuracy",
    )


def test_github_gets_an_annotation_for_what_fails(
    guarded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, on the stream that leaves a --json whole; in GitHub Actions without being asked."""
    plant(guarded, in_task("mednli", shuffle_labels))
    findings(guarded, capsys)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    run(guarded, "--json")
    said = capsys.readouterr()
    json.loads(said.out)
    (line,) = said.err.splitlines()
    assert line.startswith("::error title=mednli accuracy%3A drifted::demo-minilm multitask/")

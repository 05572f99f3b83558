"""The report is a pure function of the results folder; nothing that is missing or undefined hides."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from baselines.core.settings import Settings
from baselines.core.stats import TrainStats
from bench.cli import main as cli
from bench.report import files, numbers
from bench.report.answer import answer
from bench.report.comparison import Contrast, Selection
from bench.report.tables.runs import break_even
from bench.statistics.comparing import Difference
from bench.store import cache
from bench.store.runs import Result
from conftest import Report
from made_up_results import KINDS, Maker
from small_bench import write_corpora
from tasks.core.errors import InputError


def rows_of(text: str, task: str) -> list[str]:
    """The lines of a terminal report that begin with a task."""
    return [line for line in text.splitlines() if line.startswith(f"{task} ")]


@pytest.mark.parametrize("options", [(), ("--seeds", "0"), ("--tasks", "mednli"), ("--baselines", "majority")])
def test_no_line_is_wider_than_a_terminal(whole: Path, holed: Path, options: tuple[str, ...], report: Report) -> None:
    """80 columns, whatever is missing or selected."""
    for results in (whole, holed):
        if results is whole or "--seeds" in options or not options:
            assert max(map(len, report(results, *options).splitlines())) <= 80


def test_demo_results_say_so_in_every_title(whole: Path, holed: Path, report: Report) -> None:
    """A table or figure may travel alone: its own title says that the corpora are made up."""
    text = report(whole, "--markdown")
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert len(titles) > 5
    assert all("not clinical results" in title for title in titles)
    assert "not clinical results" not in report(holed, "--markdown")


def test_scores_are_means_with_their_spread(whole: Path, report: Report) -> None:
    """Worked out again from the tidy rows."""
    rows = json.loads(report(whole, "--json"))
    single = [row["value"] for row in rows if (row["task"], row["arm"]) == ("mednli", "single_task")]
    multi = [row["value"] for row in rows if (row["task"], row["arm"]) == ("mednli", "multitask")]
    mean = 100 * sum(single) / 3
    spread = (sum((100 * value - mean) ** 2 for value in single) / 2) ** 0.5
    scores, differences, *_ = rows_of(report(whole), "mednli")
    assert f"{mean:.1f} ± {spread:.1f}" in scores
    assert differences.split()[1] == f"{100 * sum(multi) / 3 - mean:+.1f}"


def test_an_undefined_score_is_neither_zero_nor_blank(whole: Path, report: Report) -> None:
    """The floor answers one score for all pairs: Pearson is not defined, and JSON has null."""
    assert re.search(r"pearson +40 +undefined +\d", rows_of(report(whole), "n2c2_2019")[0])
    rows = json.loads(report(whole, "--json"))
    floor = [row["value"] for row in rows if (row["task"], row["baseline"]) == ("n2c2_2019", "majority")]
    assert floor == [None]


def test_what_is_missing_is_said_with_the_command_that_fills_it(holed: Path, report: Report) -> None:
    """The command names tasks, seeds and every setting that is not the profile's; it can be copied as it stands."""
    text = report(holed)
    assert "missing" in rows_of(text, "quaero_2014")[0]
    assert re.search(r"\d\*", rows_of(text, "mednli")[0])
    assert "missing" in rows_of(text, "mean")[0]
    commands = " ".join(text.replace(" \\\n", " ").split())
    expected = (
        "python -m bench run --baselines single_task --tasks quaero_2014 mednli --seeds 0 1 --encoder minilm "
        f"--profile paper --epochs mednli=3 --span-batch 7 --data DIR --results {holed}"
    )
    assert expected in commands
    assert "quaero_2014: no seed has been run in both arms" in " ".join(text.split())


def printed(text: str) -> list[list[str]]:
    """The commands of a terminal report as a shell takes them."""
    lines = text.replace("\\\n", "").splitlines()
    return [shlex.split(line) for line in lines if re.match(r"  (BENCH_DATA= )?python -m bench run ", line)]


@pytest.mark.parametrize("encoder", ["minilm", "-x it's  mine"])
def test_what_is_printed_runs_from_where_it_was_printed(
    tmp_path: Path,
    tiny_encoder: Path,
    encoder: str,
    report: Report,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the folders of encoder and corpora, wherever the user stands; no file that is stored names them."""
    write_corpora(tmp_path / "my data")
    shutil.copytree(tiny_encoder, tmp_path / "models" / encoder)
    results, data = tmp_path / "results", ["--data", str(tmp_path / "my data")]
    first = ["run", *data, "--tasks", "mednli", "--baselines", "single_task", "--epochs", "1", "--max-length", "64"]
    assert cli.main([*first, "--encoder", str(tmp_path / "models" / encoder), "--results", str(results)]) == 0
    for where in ("a/b", "models"):
        (tmp_path / where).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path / where)
        capsys.readouterr()
        commands = printed(report(Path(os.path.relpath(results))))
        assert len(commands) == 2
    for command in commands:
        assert cli.main(command[3:]) == 0
    capsys.readouterr()
    assert not printed(report(results))
    assert all(str(tmp_path) not in path.read_text() for path in results.rglob("*.*") if path.suffix in TEXTS)


TEXTS = (".txt", ".md", ".tex", ".html", ".json", ".csv", ".svg")


def test_where_a_folder_is_not_known_a_word_stands_for_it(tmp_path: Path, report: Report) -> None:
    """In every file; on a terminal where nothing was kept, as with --no-cache, or what was kept is gone."""
    Maker(root=tmp_path, encoder="rob", corpus="official").run("single_task", ("mednli",), 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
        (place := tmp_path / "cache" / "windows").mkdir(parents=True)
        cache.remember(place, "rob", "e" * 64, str(tmp_path / "gone"))
        for text in (report(tmp_path), report(tmp_path, "--latex"), report(tmp_path, "--html")):
            assert "FOLDER stands for the folder or hub id of the encoder rob. DIR stands for" in " ".join(
                re.sub("</?p[^>]*>|[{}]|footnotesize|parbox|linewidth|par|smallskip|\\\\", "", text).split()
            )
        cache.remember(place, "rob", "e" * 64, "owner/rob")
        assert all("owner/rob" in command for command in printed(report(tmp_path)))
        report(tmp_path, "--out", str(tmp_path / "out"))
        stored = (tmp_path / "out" / "report.txt").read_text()
        assert "--encoder FOLDER" in stored
        assert str(tmp_path) not in stored


def test_a_user_without_home_gets_a_report(tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no cache to look into, and none is needed."""
    Maker(root=tmp_path, encoder="rob").run("single_task", ("mednli",), 0)
    for name in ("BENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert all("FOLDER" in command for command in printed(report(tmp_path)))


def test_the_demo_is_had_where_the_environment_names_official_corpora(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the printed command would run on those."""
    Maker(root=tmp_path).run("single_task", ("mednli",), 0)
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert [command[0] for command in printed(report(tmp_path))] == ["BENCH_DATA="] * 2


def test_nothing_to_report_is_said(tmp_path: Path, whole: Path, report: Report) -> None:
    """An empty folder, or filters that let nothing through."""
    for results, options in ((tmp_path, ()), (whole, ("--corpus", "official")), (whole, ("--tasks", "nothing"))):
        with pytest.raises(InputError, match="no finished run"):
            report(results, *options)


def test_published_figures_stand_beside_official_results_only(whole: Path, holed: Path, report: Report) -> None:
    """Never beside made-up corpora, and always with their source."""
    assert "JAMIA" not in report(whole, "--markdown")
    assert re.search(r"i2b2_2014 .* 95\.5† +91\.9†$", report(holed), re.MULTILINE)
    text = report(holed, "--markdown")
    assert "JAMIA 28\\(10\\):2108" in text
    (line,) = (line for line in text.splitlines() if line.startswith("| multitask, round robin"))
    assert line.split("|")[2].strip() == r"\[1\]"
    (doubted,) = (line for line in text.splitlines() if line.startswith("| MT-BlueBERT, refinement"))
    assert "83.5?" in doubted


def test_no_paper_stands_beside_a_task_that_it_does_not_have(
    tmp_path: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an empty table, nor a column, nor a footnote on what does not concern the tasks shown."""
    monkeypatch.setitem(KINDS, "ninth", "pair")
    Maker(root=tmp_path, corpus="official").run("single_task", ("ninth",), 0)
    for options in ((), ("--markdown",)):
        assert not re.search("JAMIA|ublished|Mulyar|No paper", report(tmp_path, *options))
    Maker(root=tmp_path, corpus="official").run("single_task", ("mednli",), 0)
    assert "JAMIA" in report(tmp_path)


@pytest.mark.parametrize("kind", ["span", "pair", "similarity"])
def test_long_names_of_tasks_stay_in_one_piece(
    tmp_path: Path, kind: str, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is wider than a terminal, no column is parted by another, and each row begins with its whole name."""
    name = "radiology_reports_of_the_lower_extremity"
    monkeypatch.setitem(KINDS, name, kind)
    for arm in ("majority", "single_task", "multitask"):
        for seed in (0, 1):
            Maker(root=tmp_path).run(arm, (name,), seed)
    text = report(tmp_path)
    assert max(map(len, text.splitlines())) <= 80
    assert rows_of(text, name)


def test_filters(whole: Path, report: Report) -> None:
    """By task, baseline and seed, in rows and tables alike."""
    rows = json.loads(report(whole, "--json", "--tasks", "mednli", "--seeds", "1"))
    learned = {(row["task"], row["seed"]) for row in rows if row["baseline"] != "majority"}
    assert learned == {("mednli", 1)}
    assert "missing" not in report(whole, "--seeds", "1", "--baselines", "majority", "single_task")
    (scores,) = (line for line in report(whole, "--baselines", "single_task").splitlines() if "metric" in line)
    assert scores.split() == "task metric test single_task".split()


def test_json_and_csv_are_the_same_rows(whole: Path, report: Report) -> None:
    """One row a score: 8 of the floor, 24 of each arm of three seeds, 8 of the other; and two labels a span task."""
    rows = json.loads(report(whole, "--json"))
    table = list(csv.DictReader(io.StringIO(report(whole, "--csv"))))
    runs = 1 + 3 + 3 + 1
    assert len(rows) == len(table) == 8 * runs + 5 * runs * 2
    assert [(row["task"], row["label"]) for row in rows] == [(row["task"], row["label"]) for row in table]
    assert all(row["primary"] is not bool(row["label"]) for row in rows)
    assert all(row["corpus"] == "demo" and row["examples"] == 40 for row in rows)


def test_cost_sums_the_single_task_trainings(whole: Path, report: Report) -> None:
    """Eight trainings of 40 s against one of 320 s; eight models to keep against one; memory is the largest.

    What was not measured in turns has no ratio.
    """
    text = report(whole, "--baselines", "single_task", "multitask", "--seeds", "1", "2")
    cost = text.split("Cost of all 8 tasks")[1]
    assert re.search(r"training, wall-clock +5 min 20 s +5 min 20 s +none", cost)
    assert re.search(r"parameters +181,600,000 +22,700,000 +8\.00x", cost)
    assert re.search(r"peak memory \(largest run\) +858\.3 MiB +858\.3 MiB +none", cost)
    assert re.search(r"real tokens trained on +987,648 +987,648 +1\.00x", cost)
    ratios = [line for line in cost.splitlines() if re.search(r"\d\.\d\dx", line)]
    assert not [line for line in ratios if re.search(r"\bs\b|second|min|memory|energy|answering|scoring", line)]
    assert "In turns, `python -m bench speed` measures" in " ".join(cost.split())


def test_runs_that_are_unlike_each_other_are_told(tmp_path: Path, report: Report) -> None:
    """Other settings in one arm than in the other make no fair comparison."""
    Maker(root=tmp_path).run("single_task", ("mednli",), 0)
    Maker(root=tmp_path, settings=Settings(epochs=9)).run("multitask", ("mednli", "medrqe_2016"), 0)
    assert f"epochs is {Settings().epochs} or 9" in report(tmp_path)


def changed(result: Result, what: str) -> Result:
    """The result as it would be had this been otherwise."""
    score = result.scores["mednli"]
    fingerprints, settings = result.fingerprints, result.settings
    return replace(result, **{
        "corpora": {"fingerprints": replace(fingerprints, corpora=dict.fromkeys(fingerprints.corpora, "d" * 64))},
        "encoders": {"fingerprints": replace(fingerprints, encoder="f" * 64)},
        "code": {"fingerprints": replace(fingerprints, code="1" * 64)},
        "metrics": {"scores": {"mednli": replace(score, metrics=(replace(score.metrics[0], name="agreement"),))}},
        "numbers of examples": {"scores": {"mednli": replace(score, examples=score.examples | {"train": 299})}},
        "torch": {"environment": replace(result.environment, torch="2.14")},
        "precision": {"training": replace(result.training, precision="float32")},
        "temperature": {"settings": replace(settings, schedule="temperature", temperature=9.0)},
    }[what])  # fmt: skip


@pytest.mark.parametrize("what", ["corpora", "encoders", "metrics", "numbers of examples"])
@pytest.mark.parametrize("arm", ["majority", "single_task", "multitask"])
def test_no_difference_stands_between_arms_that_are_no_match(
    tmp_path: Path, what: str, arm: str, report: Report
) -> None:
    """It is said before any table, with the arms on each side; the row has the reason and no figure."""
    maker = Maker(root=tmp_path)
    for name, skill in (("majority", 0.2), ("single_task", 0.6), ("multitask", 0.9)):
        result = maker.run(name, ("mednli",), 0, skill)
        if name == arm:
            result, evidence = changed(result, what), maker.evidence(name, "mednli", 0, skill)
            rows = dict.fromkeys([one.name for one in result.scores["mednli"].metrics], *evidence.rows.values())
            maker.store(result, {"mednli": replace(evidence, rows=rows)})
    text = " ".join(report(tmp_path).split())
    if (what, arm) == ("encoders", "majority"):
        assert "No fair comparison" not in text  # The floor has no encoder.
        return
    said = text[: text.index("Scores on the test sets")]
    rest = [name for name in ("majority", "single_task", "multitask") if name != arm]
    assert f"No fair comparison on mednli: different {what}: " in said
    assert re.search(rf"{arm}[^.]* against|against {arm}", said)
    assert what == "encoders" or all(name in said for name in rest)
    assert ("(40 test examples)" in said) is (what == "numbers of examples")
    assert ("No answer yet: no task can be compared." in said) is (arm != "majority")
    row = re.search(r"mednli none none none not compared: different", text)
    assert bool(row) is (arm != "majority")
    assert "better" not in text or arm == "majority"


def test_each_arm_shows_its_own_number_of_test_examples(tmp_path: Path, report: Report) -> None:
    """A corpus that grew between the floor's run and the others."""
    Maker(root=tmp_path, examples=38).run("majority", ("mednli",), 0)
    for arm in ("single_task", "multitask"):
        Maker(root=tmp_path).run(arm, ("mednli",), 0)
    text = " ".join(report(tmp_path).split())
    assert "majority (38 test examples) against single_task (40 test examples), multitask (40 test examples)" in text
    assert "mednli accuracy 38 or 40" in text


@pytest.mark.parametrize("what", ["code", "torch", "precision", "temperature"])
def test_seeds_of_one_arm_that_are_no_match_are_told(tmp_path: Path, what: str, report: Report) -> None:
    """What does not forbid a difference is said all the same, and is no difference between single runs of any arm."""
    maker = Maker(root=tmp_path)
    for seed in (0, 1):
        maker.run("single_task", ("mednli",), seed)
        maker.run("multitask-temperature", ("mednli",), seed)
    assert "side by side" not in report(tmp_path)
    evidence = {"mednli": maker.evidence("multitask-temperature", "mednli", 1, 0.75)}
    maker.store(changed(maker.run("multitask-temperature", ("mednli",), 1), what), evidence)
    said = " ".join(report(tmp_path).split())
    assert re.search(rf"stand side by side: [^.]*{what if what != 'code' else 'seeds of multitask-temperature'}", said)


@pytest.mark.parametrize(
    ("task", "counts", "loud"),
    [
        ("mednli", {"no agreed label": 3}, False),
        ("mednli", {"no agreed label": 4}, True),
        ("i2b2_2010", {"doubled id": 20}, False),
        ("i2b2_2010", {"doubled id": 90}, True),
        ("i2b2_2010", {"stray file": 4}, True),
    ],
)
def test_what_readers_doubted_is_shown_and_said_first_where_it_is_much(
    tmp_path: Path, task: str, counts: dict[str, int], loud: bool, report: Report
) -> None:
    """More than 1 % of the pairs, of the mentions, or of the documents for what is of a whole file.

    370 examples here, and some 12 mentions in each document.
    """
    maker = Maker(root=tmp_path)
    result = maker.run("single_task", (task,), 0)
    maker.store(replace(result, notices={task: counts}), {task: maker.evidence("single_task", task, 0, 0.75)})
    ((kind, count),) = counts.items()
    said = " ".join(report(tmp_path).partition("Scores on the test sets")[0].split())
    assert (f"The corpus of {task} was read with doubt: {count} x {kind}, of about" in said) is loud
    assert re.search(rf"\| notices {task} +\| {count} x {kind}", report(tmp_path, "--markdown").replace("\\", ""))


class Unfound(Maker):
    """Trainings with nothing to find in the development split of mednli."""

    def record(self, tasks: tuple[str, ...]) -> TrainStats:
        found = super().record(tasks)
        return replace(found, dev_scores=[scores | {"mednli": math.nan} for scores in found.dev_scores])


def test_a_task_that_had_no_say_in_the_choice_of_the_round_is_named(tmp_path: Path, report: Report) -> None:
    """Its score is of a round that was chosen for other tasks, or of the last."""
    Unfound(root=tmp_path).run("multitask", ("mednli", "medrqe_2016"), 0)
    assert "No development score of mednli is defined" in " ".join(report(tmp_path).split())


def test_a_joint_run_on_fewer_tasks_is_an_arm_of_its_own(tmp_path: Path, report: Report) -> None:
    """What trained on two tasks is never averaged with what trained on eight."""
    maker = Maker(root=tmp_path)
    maker.everything((0,))
    maker.run("multitask", ("mednli", "medrqe_2016"), 0, skill=0.4)
    assert "multitask (mednli+medrqe_2016)" in report(tmp_path)


def test_labels_are_scored_with_their_support(whole: Path, report: Report) -> None:
    """Worked out again from the evidence: F1 of one label, and how often gold has it."""
    selection = Selection(tasks=("i2b2_2010",), baselines=("multitask",), seeds=(1,))
    (comparison,) = files.read(whole, selection).comparisons
    (result,) = (arm.results[0] for arm in comparison.arms if arm.name == "multitask")
    problem = result.evidence["i2b2_2010"].rows["f1"].sum(axis=0)[:3]
    f1 = 200 * problem[0] / (2 * problem[0] + problem[1] + problem[2])
    text = report(whole, "--markdown", "--tasks", "i2b2_2010", "--baselines", "multitask", "--seeds", "1")
    assert re.search(rf"\| problem +\| +{problem[0] + problem[2]:.0f} \| +{f1:.1f} \|", text)


@pytest.mark.parametrize(
    ("skill", "examples", "expected"),
    [
        (0.98, 200, "share one encoder."),
        (0.3, 200, "fine-tune one BERT for each task."),
        (0.75, 40, "these runs do not decide between one shared encoder and one BERT for each task."),
    ],
)
def test_the_answer_is_the_first_sentence(
    tmp_path: Path, skill: float, examples: int, expected: str, report: Report
) -> None:
    """It follows the verdicts and says first that the corpora are made up; figures and what they do not show follow."""
    maker = Maker(root=tmp_path, examples=examples)
    for seed in (0, 1, 2):
        for task in ("mednli", "i2b2_2010"):
            maker.run("single_task", (task,), seed)
        maker.run("multitask", ("mednli", "i2b2_2010"), seed, skill=skill)
    answer = " ".join(report(tmp_path).partition("\n\n")[0].splitlines()[2:])
    assert answer.startswith(f"On made-up corpora: {expected} The mean over 2 tasks is ")
    assert "leaves one model (86.8 MiB) to run instead of 2 (173.6 MiB). Not shown: what holds on clinical" in answer
    assert "as recorded, not in turns" in answer


@pytest.mark.parametrize("mean", [0.05, -0.05, 0.0])
@pytest.mark.parametrize("exceptions", range(9))
@pytest.mark.parametrize("seeds", [1, 3])
def test_a_verdict_has_at_most_twenty_words(whole: Path, mean: float, exceptions: int, seeds: int) -> None:
    """However many tasks are exceptions to it, and it names them where they are few."""

    def gain(name: str, value: float) -> Difference:
        return Difference(name, value, value - 0.02, value + 0.02, 0.001, seeds, 40)

    each = [gain(task, -mean if place < exceptions else mean) for place, task in enumerate(KINDS)]
    (comparison,) = files.read(whole, Selection()).comparisons
    found = Contrast("multitask", (), tuple(each), gain("mean", mean), {})
    vars(comparison)["contrasts"] = (found,)
    verdict, *_ = answer(comparison)
    assert len(verdict.split()) <= 20
    if mean and seeds > 1 and exceptions:
        names = [one.name for one in each[:exceptions]]
        assert all((name in verdict) is (exceptions <= 4) for name in names)


def test_one_seed_gives_no_answer_however_large_the_gain(tmp_path: Path, report: Report) -> None:
    """How much another training would differ is unknown, and may be all of it."""
    maker = Maker(root=tmp_path, examples=200)
    maker.run("single_task", ("mednli",), 0)
    maker.run("multitask", ("mednli",), 0, skill=0.98)
    assert "one seed cannot decide" in " ".join(report(tmp_path).split())


def test_no_answer_is_given_before_both_arms_have_run(tmp_path: Path, report: Report) -> None:
    """It says what is missing, and the command that fills it names the size of the demo's corpora."""
    Maker(root=tmp_path, corpus="demo-x0.3").run("single_task", ("mednli",), 0)
    text = " ".join(report(tmp_path).replace(" \\\n", " ").split())
    assert "No answer yet: multitask has not been run." in text
    assert f"--encoder minilm --profile demo --scale 0.3 --results {tmp_path}" in text
    assert json.loads(report(tmp_path, "--json", "--corpus", "demo"))


@pytest.mark.parametrize(
    ("multi", "expected"),
    [
        (250.0, "2.5 of the 8 single-task trainings, so in training it pays from 3 of"),
        (900.0, "never pays"),
        (None, "unknown"),
    ],
)
def test_break_even_counts_single_task_trainings(multi: float | None, expected: str) -> None:
    """Eight trainings on 100 tokens: a shared one on 250 pays from the third task on, one on 900 never."""
    assert expected in break_even({"tokens": 800.0, "trainings": 8.0}, {"tokens": multi, "trainings": 1.0})


def test_a_report_imports_neither_torch_nor_pandas(whole: Path) -> None:
    """The terminal report starts at once: what is heavy is not loaded."""
    script = (
        f"import sys; from bench.cli import main; main.main(['report', '--results', {str(whole)!r}]); "
        "heavy = {'torch', 'transformers', 'datasets', 'pandas', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (numbers.points(-0.0004), "0.0"), (numbers.points(math.nan), "undefined"),
        (numbers.points(0.005, True), "+0.5"),
        (numbers.mean_and_spread([]), "missing"), (numbers.mean_and_spread([0.8, float("nan")]), "undefined"),
        (numbers.duration(None), "unknown"), (numbers.duration(5.04), "5.0 s"), (numbers.duration(3725), "1 h 02 min"),
        (numbers.size(None), "unknown"), (numbers.size(512), "512 B"), (numbers.size(3 * 2**20), "3.0 MiB"),
        (numbers.ratio(1, 0), "unknown"), (numbers.ratio(3, 2), "1.50x"), (numbers.p_value(0.0004), "<0.001"),
    ],
)  # fmt: skip
def test_numbers_as_text(written: str, expected: str) -> None:
    """What is not known or not defined is never written as a number."""
    assert written == expected

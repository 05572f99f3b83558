"""The report is a pure function of the results folder; nothing that is missing hides, and no label does harm."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from baselines.core.settings import PAPER, Settings
from bench.report import command, files, inert, latex, markdown, terminal, words
from bench.report.comparison import Selection
from bench.report.sections import views
from bench.report.table import Section, Table
from made_up_results import KINDS, Maker
from tasks.core.errors import InputError

HOSTILE = "\\input{/etc/passwd}<script>alert(1)</script>\x1b[2J|`$x$&%\u202e"


def report(results: Path, *options: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints."""
    parser = ArgumentParser()
    command.add_arguments(parser)
    assert command.main(parser.parse_args(["--results", str(results), *options])) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every run of a comparison of three seeds, and one of another schedule."""
    maker = Maker(root=tmp_path_factory.mktemp("whole"))
    maker.everything()
    maker.run("multitask-round_robin", tuple(KINDS), 0, skill=0.6)
    return maker.root


@pytest.fixture(scope="module")
def holed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Official corpora, one seed of mednli and all of quaero_2014 missing, with settings of its own."""
    settings = replace(PAPER, epochs_of=(("mednli", 3),), span_batch=7)
    maker = Maker(root=tmp_path_factory.mktemp("holed"), corpus="official", settings=settings)
    maker.everything((0, 1))
    single = maker.root / "runs" / "official-minilm" / "single_task"
    shutil.rmtree(single / "quaero_2014")
    shutil.rmtree(single / "mednli" / "seed-1")
    return maker.root


def rows_of(text: str, task: str) -> list[str]:
    """The lines of a terminal report that begin with a task."""
    return [line for line in text.splitlines() if line.startswith(f"{task} ")]


@pytest.mark.parametrize("options", [(), ("--seeds", "0"), ("--tasks", "mednli"), ("--baselines", "majority")])
def test_no_line_is_wider_than_a_terminal(
    whole: Path, holed: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """80 columns, whatever is missing or selected."""
    for results in (whole, holed):
        if results is whole or "--seeds" in options or not options:
            assert max(map(len, report(results, *options, capsys=capsys).splitlines())) <= 80


def test_demo_results_say_so_in_every_title(whole: Path, holed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table or figure may travel alone: its own title says that the corpora are made up."""
    text = report(whole, "--markdown", capsys=capsys)
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert len(titles) > 5
    assert all("not clinical results" in title for title in titles)
    assert "not clinical results" not in report(holed, "--markdown", capsys=capsys)


def test_scores_are_means_with_their_spread(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Worked out again from the tidy rows."""
    rows = json.loads(report(whole, "--json", capsys=capsys))
    single = [row["value"] for row in rows if (row["task"], row["arm"]) == ("mednli", "single_task")]
    multi = [row["value"] for row in rows if (row["task"], row["arm"]) == ("mednli", "multitask")]
    mean = 100 * sum(single) / 3
    spread = (sum((100 * value - mean) ** 2 for value in single) / 2) ** 0.5
    line = rows_of(report(whole, capsys=capsys), "mednli")[0]
    assert f"{mean:.1f} ± {spread:.1f}" in line
    assert line.endswith(f"{100 * sum(multi) / 3 - mean:+.1f}")


def test_an_undefined_score_is_neither_zero_nor_blank(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The floor answers one score for all pairs: Pearson is not defined, and JSON has null."""
    assert re.search(r"pearson +40 +undefined +\d", rows_of(report(whole, capsys=capsys), "n2c2_2019")[0])
    rows = json.loads(report(whole, "--json", capsys=capsys))
    floor = [row["value"] for row in rows if (row["task"], row["baseline"]) == ("n2c2_2019", "majority")]
    assert floor == [None]


def test_what_is_missing_is_said_with_the_command_that_fills_it(
    holed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command names tasks, seeds and every setting that is not the profile's; it can be copied as it stands."""
    text = report(holed, capsys=capsys)
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


def test_nothing_to_report_is_said(tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty folder, or filters that let nothing through."""
    for results, options in ((tmp_path, ()), (whole, ("--corpus", "official")), (whole, ("--tasks", "nothing"))):
        with pytest.raises(InputError, match="no finished run"):
            report(results, *options, capsys=capsys)


def test_published_figures_stand_beside_official_results_only(
    whole: Path, holed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Never beside made-up corpora, and always with their source."""
    assert "JAMIA" not in report(whole, capsys=capsys)
    text = report(holed, capsys=capsys)
    assert "JAMIA 28(10):2108" in text
    assert re.search(r"i2b2_2014 .* 95\.5 +91\.9 +94\.2 +92\.5 +92\.7", text)


def test_filters(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By task, baseline and seed, in rows and tables alike."""
    rows = json.loads(report(whole, "--json", "--tasks", "mednli", "--seeds", "1", capsys=capsys))
    learned = {(row["task"], row["seed"]) for row in rows if row["baseline"] != "majority"}
    assert learned == {("mednli", 1)}
    assert "missing" not in report(whole, "--seeds", "1", "--baselines", "majority", "single_task", capsys=capsys)
    text = report(whole, "--baselines", "single_task", capsys=capsys)
    assert "multitask" not in text.split("Cost of all", 1)[0]


def test_json_and_csv_are_the_same_rows(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One row a score: 8 of the floor, 24 of each arm of three seeds, 8 of the extra arm."""
    rows = json.loads(report(whole, "--json", capsys=capsys))
    table = list(csv.DictReader(io.StringIO(report(whole, "--csv", capsys=capsys))))
    assert len(rows) == len(table) == 8 + 24 + 24 + 8
    assert [row["task"] for row in rows] == [row["task"] for row in table]
    assert all(row["primary"] is True and row["corpus"] == "demo" and row["examples"] == 40 for row in rows)


def test_cost_sums_the_single_task_trainings(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Eight trainings of 40 s against one of 320 s; eight models to keep against one; memory is the largest."""
    text = report(whole, "--baselines", "single_task", "multitask", "--seeds", "1", "2", capsys=capsys)
    cost = text.split("Cost of all 8 tasks")[1]
    assert re.search(r"training, wall-clock +5 min 20 s +5 min 20 s +1\.00x", cost)
    assert re.search(r"parameters +181,600,000 +22,700,000 +8\.00x", cost)
    assert re.search(r"peak memory \(largest run\) +858\.3 MiB +858\.3 MiB +1\.00x", cost)


def test_runs_that_are_unlike_each_other_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other settings in one arm than in the other make no fair comparison."""
    Maker(root=tmp_path).run("single_task", ("mednli",), 0)
    Maker(root=tmp_path, settings=Settings(epochs=9)).run("multitask", ("mednli", "medrqe_2016"), 0)
    assert f"epochs is {Settings().epochs} or 9" in report(tmp_path, capsys=capsys)


def test_a_joint_run_on_fewer_tasks_is_an_arm_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What trained on two tasks is never averaged with what trained on eight."""
    maker = Maker(root=tmp_path)
    maker.everything((0,))
    maker.run("multitask", ("mednli", "medrqe_2016"), 0, skill=0.4)
    assert "multitask (mednli+medrqe_2016)" in report(tmp_path, capsys=capsys)


@pytest.mark.parametrize("form", [terminal, markdown, latex])
def test_no_grid_rewrites_a_cell(form: ModuleType) -> None:
    """What looks like a number, a truth value or nothing stays as it was written, and a long cell is shown whole."""
    cells = ("1e5", "007", "0.10", "+0.50", "1_000", "True", "None", "417,488", "nan", "[x", "*")
    long = " ".join(f"word{k}" for k in range(30))
    rows = (*((cell, cell) for cell in cells), (long, long), ("mean", "0.0"))
    table = Table(name="t", title="t", align="lr", header=("1.0", "2.50"), rows=rows, total=True)
    text = form.render([Section(name="s", title="s", notes=(), tables=(table,))])
    for cell in cells:
        shown = cell if form is terminal else {markdown: inert.markdown, latex: inert.latex}[form](cell)
        assert len(re.findall(rf"(?<!\S)(?:\{{\}})?{re.escape(shown)}(?!\S)", text)) == 2
    assert all(text.count(f"word{k}") >= 2 for k in range(30))
    assert max(map(len, text.splitlines())) <= 80 or form is not terminal


def test_labels_come_out_inert_in_every_format(tmp_path: Path) -> None:
    """Labels that hold LaTeX, HTML, terminal escapes and characters that turn the text round."""
    Maker(root=tmp_path, encoder="<script>\x1b[2J\u202e$x_{\\", labels=(HOSTILE,)).run("single_task", ("i2b2_2010",), 0)
    files.write_report(tmp_path, tmp_path / "out")
    texts = {path: path.read_text() for path in (tmp_path / "out").rglob("*.*") if path.suffix != ".png"}
    assert {path.suffix for path in texts} >= {".txt", ".md", ".tex", ".svg", ".csv", ".json", ".html"}
    for path, text in texts.items():
        assert "\x1b" not in text
        assert "\u202e" not in text
        if path.suffix in (".md", ".svg"):
            # A fenced block of Markdown shows its lines as they are.
            assert "<script" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        if path.suffix == ".html":
            assert text.count("<script") == 1
    assert not any(ord(char) < 32 or char == "\u202e" for char in inert.plain(HOSTILE))
    assert r"\input{/etc" not in inert.latex(HOSTILE)
    assert r"\textbackslash{}input\{/etc/passwd\}" in inert.latex(HOSTILE)
    assert "<script>" not in inert.html_text(HOSTILE)
    assert "|" not in inert.markdown(HOSTILE).replace(r"\|", "")


def test_figures_are_drawn_as_svg_and_png(whole: Path) -> None:
    """Every SVG is well-formed and says demo; every PNG has its mark; the same results give the same SVG."""
    from bench.report import figures

    (view,) = views(whole, Selection(tasks=("mednli", "n2c2_2019"), baselines=("single_task", "multitask")))
    svgs = figures.draw(view, "svg")
    assert {name.removeprefix("demo-minilm-") for name in svgs} == {
        "scores", "difference-multitask", "difference-multitask-round_robin", "curves", "cost",
    }  # fmt: skip
    for svg in svgs.values():
        assert ET.fromstring(svg).tag.endswith("svg")
        assert b"not clinical results" in svg
    assert svgs == figures.draw(view, "svg")
    assert all(png.startswith(b"\x89PNG") for png in figures.draw(view, "png").values())


def test_the_page_needs_nothing_but_itself(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No address is fetched, every table and figure is inside, and both colour schemes are there."""
    page = report(whole, "--html", "--tasks", "mednli", capsys=capsys)
    assert not re.search(r"(src|href)=\"(?!#)[^\"]", re.sub(r"xlink:href=\"#[^\"]*\"", "", page))
    assert "@import" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert page.count("<figure>") == 5
    assert page.count("<table>") == page.count("</table>") == 13
    assert "prefers-color-scheme: dark" in page
    assert "not clinical results" in page.partition("</title>")[0]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("document", ["report.tex", "tables/report.tex"])
def test_latex_compiles_with_bare_pdflatex(whole: Path, tmp_path: Path, document: str) -> None:
    """The document that holds all and the one that takes in each table, with labels that try to get out."""
    Maker(root=tmp_path, encoder="[é<script>$x_{\\", labels=(HOSTILE,)).run("single_task", ("i2b2_2010",), 0)
    shutil.copytree(whole / "runs", tmp_path / "runs", dirs_exist_ok=True)
    out = tmp_path / "out"
    texts = {"report.tex": files.FORMS["latex"](views(tmp_path, Selection()), tmp_path)}
    texts |= {
        f"tables/{name}": text for name, text in files.latex_files(views(tmp_path, Selection()), tmp_path).items()
    }
    for name, text in texts.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    path = out / document
    run = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", path.name],
        cwd=path.parent, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]
    assert path.with_suffix(".pdf").stat().st_size > 10_000


def test_a_report_imports_neither_torch_nor_pandas(whole: Path) -> None:
    """The terminal report starts at once: what is heavy is not loaded."""
    script = (
        "import sys; from pathlib import Path; from bench.report.files import print_report; "
        f"print_report(Path({str(whole)!r})); "
        "heavy = {'torch', 'transformers', 'datasets', 'pandas', 'matplotlib'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (words.points(-0.0004), "0.0"), (words.points(float("nan")), "undefined"), (words.points(0.005, True), "+0.5"),
        (words.mean_and_spread([]), "missing"), (words.mean_and_spread([0.8, float("nan")]), "undefined"),
        (words.duration(None), "unknown"), (words.duration(5.04), "5.0 s"), (words.duration(3725), "1 h 02 min"),
        (words.size(None), "unknown"), (words.size(512), "512 B"), (words.size(3 * 2**20), "3.0 MiB"),
        (words.ratio(1, 0), "unknown"), (words.ratio(3, 2), "1.50x"), (words.p_value(0.0004), "<0.001"),
    ],
)  # fmt: skip
def test_words(written: str, expected: str) -> None:
    """What is not known or not defined is never written as a number."""
    assert written == expected

"""Every form of the report holds the same cells, compiles or opens, needs no network, and no label in it does harm."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest
from huggingface_hub import ModelCard

from baselines.core.settings import Settings
from bench.report import files
from bench.report.comparison import Selection
from bench.report.formats import latex, markdown, rows, terminal
from bench.report.table import Section, Table
from bench.report.tables import differences
from bench.store import runs, sanitise
from conftest import Report
from made_up_results import Maker

HOSTILE = "\\input{/etc/passwd}<script>alert(1)</script>\x1b[2J|`$x$&%\u202e"


@pytest.mark.parametrize("form", [terminal, markdown, latex])
def test_no_grid_rewrites_a_cell(form: ModuleType) -> None:
    """What looks like a number, a truth value or nothing stays as it was written, and a long cell is shown whole."""
    cells = ("1e5", "007", "0.10", "+0.50", "1_000", "True", "None", "417,488", "nan", "[x", "*")
    long = " ".join(f"word{k}" for k in range(30))
    rows = (*((cell, cell) for cell in cells), (long, long), ("mean", "0.0"))
    table = Table(name="t", title="t", align="lr", header=("1.0", "2.50"), rows=rows, total=True)
    text = form.render([Section(name="s", title="s", notes=(), tables=(table,))])
    for cell in cells:
        shown = cell if form is terminal else {markdown: sanitise.markdown, latex: sanitise.latex}[form](cell)
        assert len(re.findall(rf"(?<!\S)(?:\{{\}})?{re.escape(shown)}(?!\S)", text)) == 2
    assert all(text.count(f"word{k}") >= 2 for k in range(30))
    assert max(map(len, text.splitlines())) <= 80 or form is not terminal


def test_labels_come_out_inert_in_every_format(tmp_path: Path) -> None:
    """Labels that hold LaTeX, HTML, terminal escapes and characters that turn the text round."""
    Maker(root=tmp_path, encoder="<script>\x1b[2J\u202e$x_{\\", labels=(HOSTILE,)).run("single_task", ("i2b2_2010",), 0)
    files.write_files(files.read(tmp_path, Selection()), tmp_path / "out")
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
    assert not any(ord(char) < 32 or char == "\u202e" for char in sanitise.sanitise(HOSTILE))
    assert r"\input{/etc" not in sanitise.latex(HOSTILE)
    assert r"\textbackslash{}input\{/etc/passwd\}" in sanitise.latex(HOSTILE)
    assert "<script>" not in sanitise.html_text(HOSTILE)
    assert "|" not in sanitise.markdown(HOSTILE).replace(r"\|", "")


def test_no_two_comparisons_share_a_file_of_the_report(tmp_path: Path) -> None:
    """Whatever encoders, sizes and span heads are called: tables, figures and eval cards of each are there."""
    names = ("minilm", "minilm-nested", "one/minilm", "other/minilm", "One/MiniLM", "minilm.v1", "minilm-v1")
    for encoder in names:
        Maker(root=tmp_path, encoder=encoder).run("single_task", ("mednli",), 0)
    Maker(root=tmp_path, settings=Settings(span_head="nested")).run("single_task", ("mednli",), 0)
    Maker(root=tmp_path, corpus="demo-x0.1").run("single_task", ("mednli",), 0)
    report = files.read(tmp_path, Selection())
    assert len(report.comparisons) == len(names) + 2
    tables = {name.lower() for name in latex.files(report.sections())}
    assert len(tables) == 1 + sum(len(section.tables) for section in report.sections())
    drawn = [one.name.lower() for beside in report.pictures("svg").values() for one in beside]
    assert len(drawn) == len({*drawn}) >= len(report.comparisons)
    cards = {name.lower() for name in rows.eval_cards(report.rows)}
    assert len(cards) == 2 * len(report.comparisons)


def test_all_formats_are_made_from_one_reading(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence is read once a run, resamples are drawn once an arm, and the answer is worked out once."""
    done: Counter[str] = Counter()

    def counted(name: str, module: ModuleType) -> None:
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args: [done.update([name]), function(*args)][1])

    for name, module in (("read_evidence", runs), ("resample", differences), ("answer", files)):
        counted(name, module)
    report = files.read(whole, Selection())
    files.printed(report)
    files.write_files(report, tmp_path)
    evidence = sum(len(result.tasks) for result in report.comparisons[0].results)
    assert done == {"read_evidence": evidence, "resample": 2, "answer": 1}


def test_figures_are_drawn_as_svg_and_png(whole: Path) -> None:
    """Every SVG is well-formed and says demo; every PNG has its mark; the same results give the same SVG."""
    report = files.read(whole, Selection(tasks=("mednli", "n2c2_2019"), baselines=("single_task", "multitask")))
    drawn = {one.name: one.files for beside in report.pictures("svg", "png").values() for one in beside}
    assert {name.removeprefix("demo-minilm-") for name in drawn} == {
        "scores", "difference-multitask", "difference-multitask-round_robin", "seeds-multitask", "curves", "cost",
    }  # fmt: skip
    for one in drawn.values():
        assert ET.fromstring(one["svg"]).tag.endswith("svg")
        assert b"not clinical results" in one["svg"]
        assert one["png"].startswith(b"\x89PNG")
    again = {one.name: one.files["svg"] for beside in report.pictures("svg").values() for one in beside}
    assert again == {name: one["svg"] for name, one in drawn.items()}
    assert b"<title>mednli, multitask, seed 1: " in again["demo-minilm-scores"]


def test_published_figures_are_drawn_apart_from_ours(holed: Path) -> None:
    """Hollow, and named by their source; never beside made-up corpora."""
    (scores, *_) = files.read(holed, Selection(tasks=("mednli",))).pictures("svg")["official-minilm-scores"]
    svg = scores.files["svg"].decode()
    marks = re.findall(r"<title>mednli: (.*?)</title>.*?<use [^>]*style=\"(.*?)\"", svg, re.DOTALL)
    assert ("84.6?, MT-BlueBERT, fine-tuned, Peng, Chen &amp; Lu 2020, arXiv 2005.02799", marks[-1][1]) == marks[-1]
    assert len(marks) == 12
    assert all("fill-opacity: 0" in style for _, style in marks)
    assert "published [1] Mulyar 2021" in svg


def compiled(path: Path) -> None:
    run = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", path.name],
        cwd=path.parent, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Missing character" not in path.with_suffix(".log").read_text(errors="replace")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("document", ["report.tex", "tables/report.tex"])
def test_latex_compiles_with_bare_pdflatex(whole: Path, tmp_path: Path, document: str) -> None:
    """The document that holds all and the one that takes in each table, with labels that try to get out."""
    Maker(root=tmp_path, encoder="[é<script>$x_{\\", labels=(HOSTILE,)).run("single_task", ("i2b2_2010",), 0)
    shutil.copytree(whole / "runs", tmp_path / "runs", dirs_exist_ok=True)
    out = tmp_path / "out"
    sections = files.read(tmp_path, Selection()).sections()
    texts = {f"tables/{name}": text for name, text in latex.files(sections).items()}
    texts["report.tex"] = latex.render(sections)
    for name, text in texts.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    compiled(out / document)
    assert (out / document).with_suffix(".pdf").stat().st_size > 10_000


SCRIPTS = ((0x20, 0x250), (0x300, 0x310), (0x370, 0x380), (0x400, 0x420), (0x5D0, 0x5D8), (0x4E00, 0x4E08),
           (0x2010, 0x2030), (0x2200, 0x2210), (0x1F600, 0x1F608), (0xFB00, 0xFB06))  # fmt: skip


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("ours", [True, False], ids=["our document", "a paper in the old encoding"])
def test_every_letter_compiles(tmp_path: Path, ours: bool) -> None:
    """As title, note, heading, cell and command: Latin, Greek, Cyrillic, Hebrew, CJK, marks, mathematics, emoji."""
    chars = [chr(code) for low, high in SCRIPTS for code in range(low, high)]
    rows = tuple((char, f"{char}{char}", f"x{char}") for char in chars)
    table = Table(
        name="t", title="ąðŁő", align="lll", header=("ę", "Þ", "ŋ"), rows=rows, notes=("đų",), commands=("Ė į",)
    )
    section = Section(name="s", title="Ęþ", answer=("Ðą", "Ðą"), notes=("Ąß",), tables=(table,))
    paper = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n%s\\end{document}\n"
    (tmp_path / "a.tex").write_text(latex.render([section]) if ours else paper % latex.tabular(table))
    compiled(tmp_path / "a.tex")


def test_eval_cards_are_whole_records(whole: Path, report: Report) -> None:
    """What eval.schema.json 0.3.0 asks of a record, and a model index that the hub's own library reads back."""
    report(whole, "--eval-cards", "--tasks", "mednli", "n2c2_2019")
    cards = whole / "report" / "eval-cards"
    folders = [path.parent for path in cards.rglob("every-eval-ever.json")]
    assert len(folders) == 2 + 2 * 3 + 3 + 1
    for folder in folders:
        record = json.loads((folder / "every-eval-ever.json").read_text())
        assert set(record) == {
            "schema_version", "evaluation_id", "evaluation_timestamp", "retrieved_timestamp", "source_metadata",
            "eval_library", "model_info", "evaluation_results",
        }  # fmt: skip
        assert {"source_type", "source_organization_name", "evaluator_relationship"} <= set(record["source_metadata"])
        assert {"deployment_type", "model_availability"} <= set(record["model_info"]["additional_details"])
        assert record["retrieved_timestamp"].isdecimal()
        for result in record["evaluation_results"]:
            metric = result["metric_config"]
            assert metric["min_score"] <= result["score_details"]["score"] <= metric["max_score"]
            assert all(isinstance(value, str) for value in result["source_data"]["additional_details"].values())
            assert "made-up" in result["source_data"]["dataset_name"]
        card = ModelCard((folder / "model-card.md").read_text())
        assert len(card.data.eval_results or []) == len(record["evaluation_results"])
    floor = json.loads((cards / "demo-minilm/majority/n2c2_2019/seed-0/every-eval-ever.json").read_text())
    assert floor["evaluation_results"] == []
    assert floor["source_metadata"]["additional_details"] == {"undefined_scores": "n2c2_2019 pearson"}


def test_the_page_needs_nothing_but_itself(whole: Path, report: Report) -> None:
    """No address is fetched, every table and figure is inside, and links lead to the records of the runs."""
    page = report(whole, "--html", "--tasks", "mednli")
    assert not re.search(r"(src|href)=\"[a-z]+:", page)
    assert "@import" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert page.count("<figure ") == 6
    assert page.count("<table>") == page.count("</table>") == 14
    assert "not clinical results" in page.partition("</title>")[0]
    records = [Path(unquote(link)) for link in re.findall(r"<a href=\"(.*?)\"", page)]
    assert len(records) == 1 + 3 + 3 + 1
    assert all(record.is_file() for record in records)
    assert re.search(r"title=\"seed 0: [\d.]+; seed 1: [\d.]+; seed 2: [\d.]+\"", page)


PROBE = """<script>
addEventListener("load", () => {
  const table = document.querySelector("table"), head = table.querySelectorAll("th button");
  const column = place => [...table.tBodies[0].rows].map(row => row.cells[place].textContent);
  const before = column(0);
  head[4].click();
  const up = column(4).map(parseFloat);
  head[4].click();
  const found = {
    moved: before.join() !== column(0).join(),
    up, down: column(4).map(parseFloat),
    last: table.tFoot.rows[0].cells[0].textContent,
    fetched: performance.getEntriesByType("resource").map(entry => entry.name),
    paper: getComputedStyle(document.body).backgroundColor,
    tick: getComputedStyle(document.querySelector("svg text")).fill,
  };
  document.body.textContent = JSON.stringify(found);
});
</script>
</html>"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.parametrize(
    ("dark", "paper", "ink"),
    [(False, "rgb(255, 255, 255)", "rgb(27, 31, 36)"), (True, "rgb(20, 23, 27)", "rgb(230, 233, 237)")],
)
def test_the_page_opens_and_sorts_in_a_browser(
    whole: Path, tmp_path: Path, dark: bool, paper: str, ink: str, report: Report
) -> None:
    """Without a word on the console and without a request; a click sorts, the total stays last, and dark is dark."""
    page = tmp_path / "report.html"
    options = ("--html", "--tasks", "mednli", "i2b2_2010", "quaero_2014", "--baselines", "single_task", "multitask")
    page.write_text(report(whole, *options).replace("</html>", PROBE))
    quiet = "--no-first-run --disable-background-networking --disable-component-update --disable-extensions".split()
    shown = [f"--user-data-dir={tmp_path / 'browser'}", f"--blink-settings=preferredColorScheme={int(not dark)}"]
    run = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", *quiet, *shown, "--enable-logging=stderr",
         "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    assert "CONSOLE" not in run.stderr
    found = json.loads(re.search(r"<body>(.*)</body>", run.stdout, re.DOTALL)[1])  # type: ignore[index]
    assert found["up"] == sorted(found["up"])
    assert found["down"] == found["up"][::-1]
    assert found["moved"]
    assert found["last"] == "mean"
    assert found["fetched"] == []
    assert (found["paper"], found["tick"]) == (paper, ink)

"""What is measured is the same work in every arm, and what is stored is what was measured."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from baselines.core.settings import Settings
from bench import registry
from bench.cli import main as cli
from bench.report import files
from bench.report.arms import Selection
from bench.report.figures.inference import draw
from bench.report.formats import terminal
from bench.report.tables import inference
from bench.speed.arms import Setup, chunks, load_ours
from bench.speed.peers import Pipelines
from bench.speed.workload import long_note
from bench.store import inference_record as record
from bench.store.environment import environment
from bench.store.inference_record import MULTITASK, SINGLE_TASK, Arm, Growth, Held, Speed, Timed
from bench.store.runs import Fingerprints
from made_up_results import Maker
from small_bench import write_corpora
from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair

NOTES = [
    Document(str(k), "the patient denies chest pain given aspirin 50 mg daily . " * k, frozenset()) for k in (1, 3)
]
HELD = Held(
    models=1, parameters=100, weights_bytes=200, disk_bytes=400, precision="bfloat16", runtime_bytes=1000,
    peak_memory_bytes=5000, cold_start_seconds=2.0,
)  # fmt: skip


def setup(encoder: Path, *tasks: str) -> Setup:
    settings = Settings(max_length=32, pair_max_length=32, precision="float32")
    return Setup(encoder=encoder, tasks=tasks, settings=settings, device="cpu", kept=None)


def timed(batch: int, *rounds: tuple[float, ...]) -> Timed:
    return Timed(batch=batch, note_seconds=rounds, pair_seconds=((1.0,),) * len(rounds))


def made_up() -> Speed:
    """Multitask is five times faster in each round, though the machine was slow in the second."""
    arms = (
        Arm(
            name=MULTITASK,
            held=HELD,
            timed=(timed(1, (0.1, 0.1), (0.4, 0.4)), timed(2, (0.1,), (0.4,))),
            passes=1,
            pass_flops=10**9,
            pass_seconds=(0.25, 0.1, 0.3),
            matrix_flops_per_second=8e9,
        ),
        Arm(
            name=SINGLE_TASK,
            held=replace(HELD, models=8, parameters=800, weights_bytes=1600, runtime_bytes=None),
            timed=(timed(1, (0.5, 0.5), (2.0, 2.0)), timed(2, (0.5,), (2.0,))),
            passes=5,
            pass_flops=10**9,
            pass_seconds=(),
            matrix_flops_per_second=8e9,
        ),
    )
    grown = tuple(Growth(arm=arm, size=1, seconds=(1.0,), held=HELD) for arm in (MULTITASK, SINGLE_TASK))
    return Speed(
        corpus="demo", encoder="minilm", tasks=("i2b2_2010",), settings=Settings(), kept=False, notes=2,
        note_tokens=50, pairs=3, pair_tokens=60, arms=arms, heads=grown, lengths=grown[:1],
        fingerprints=Fingerprints(settings="5", corpora={}, encoder="e", code="c"), finished="2026-11-21T06:00:00Z",
        environment=environment("cpu", 1),
    )  # fmt: skip


def test_eight_models_answer_a_note_as_one_with_all_heads(tiny_encoder: Path) -> None:
    """Untrained models of both arms begin with the same weights: the same answers for the same work."""
    asked = setup(tiny_encoder, "i2b2_2010", "quaero_2014", "mednli")
    multi, single = (load_ours(arm, asked) for arm in (MULTITASK, SINGLE_TASK))
    assert (len(multi.modules), len(single.modules)) == (1, 3)
    assert multi.annotate(NOTES) == single.annotate(NOTES)
    pairs = [Pair("1", "chest pain", "the patient was seen", "neutral")]
    assert multi.judge("mednli", pairs) == single.judge("mednli", pairs)


def test_pipelines_have_our_weights(tiny_encoder: Path) -> None:
    """Heads of both give the same outputs at the same sub-words."""
    import torch

    asked = setup(tiny_encoder, "quaero_2014", "mednli", "n2c2_2019")
    peers, ours = Pipelines(asked), load_ours(SINGLE_TASK, asked)
    model, stock = ours.modules[0], peers.modules[0]
    window, *_ = model.head("quaero_2014").cut(model.tokenizer, NOTES[0], use_gold=False)
    with torch.no_grad():
        theirs = stock(torch.from_numpy(window.input_ids)[None]).logits[0]
        assert torch.allclose(model("quaero_2014", model.pack([window])), theirs[window.read_positions], atol=1e-5)
    assert len(peers.annotate(NOTES)["quaero_2014"]) == len(NOTES)
    for task in ("mednli", "n2c2_2019"):
        assert len(peers.judge(task, [Pair("1", "chest pain", "seen in clinic", "")] * 2)) == 2


def test_a_stock_pipeline_is_not_taken_for_a_nested_head(tiny_encoder: Path) -> None:
    asked = setup(tiny_encoder, "quaero_2014")
    with pytest.raises(InputError, match="leave out --peers"):
        Pipelines(replace(asked, settings=replace(asked.settings, span_head="nested")))


def test_chunks_hold_every_example_once() -> None:
    assert [list(some) for some in chunks(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("characters", [1, 100, 5000])
def test_a_long_note_has_just_so_many_characters(characters: int) -> None:
    assert len(long_note(NOTES, characters).text) == characters


def test_a_measurement_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    speed = made_up()
    record.write(tmp_path, speed)
    assert record.read_all(tmp_path) == [speed]
    multi, single = speed.arms
    for wrong in (timed(1, (-0.1, 0.1), (0.4, 0.4)), timed(3, (0.1, 0.1), (0.4, 0.4)), timed(1, (0.1, 0.1))):
        bad = replace(speed, arms=(multi, replace(single, timed=(wrong, single.timed[1]))))
        with pytest.raises(InputError, match=r"an arm lacks times .* run `python -m bench speed` again"):
            record.read(record.write(tmp_path, bad))
    assert record.read_all(tmp_path) == []


def test_measurements_of_other_devices_and_heads_lie_apart() -> None:
    """Two GPUs are two devices, and a nested head is no part of an encoder's name."""
    speed = made_up()
    gpus = [
        replace(speed, environment=replace(speed.environment, device=name)) for name in ("NVIDIA H200", "NVIDIA L4")
    ]
    nested = replace(speed, settings=replace(speed.settings, span_head="nested"))
    named = replace(speed, encoder=f"{speed.encoder}-nested")
    assert len({one.path for one in (speed, *gpus, nested, named)}) == 5


def test_the_ratio_is_that_within_rounds() -> None:
    """A slow round slows both arms and leaves their ratio alone."""
    multi, single = made_up().arms
    assert record.times_faster(multi.timed[0], single.timed[0]) == pytest.approx(5)


def test_the_table_of_a_measurement() -> None:
    """Two notes in 0.5 s, the middle of two rounds; what is unknown says so; no line is too wide."""
    text = terminal.render([inference.section(made_up())])
    assert re.search(r"notes a second, one at a time +4\.0 +0\.8", text)
    assert re.search(r"FLOPs utilisation on notes +50% +50%", text)
    assert re.search(r"FLOPs utilisation, encoder +50% +unknown", text)
    assert re.search(r"weights in memory +200 B +1\.6 KiB", text)
    assert re.search(r"peak memory above .* +3\.9 KiB +unknown", text)
    assert "8.00x" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_report_shows_what_was_measured_beside_the_comparison(tmp_path: Path) -> None:
    """In every format, and made-up notes are called so in every title."""
    Maker(root=tmp_path).run("multitask", ("mednli",), 0)
    record.write(tmp_path, made_up())
    report = files.read(tmp_path, Selection())
    for form in ("terminal", "markdown", "latex", "html"):
        assert "notes a second, one at a time" in report.text(form)
    titles = [line for line in report.text("markdown").splitlines() if line.startswith("#")]
    assert all("not clinical results" in line for line in titles)
    assert "characters of one note</text>" in report.text("html")


def test_the_figure_shows_batches_tasks_and_lengths() -> None:
    drawn = draw(made_up(), "svg").decode()
    for words in ("notes at a time", "tasks, span tasks first", "characters of one note"):
        assert f">{words}<" in drawn
    assert "mathdefault" not in drawn


def test_the_command_measures_both_arms(
    tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes of their own."""
    write_corpora(tmp_path / "data")
    some = {name: registry.task(name) for name in ("mednli", "quaero_2014")}
    monkeypatch.setattr(registry, "tasks", lambda: some)
    where = ["--encoder", str(tiny_encoder), "--data", str(tmp_path / "data"), "--results", str(tmp_path)]
    assert cli.main(["speed", *where, *"--profile demo --notes 3 --rounds 2 --batches 2 1 --threads 1".split()]) == 0
    (speed,) = record.read_all(tmp_path)
    assert [arm.held.models for arm in speed.arms] == [1, 2]
    assert [(arm.passes, len(arm.pass_seconds)) for arm in speed.arms] == [(1, 2), (1, 2)]
    assert [[len(calls) for calls in one.note_seconds] for one in speed.arms[0].timed] == [[3, 3], [2, 2]]
    assert speed.arms[1].held.parameters > 1.9 * speed.arms[0].held.parameters
    assert "notes a second" in capsys.readouterr().out

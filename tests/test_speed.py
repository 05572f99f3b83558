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
from bench.report.comparison import Selection
from bench.report.figures.speed import draw
from bench.report.formats import terminal
from bench.report.tables.speed import section
from bench.speed import worker
from bench.speed.arms import Ours, Pipelines, Setup
from bench.speed.worker import Worker
from bench.speed.workload import long_note
from bench.store import speed_record as record
from bench.store import strict_json
from bench.store.environment import environment
from bench.store.speed_record import INFERENCE, MULTITASK, NOTES, PAIRS, SINGLE_TASK, ArmWeights, Speed, Timing
from in_process import Echo
from made_up_results import Maker
from small_bench import write_corpora
from tasks.core.errors import InputError
from tasks.core.examples import Document, Pair

NOTE_TEXTS = [
    Document(str(k), "the patient denies chest pain given aspirin 50 mg daily . " * k, frozenset()) for k in (1, 3)
]
Rounds = tuple[tuple[float, ...], ...]


def setup(encoder: Path, *tasks: str) -> Setup:
    settings = Settings(max_length=32, pair_max_length=32, precision="float32")
    return Setup(encoder=encoder, tasks=tasks, settings=settings, device="cpu", kept=None)


def times_of(arm: str, times: int, base: int | None, encoder: Rounds) -> list[Timing]:
    """An arm that takes so many times as long as 0.2 s for two notes; the machine is slow in the second round."""
    held = {"peak_bytes": 5000, "base_bytes": base}
    by_batch: dict[int, Rounds] = {1: ((0.1, 0.1), (0.4, 0.4), (0.25, 0.25)), 2: ((0.1,), (0.4,), (0.25,))}
    timings = []
    for size, seconds in by_batch.items():
        slow = tuple(tuple(times * one for one in calls) for calls in seconds)
        flops = times * 10**9
        timings.append(Timing(arm=arm, work=NOTES, size=size, units=2, tokens=50, flops=flops, seconds=slow, **held))
        timings.append(Timing(arm=arm, work=PAIRS, size=size, units=3, tokens=60, seconds=((1.0,),) * 3, **held))
    timings.append(Timing(arm=arm, work=record.FIRST_NOTE, size=0, seconds=((2.0,),)))
    if encoder:
        timings.append(Timing(arm=arm, work=record.ENCODER, size=0, flops=10**9, seconds=encoder))
    return [*timings, Timing(arm=arm, work=record.PRODUCT, size=0, flops=8 * 10**9, seconds=((1.0,),))]


def made_up() -> Speed:
    """Multitask is five times faster in each round."""
    multi = times_of(MULTITASK, 1, 1000, ((0.25,), (0.1,), (0.3,)))
    single = times_of(SINGLE_TASK, 5, None, ())
    held = {"seconds": ((1.0,),), "peak_bytes": 5000, "base_bytes": 1000}
    grown = [Timing(arm=arm, work=record.BY_TASKS, size=1, **held) for arm in (MULTITASK, SINGLE_TASK)]
    grown.append(Timing(arm=MULTITASK, work=record.BY_LENGTH, size=1000, units=1000, **held))
    weights = (
        ArmWeights(arm=MULTITASK, models=1, parameters=100, weights_bytes=200, precision="bfloat16"),
        ArmWeights(arm=SINGLE_TASK, models=8, parameters=800, weights_bytes=1600, precision="bfloat16"),
    )
    return Speed(
        kind=INFERENCE, corpus="demo", encoder="minilm", tasks=("i2b2_2010",), settings=Settings(), weights=weights,
        timings=(*multi, *single, *grown), command="python -m bench speed inference", finished="2026-11-21T06:00:00Z",
        environment=environment("cpu", 1),
    )  # fmt: skip


def test_eight_models_answer_a_note_as_one_with_all_heads(tiny_encoder: Path) -> None:
    """Untrained models of both arms begin with the same weights: the same answers for the same work."""
    asked = setup(tiny_encoder, "i2b2_2010", "quaero_2014", "mednli")
    multi, single = (Ours(arm, asked) for arm in (MULTITASK, SINGLE_TASK))
    assert (len(multi.modules), len(single.modules)) == (1, 3)
    assert multi.annotate(NOTE_TEXTS) == single.annotate(NOTE_TEXTS)
    pairs = [Pair("1", "chest pain", "the patient was seen", "neutral")]
    assert multi.judge("mednli", pairs) == single.judge("mednli", pairs)


def test_pipelines_have_our_weights(tiny_encoder: Path) -> None:
    """Heads of both give the same outputs at the same tokens."""
    import torch

    asked = setup(tiny_encoder, "quaero_2014", "mednli", "n2c2_2019")
    peers, ours = Pipelines(asked), Ours(SINGLE_TASK, asked)
    model, stock = ours.modules[0], peers.modules[0]
    window, *_ = model.head("quaero_2014").cut(model.tokenizer, NOTE_TEXTS[0], use_gold=False)
    with torch.no_grad():
        theirs = stock(torch.from_numpy(window.input_ids)[None]).logits[0]
        assert torch.allclose(model("quaero_2014", model.pack([window])), theirs[window.read_positions], atol=1e-5)
    assert len(peers.annotate(NOTE_TEXTS)["quaero_2014"]) == len(NOTE_TEXTS)
    for task in ("mednli", "n2c2_2019"):
        assert len(peers.judge(task, [Pair("1", "chest pain", "seen in clinic", "")] * 2)) == 2


def test_a_stock_pipeline_is_not_taken_for_a_nested_head(tiny_encoder: Path) -> None:
    asked = setup(tiny_encoder, "quaero_2014")
    with pytest.raises(InputError, match="leave out --peers"):
        Pipelines(replace(asked, settings=replace(asked.settings, span_head="nested")))


@pytest.mark.parametrize("characters", [1, 100, 5000])
def test_a_long_note_has_just_so_many_characters(characters: int) -> None:
    assert len(long_note(NOTE_TEXTS, characters).text) == characters


def test_a_measurement_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    speed = made_up()
    record.write(tmp_path, speed)
    assert record.read_all(tmp_path, INFERENCE) == [speed]
    assert record.read_all(tmp_path, record.TRAINING) == []


def spoiled(speed: Speed, **changes: object) -> Speed:
    """The last timing of notes changed."""
    (place, last) = [(k, one) for k, one in enumerate(speed.timings) if one.work == NOTES][-1]
    return replace(speed, timings=(*speed.timings[:place], replace(last, **changes), *speed.timings[place + 1 :]))


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": ((-0.1,), (0.4,), (0.25,))},
        {"seconds": ((float("nan"),), (0.4,), (0.25,))},
        {"seconds": ((0.1,), (), (0.25,))},
        {"seconds": ((0.1,), (0.4,))},
        {"seconds": ()},
        {"size": 3},
        {"arm": "another"},
        {"units": 0},
        {"scores": (0.5,)},
    ],
)
def test_a_measurement_that_lacks_times_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = record.write(tmp_path, spoiled(made_up(), **changes))
    with pytest.raises(InputError, match=r"lacks .* run `python -m bench speed` again"):
        record.read(path)
    assert record.read_all(tmp_path, INFERENCE) == []


@pytest.mark.parametrize("changes", [{"kind": "weather"}, {"subject": "corpus"}, {"kind": "growth", "subject": "../x"},
                                     {"weights": ()}, {"timings": ()}])  # fmt: skip
def test_a_measurement_of_another_kind_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    path = record.write(tmp_path, made_up())
    path.write_text(strict_json.dumps(replace(made_up(), **changes)))
    with pytest.raises(InputError, match="is no finished measurement"):
        record.read(path)


def test_a_measurement_of_an_older_version_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "speed" / "demo-minilm" / "cpu-1"
    folder.mkdir(parents=True)
    (folder / "result.json").write_text('{"format": 2}')
    assert record.read_all(tmp_path, INFERENCE) == []
    assert "it is of an older format (2, not 4)" in capsys.readouterr().err


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
    multi, single = (made_up().timing(NOTES, arm, 1) for arm in (MULTITASK, SINGLE_TASK))
    assert multi.times_faster(single) == pytest.approx(5)


def test_the_table_of_a_measurement() -> None:
    """Two notes in 0.5 s, the middle of three rounds; what is unknown says so; no line is too wide."""
    text = terminal.render([section(made_up())])
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
    more = "--profile demo --notes 3 --rounds 2 --batches 2 1 --threads 1".split()
    assert cli.main(["speed", "inference", *where, *more, "--out", str(tmp_path / "out")]) == 0
    (speed,) = record.read_all(tmp_path, INFERENCE)
    assert [one.models for one in speed.weights] == [1, 2]
    passes = [speed.timing(record.ENCODER, arm) for arm in speed.arms]
    assert [len(one.seconds) for one in passes] == [2, 2]
    assert [speed.timing(NOTES, arm, 1).flops / passes[0].flops for arm in speed.arms] == [1, 1]
    notes = [speed.timing(NOTES, MULTITASK, size) for size in (1, 2)]
    assert [[len(calls) for calls in one.seconds] for one in notes] == [[3, 3], [2, 2]]
    assert speed.weights[1].parameters > 1.9 * speed.weights[0].parameters
    assert "notes a second" in capsys.readouterr().out
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".md", ".svg"}


def test_a_worker_has_a_process_of_its_own_and_an_error_of_it_is_the_commands() -> None:
    """One that ends in silence has run out of memory."""
    with Worker("echo", Echo, "a") as one, Worker("echo", Echo, "b") as other:
        assert [one.ask("say", "!"), other.ask("say", "?")] == ["a!", "b?"]
        told = list(one.told("count"))
        assert [number for number, _ in told] == [1, 2]
        assert worker.anonymous_bytes(None) is None
        assert all(peak is None or peak > 2**20 for _, peak in told)
        with pytest.raises(InputError, match="it failed"):
            one.ask("say", "fail")
        with pytest.raises(InputError, match="where memory is short"):
            other.ask("say", "die")

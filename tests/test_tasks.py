"""The eight tasks on their invented corpora, which lie all together below one folder."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bench.runner.corpora import Corpora
from invented import FOLDER, NAMES, laid, refused, splits, task
from tasks.core.errors import MissingCorpus
from tasks.core.examples import Document, Pair
from tasks.core.files.corpus import Corpus
from tasks.core.kinds import SimilarityTask, SpanTask
from tasks.core.status import status, warning_counts


def mentions(document: Document) -> list[tuple[str, str]]:
    """Label and text of each mention, in the order of the text."""
    return [(s.label, "|".join(document.text[a:b] for a, b in s.fragments)) for s in sorted(document.gold)]


SPANS: dict[tuple[str, str], dict[str, list[tuple[str, str]]]] = {
    ("i2b2_2010", "train"): {
        "200000001_DH": [("test", "EKG"), ("test", "No further TESTS")],
        "200000002_DH": [],
        "record-101": [
            ("problem", "chest pain"),  # its line begins with a space: token 0 is empty
            ("problem", 'a "cold\nsore"'),
            ("treatment", "aspirin"),  # its concept says "asprin"
            ("treatment", "aspirin || heparin"),
        ],
    },
    ("i2b2_2010", "test"): {"0001": [("problem", "nausea")]},
    ("i2b2_2012", "train"): {
        "1": [("OCCURRENCE", "ADMISSION"), ("EVIDENTIAL", "patient&apos;s A&P"), ("CLINICAL_DEPT", "T&C")],
        "12": [],
    },
    ("i2b2_2012", "test"): {"3": [("PROBLEM", "Fever"), ("OCCURRENCE", "resolved")]},
    ("i2b2_2014", "train"): {
        "110-01": [
            ("DATE", "2081-04-02"),
            ("PATIENT", "Ola\nBell"),
            ("STREET", "lm Street, se"),  # off by four: offsets rule
            ("HOSPITAL", "Park & Lane"),
            ("DOCTOR", "Ruiz"),
        ],
        "110-02": [("AGE", "61")],
    },
    ("i2b2_2014", "test"): {"118-03": [("PHONE", "555-0100"), ("MEDICALRECORD", "7761")]},
    ("n2c2_2018", "train"): {
        "100001": [
            ("Drug", "aspirin"),
            ("Strength", "81 mg"),
            ("Frequency", "daily"),
            ("Reason", "low|back pain"),
            ("ADE", "rash on\nboth arms"),
        ],
        "100003": [],
    },
    ("n2c2_2018", "test"): {"100002": [("Drug", "Heparin"), ("Route", "drip")]},
    ("quaero_2014", "train"): {
        "EMEA/1_1": [
            ("DISO", "Douleurs|du dos"),
            ("DISO", "Douleurs de la tête"),
            ("ANAT", "tête"),
            ("LIVB", "enfant"),
        ],
        "MEDLINE/1_1": [("CHEM", "héparine")],
    },
    ("quaero_2014", "dev"): {"MEDLINE/2": [("ANAT", "foie")]},
    ("quaero_2014", "test"): {"MEDLINE/3": [("ANAT", "rate")]},
}
PAIRS: dict[tuple[str, str], list[Pair[Any]]] = {
    ("mednli", "train"): [
        Pair("p1", "He denies chest pain.", "He has angina.", "contradiction"),
        Pair("p2", "He denies chest pain.", 'He is "fine"\u2028now.', "neutral"),
        Pair("p4", "Labs: WBC 14.", "WBC is high.", "entailment"),
    ],
    ("mednli", "dev"): [Pair("d1", "BP 90/60.", "He is hypotensive.", "entailment")],
    ("mednli", "test"): [
        Pair("t1", "BP 90/60.", "He is a smoker.", "neutral"),
        Pair("t2", "NKDA.", "He has allergies.", "contradiction"),
    ],
    ("medrqe_2016", "train"): [
        Pair("1", "How is gout & joint pain treated?", "What helps against gout?", "true"),
        Pair("2", "How is gout & joint pain treated?", "", "false"),
    ],
    ("medrqe_2016", "test"): [Pair("7", "Is a < b?", "", "true")],
    ("n2c2_2019", "train"): [
        Pair("1", 'He said "stop.', "He said stop.", 4.5),
        Pair("2", 'Line\u2028one "a', "Line two", 0.0),
        Pair("3", "x", "y", 5.0),
    ],
    ("n2c2_2019", "test"): [Pair("1", "aspirin 81 mg", "aspirin 325 mg", 2.5), Pair("2", "same", "same", 5.0)],
}
NOTICES = {
    "i2b2_2010": {
        "repeated mention": 1,
        "stray file": 1,
        "text differs from its offsets": 1,
        "text without annotations": 1,
    },
    "i2b2_2012": {"bare & among the tags": 2, "doubled id": 1, "empty type": 1, "stray file": 1},
    "i2b2_2014": {"doubled id": 1, "text differs from its offsets": 2},
    "n2c2_2018": {"text differs from its offsets": 1},
    "quaero_2014": {"fragments out of order": 1, "repeated mention": 1, "stray file": 2},
    "mednli": {"no agreed label": 1},
    "medrqe_2016": {"empty question": 2},
    "n2c2_2019": {},
}


@pytest.mark.parametrize(("name", "split"), list(SPANS))
def test_every_mention_of_the_invented_documents_is_read(name: str, split: str) -> None:
    """Each trap of the real corpora, shown in a small file, costs no mention and invents none."""
    documents = list(task(name).read(Corpus(FOLDER), split))
    assert {document.id: mentions(document) for document in documents} == SPANS[name, split]
    assert [document.id for document in documents] == sorted(SPANS[name, split])


@pytest.mark.parametrize(("name", "split"), list(PAIRS))
def test_every_invented_pair_is_read(name: str, split: str) -> None:
    """Pairs come in the order of their file, quotes and U+2028 untouched."""
    assert list(task(name).read(Corpus(FOLDER), split)) == PAIRS[name, split]


def test_every_official_split_has_an_invented_corpus() -> None:
    """No split of any task goes without a test."""
    assert set(splits()) == set(SPANS) | set(PAIRS)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_mended_or_skipped_is_counted_with_its_place(name: str) -> None:
    """Every warning says which file; what reading twice finds twice counts once."""
    corpus = Corpus(FOLDER)
    for split in status(task(name), corpus) + status(task(name), corpus):
        assert split.present
        assert not split.problem
    assert warning_counts(corpus.warnings) == NOTICES[name]
    assert all((FOLDER / warning.file).is_file() for warning in corpus.warnings)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_keeps_counts_of_warnings(name: str) -> None:
    """Whichever corpus is read first, and however often: the counts are those of one pass."""
    for first in (name, "i2b2_2012"):
        corpora = Corpora("official", FOLDER)
        corpora.corpus_statistics(task(first))
        corpora.examples(task(name), "test", 0.1)
        assert corpora.corpus_statistics(task(name)).notices == NOTICES[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_task_says_what_it_is(name: str) -> None:
    """The card, the labels and the name that is its file's; examples of one group stay together."""
    found = task(name)
    assert found.name == name
    assert (found.labels == ()) == isinstance(found, SimilarityTask)
    assert found.primary is found.metrics[0]
    assert set(found.source.sizes) == set(found.source.files) == set(found.official_splits)
    assert len({metric.name for metric in found.metrics}) == len(found.metrics)
    example = next(iter(found.read(Corpus(FOLDER), "train")))
    expected = {"i2b2_2014": "110"}.get(name, example.id if isinstance(found, SpanTask) else example.first)
    assert found.group(example) == expected


@pytest.mark.parametrize(("name", "split"), splits())
def test_a_missing_split_names_its_download(name: str, split: str, tmp_path: Path) -> None:
    """Whoever lacks a corpus is told which file to get, and where."""
    with pytest.raises(MissingCorpus) as caught:
        list(task(name).read(Corpus(tmp_path), split))
    assert task(name).source.files[split][0] in str(caught.value)
    assert task(name).source.url in str(caught.value)


def test_a_half_corpus_names_the_other_half(tmp_path: Path) -> None:
    """Half a training set never passes for the whole."""
    xml = (FOLDER / "i2b2_2014/training-PHI-Gold-Set1/110-01.xml").read_bytes()
    phi = laid(tmp_path / "phi", {"training-PHI-Gold-Set1/110-01.xml": xml})
    assert "training-PHI-Gold-Set2.tar.gz is not" in refused("i2b2_2014", phi)
    half = laid(tmp_path / "half", {"track2-training_data_2/1.txt": "a", "track2-training_data_2/1.ann": ""})
    assert "track2-training_data_3.zip" in refused("n2c2_2018", half)
    texts = laid(tmp_path / "texts", {"reference_standard_for_test_data/concepts/0001.con": ""})
    assert "test_data.tar.gz is not" in refused("i2b2_2010", texts, "test")
    sts = laid(tmp_path / "sts", {"clinicalSTS2019.test.txt": "a\tb\n"})
    assert "clinicalSTS2019.test.gs.sim.txt" in refused("n2c2_2019", sts, "test")


def test_status_tells_absent_from_wrong(tmp_path: Path) -> None:
    """A missing split is absent, a broken one is there with a problem, and a whole one has its size."""
    corpus = laid(tmp_path, {"clinicalSTS2019.train.txt": "a\tb\t1\nc\n"})
    train, test = status(task("n2c2_2019"), corpus)
    assert (train.present, train.examples, train.complete) == (True, 1, False)
    assert "clinicalSTS2019.train.txt, line 2" in train.problem
    assert (test.present, test.examples) == (False, 0)


@pytest.mark.parametrize(
    ("name", "split", "official", "other"),
    [
        ("medrqe_2016", "train", "RQE_Train_8588_AMIA2016.xml", "RQE_train_pairs_AMIA2016.xml"),
        ("medrqe_2016", "train", "RQE_Train_8588_AMIA2016.xml", "MEDIQA2019-Task2-RQE-TrainingSet-AMIA2016.xml"),
        ("n2c2_2019", "test", "clinicalSTS2019.test.gs.sim.txt", "clinicalSTS2019.test.labels.txt"),
        (
            "i2b2_2012",
            "test",
            "ground_truth/merged_xml/3.xml",
            "2012-08-08.test-data.event-timex-groundtruth/xml/3.xml",
        ),
        ("i2b2_2014", "train", "training-PHI-Gold-Set1/110-01.xml", "2014_training-PHI-Gold-Set1/110-01.xml"),
        ("n2c2_2018", "train", "training_20180910/100001.ann", "training_20180910/training_20180910/100001.ann"),
    ],
)
def test_other_names_in_use_are_known(name: str, split: str, official: str, other: str, tmp_path: Path) -> None:
    """A corpus under another of its names gives the same examples."""
    files = {}
    for place in (FOLDER / name).rglob("*"):
        path = place.relative_to(FOLDER / name).as_posix()
        if place.is_file() and "ground_truth/xml" not in path:
            files[path.replace(official, other)] = place.read_bytes()
    renamed = list(task(name).read(laid(tmp_path, files), split))
    assert renamed == list(task(name).read(Corpus(FOLDER), split))


def brat(folder: str, name: str, label: str) -> dict[str, str]:
    """A document of another brat corpus."""
    return {f"{folder}/{name}.txt": "aspirin once more", f"{folder}/{name}.ann": f"T1\t{label} 0 7\taspirin\n"}


FOREIGN: dict[str, dict[str, str]] = {
    "maccrobat/test": brat("maccrobat/test", "15939911", "Sign_symptom"),
    "a/drugs/test": brat("a/drugs/test", "100002", "Drug") | brat("a/drugs/test", "7", "Drug"),
    "a/corpus": brat("a/corpus/dev/MEDLINE", "2", "ANAT") | brat("a/corpus/dev/MEDLINE", "7", "ANAT"),
    "a/test_data": {"a/test_data/0001.txt": "Another text .\n", "a/test_data/0003.txt": ""},
    "a/ground_truth": {"a/ground_truth/merged_xml/3.xml": "<x/>", "a/ground_truth/xml/44.xml": "<x/>"},
    "a/training_20180910": brat("a/training_20180910", "9", "Drug"),
    "meddocan": brat("meddocan/test/brat", "S1", "NOMBRE") | {"meddocan/test/xml/S1.xml": "<x/>"},
}
TOUCHED = {
    "maccrobat/test": ("n2c2_2018", "test"),
    "a/drugs/test": ("n2c2_2018", "test"),
    "a/corpus": ("quaero_2014", "dev"),
    "a/test_data": ("i2b2_2010", "test"),
    "a/ground_truth": ("i2b2_2012", "test"),
    "a/training_20180910": ("n2c2_2018", "train"),
}


@pytest.mark.parametrize("folder", FOREIGN)
def test_no_task_reaches_into_another_corpus(folder: str, tmp_path: Path) -> None:
    """Whatever others call their files, the official folders are read, and what is not read of others is named."""
    shutil.copytree(FOLDER, tmp_path / "official")
    corpus = laid(tmp_path, FOREIGN[folder])
    for name, split in splits():
        with corpus.capture_warnings() as captured:
            assert list(task(name).read(corpus, split)) == list(task(name).read(Corpus(FOLDER), split))
        named = {n.file for n in captured if n.kind in ("folder that is not read", "copy that differs")}
        assert any(file.startswith(folder) for file in named) == (TOUCHED.get(folder) == (name, split))


def test_another_corpus_alone_is_a_missing_one(tmp_path: Path) -> None:
    """Who has not the official test set is told so, and which folder was not taken for it."""
    corpus = laid(tmp_path, FOREIGN["maccrobat/test"])
    with pytest.raises(MissingCorpus, match="maccrobat/test: 2 files; they are of another"):
        list(task("n2c2_2018").read(corpus, "test"))


GOLD = "gold-standard-test-data"


@pytest.mark.parametrize(
    ("folder", "training"),
    [
        ("test", "training_20180910"),
        ("test/test", "training_20180910.zip/training_20180910"),
        ("a/n2c2/test", "a/n2c2/track2-training_data_2"),
        ("a/n2c2/test", "a/n2c2/training_20180910 (1)/training_20180910"),
        (GOLD, "x"),
        (f"{GOLD}/{GOLD}/test", "x"),
        (f"{GOLD} (1).zip/test", "x"),
        ("unpacked/test", "a/n2c2/training_20180910"),
    ],
)
def test_a_test_set_is_known_wherever_it_was_unpacked(folder: str, training: str, tmp_path: Path) -> None:
    """By the name of the download, by the training set beside it, or by its labels, beside corpora of other labels."""
    files = {f"{folder}/{file.name}": file.read_bytes() for file in (FOLDER / f"n2c2_2018/{GOLD}/test").iterdir()}
    files |= {name: text.encode() for name, text in brat(training, "100001", "Drug").items()}
    for name, data in files.items():
        archive, suffix, member = name.rpartition(".zip/")
        if suffix:
            with zipfile.ZipFile(tmp_path / f"{archive}.zip", "a") as file:
                file.writestr(member, data)
    laid(tmp_path, {name: data for name, data in files.items() if ".zip/" not in name})
    laid(tmp_path, brat("a/a/test", "1", "Sign_symptom"))
    corpus = laid(tmp_path, brat("a/b/test", "100002", "Drug") if folder != "unpacked/test" else {})
    assert list(task("n2c2_2018").read(corpus, "test")) == list(task("n2c2_2018").read(Corpus(FOLDER), "test"))
    assert ("folder of another name" in warning_counts(corpus.warnings)) == (folder == "unpacked/test")


def test_two_folders_that_may_be_the_test_set_are_told_and_neither_is_read(tmp_path: Path) -> None:
    """Which of them is meant cannot be known; copies of one are no two."""
    training = brat("training_20180910", "3", "Drug")
    corpus = laid(tmp_path, training | brat("a/test", "1", "Drug") | brat("b/test", "2", "Drug"))
    assert refused("n2c2_2018", corpus, "test").startswith("a/test and b/test: either may be the corpus")
    copies = laid(tmp_path / "c", training | brat("a/test", "1", "Drug") | brat("b/test", "1", "Drug"))
    assert len(list(task("n2c2_2018").read(copies, "test"))) == 1


REAL = os.environ.get("BENCH_TEST_CORPORA", "")


@pytest.mark.skipif(not REAL, reason="BENCH_TEST_CORPORA names no folder with the open corpora")
@pytest.mark.parametrize(
    ("name", "found", "golds"),
    [("quaero_2014", (844, 844, 848), (5688, 5237, 5299)), ("medrqe_2016", (8588, 302), (8588, 302))],
)
def test_the_open_corpora_are_whole(name: str, found: tuple[int, ...], golds: tuple[int, ...]) -> None:
    """All examples of the two open corpora; QUAERO's mentions are its annotation lines less 1 and 8 that repeat."""
    states = status(task(name), Corpus(Path(REAL)))
    assert tuple(state.examples for state in states) == found
    assert all(state.complete for state in states)
    for state, expected in zip(states, golds, strict=True):
        examples = list(task(name).read(Corpus(Path(REAL)), state.split))
        assert sum(len(e.gold) if isinstance(e, Document) else 1 for e in examples) == expected
        assert len({e.id for e in examples}) == len(examples)


@pytest.mark.skipif(not REAL, reason="BENCH_TEST_CORPORA names no folder with the open corpora")
def test_the_open_corpora_come_back_as_they_were(tmp_path: Path) -> None:
    """Real texts and mentions, nested and in fragments, written and read again, are the same."""
    for name in ("quaero_2014", "medrqe_2016"):
        found = task(name)
        for split in found.official_splits:
            found.write(tmp_path, split, found.read(Corpus(Path(REAL)), split))
            assert list(found.read(Corpus(tmp_path), split)) == list(found.read(Corpus(Path(REAL)), split))

"""Laws of the made-up French texts and of the three made-up corpora of pairs."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from itertools import islice
from types import ModuleType
from typing import Any

import pytest

from tasks import mednli, medrqe_2016, n2c2_2019, quaero_2014
from tasks.core.examples import Document, Pair
from tasks.demo import entailment, french, questions, similarity
from tasks.demo.corpora import MAKERS
from tasks.demo.pairing import held_out, lexicon, slipped

COUNTS = {maker.make: maker.counts for maker in MAKERS}
PAIRS = {"entailment": entailment, "questions": questions, "similarity": similarity}
CLASSES = {"entailment": mednli.LABELS, "questions": medrqe_2016.LABELS}


def drawn(maker: ModuleType, split: str, seed: int = 0) -> list[Pair[Any]]:
    """A split of the default size."""
    return list(islice(maker.pairs(random.Random(f"{seed}:{split}"), split), COUNTS[maker.pairs][split]))


def texts(pairs: list[Pair[Any]]) -> str:
    """All text of some pairs, in lower case."""
    return "\n".join(f"{pair.first}\n{pair.second}" for pair in pairs).lower()


@pytest.fixture(scope="module")
def leaflets() -> dict[str, list[Document]]:
    """The French corpus of the default size."""
    return {
        split: list(islice(french.documents(random.Random(f"0:{split}"), split), count))
        for split, count in COUNTS[french.documents].items()
    }


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_seed_gives_the_same_pairs(name: str) -> None:
    """A corpus is a function of its random numbers: equal seeds give equal pairs, another seed gives others."""
    assert drawn(PAIRS[name], "test") == drawn(PAIRS[name], "test")
    assert drawn(PAIRS[name], "test") != drawn(PAIRS[name], "test", seed=1)


@pytest.mark.parametrize("name", PAIRS)
def test_no_pair_comes_twice(name: str) -> None:
    """Within a split every pair is another one, its two sides differ, and ids are unique."""
    pairs = drawn(PAIRS[name], "train")
    assert len({(pair.first, pair.second) for pair in pairs}) == len({pair.id for pair in pairs}) == len(pairs)
    assert all(pair.first and pair.second and pair.first != pair.second for pair in pairs)


@pytest.mark.parametrize("name", PAIRS)
def test_splits_are_the_official_ones(name: str) -> None:
    """A demo corpus has exactly the splits that the official corpus has."""
    task = {"entailment": mednli, "questions": medrqe_2016, "similarity": n2c2_2019}[name].TASK
    assert tuple(COUNTS[PAIRS[name].pairs]) == task.official_splits
    assert tuple(COUNTS[french.documents]) == quaero_2014.TASK.official_splits


@pytest.mark.parametrize("name", PAIRS)
def test_five_times_the_size_gives_fresh_pairs(name: str) -> None:
    """A larger corpus is not the small one repeated, and the small one is its beginning."""
    small = drawn(PAIRS[name], "train")
    large = list(islice(PAIRS[name].pairs(random.Random("0:train"), "train"), 5 * len(small)))
    assert large[: len(small)] == small
    assert len({pair.first for pair in large}) > 3 * len({pair.first for pair in small})


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_classes_are_balanced(name: str, split: str) -> None:
    """All classes of the task occur, within ten points of each other."""
    counts = Counter(pair.gold for pair in drawn(PAIRS[name], split))
    assert set(counts) == set(CLASSES[name])
    assert max(counts.values()) - min(counts.values()) <= 0.1 * counts.total()


def test_scores_are_spread_over_their_range() -> None:
    """Grades are halves from 0 to 5, and no grade has more than a fifth of the pairs."""
    counts = Counter(pair.gold for pair in drawn(similarity, "train"))
    assert set(counts) == {half / 2 for half in range(11)}
    assert max(counts.values()) <= 0.2 * counts.total()


@pytest.mark.parametrize("name", CLASSES)
def test_one_side_alone_does_not_tell_the_class(name: str) -> None:
    """Second sentences seen often nearly all carry every class; guessing each one's commonest class is not enough."""
    pairs = islice(PAIRS[name].pairs(random.Random("many"), "train"), 15_000)
    by_second: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        by_second[pair.second][pair.gold] += 1
    often = [counts for counts in by_second.values() if counts.total() >= 20]
    assert len(often) > 50
    assert sum(len(counts) == len(CLASSES[name]) for counts in often) > 0.9 * len(often)
    guessed = sum(max(counts.values()) for counts in often) / sum(counts.total() for counts in often)
    assert guessed < 1 / len(CLASSES[name]) + 0.25


def test_words_shared_do_not_decide_entailment() -> None:
    """The share of a hypothesis' words found in the premise differs little between entailment and contradiction."""
    shares: dict[str, list[float]] = defaultdict(list)
    for pair in islice(entailment.pairs(random.Random("many"), "train"), 6_000):
        words = set(pair.second.lower().rstrip(".").split())
        shares[pair.gold].append(len(words & set(pair.first.lower().rstrip(".").split())) / len(words))
    means = {gold: sum(values) / len(values) for gold, values in shares.items()}
    assert abs(means["entailment"] - means["contradiction"]) < 0.05


WORDS = {
    "entailment": lambda words: [
        group["members"] for name in ("diagnosis", "drug", "symptom") for group in words["topic"][name]["group"]
    ],
    "questions": lambda words: [words["diseases"]],
    "similarity": lambda words: [words["words"][name] for name in ("drug", "disease", "test")],
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_third_of_the_words_is_kept_from_training(name: str) -> None:
    """At least a third of each word list never occurs in training, even at five times the size; many occur in test."""
    lists = WORDS[name](lexicon(name))
    unseen = [entry.partition(" / ")[0].partition(" @")[0].lower() for words in lists for entry in held_out(words)]
    assert all(3 * len(held_out(words)) >= len(words) for words in lists)
    maker = PAIRS[name]
    training = texts(list(islice(maker.pairs(random.Random(0), "train"), 5 * COUNTS[maker.pairs]["train"])))
    assert [word for word in unseen if word in training] == []
    tested = texts(drawn(maker, "test"))
    assert sum(word in tested for word in unseen) > len(unseen) / 4


def test_slips_change_letters_and_nothing_else() -> None:
    """At rate 0 nothing changes; at rate 1 every long word does, and numbers, capitals and short words do not."""
    text = "Take 20 mg of METOPROLOL twice with breakfast, please."
    assert slipped(random.Random(0), text, 0) == text
    slip = slipped(random.Random(0), text, 1)
    assert slip.split()[:5] == text.split()[:5]
    assert slip.split()[7] != text.split()[7]


def test_french_mentions_are_whole_words(leaflets: dict[str, list[Document]]) -> None:
    """Every fragment begins and ends at the edge of a word, in both parts of the corpus."""
    notes = [note for found in leaflets.values() for note in found]
    assert {note.id.partition("/")[0] for note in notes} == {"EMEA", "MEDLINE"}
    for note in notes:
        for start, end in (piece for span in note.gold for piece in span.fragments):
            assert not note.text[max(0, start - 1) : start].isalnum()
            assert not note.text[end : end + 1].isalnum()


def test_french_mentions_nest_and_some_are_discontinuous(leaflets: dict[str, list[Document]]) -> None:
    """As in QUAERO, some mentions lie within others, and a few have two fragments, in order, with a word between."""
    spans = [(note, span) for note in leaflets["train"] for span in note.gold]
    inside = sum(a != b and b.start <= a.start and a.end <= b.end for note, a in spans for b in note.gold)
    assert inside > len(spans) / 20
    split = [(note, span) for note, span in spans if len(span.fragments) > 1]
    assert 0 < len(split) < len(spans) / 20
    assert all(" et " in note.text[s.fragments[0][1] : s.fragments[1][0]] for note, s in split)


def test_french_words_are_a_label_here_and_none_there() -> None:
    """ "fer" and "face" are mentions in one context and plain words in another; "rate" is an organ or an animal."""
    labels: dict[str, set[str]] = defaultdict(set)
    for note in islice(french.documents(random.Random(0), "train"), 600):
        exact = {span.fragments[0]: span.label for span in note.gold if len(span.fragments) == 1}
        for found in re.finditer(r"\b(fer|face|rate)\b", note.text.lower()):
            labels[found[1]].add(exact.get(found.span(), "none"))
    assert labels == {"fer": {"CHEM", "none"}, "face": {"ANAT", "none"}, "rate": {"ANAT", "LIVB"}}


@pytest.mark.parametrize(
    "wrong", [" la artère", " le enfant", " de insuline", " du asthme", " de le ", " à le ", " de les "]
)
def test_french_articles_are_elided_and_contracted(wrong: str) -> None:
    """No article stands before a vowel that asks for its elision, and none is left uncontracted."""
    text = " ".join(note.text for note in islice(french.documents(random.Random(0), "test"), 150))
    assert wrong not in text.lower()
    assert "l ’ " in text
    assert "d' " in text

"""Windows lose no character that matters, and tags come back as the mentions they were made of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from baselines.core import tokenizer as tokenizer_module
from baselines.core.bio_tags import BioTags
from baselines.core.span_classifier import WIDTHS, SpanClassifier
from baselines.core.tokenizer import SubwordTokenizer
from baselines.core.windows import text_windows
from conftest import make_encoder
from tasks.core.errors import InputError
from tasks.core.examples import Span

LABELS = ("problem", "treatment")
TAGS, CLASSIFIER = BioTags(LABELS), SpanClassifier(LABELS)
texts = st.text(st.sampled_from("abc xyz019 .,\n-/é\ufeff\u2028"), max_size=120)


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: Path) -> SubwordTokenizer:
    return SubwordTokenizer(tiny_encoder)


def decoded(scheme: BioTags | SpanClassifier, offsets: np.ndarray, spans: Iterable[Span]) -> set[Span]:
    """What comes back of mentions."""
    return set(scheme.mentions(offsets, scheme.encode(offsets, spans))[1])


@given(text=texts, most=st.integers(4, 40))
@settings(max_examples=60, deadline=None)
def test_windows_hold_every_visible_character_once(tokenizer: SubwordTokenizer, text: str, most: int) -> None:
    windows = text_windows(tokenizer, text, most)
    covered = np.zeros(len(text), dtype=int)
    for window in windows:
        assert len(window.input_ids) <= most or len(window.read_positions) == 1
        for start, end in window.offset_mapping:
            covered[start:end] += 1
    assert all(covered[place] == 1 for place, char in enumerate(text) if char.isalnum() and char.isascii())
    assert covered.max(initial=0) <= 1


def byte_level(folder: Path) -> SubwordTokenizer:
    """As RoBERTa's: tokens of bytes, to which the space before a word belongs, with merged line ends."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["\n\n the abc\nabc 019\n\nabc  xyz\n"] * 9, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    return saved(tokenizer, folder)


def unigram(folder: Path) -> SubwordTokenizer:
    """As CamemBERT's: white space is a space, of which one is put before every text."""
    pieces = ["<s>", "</s>", "<unk>", "▁", "▁abc", "▁a", "bc", "ab", "xyz", *"abcdefghijklmnopqrstuvwxyz0123456789\n"]
    tokenizer = Tokenizer(models.Unigram([(piece, -len(pieces) + len(piece)) for piece in pieces], 2, False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    return saved(tokenizer, folder)


def saved(tokenizer: Tokenizer, folder: Path) -> SubwordTokenizer:
    tokenizer.save(str(folder / "tokenizer.json"))
    return SubwordTokenizer(folder)


@pytest.fixture(scope="module", params=["word_piece", "byte_level", "unigram"])
def any_tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SubwordTokenizer:
    make = {"byte_level": byte_level, "unigram": unigram}.get(request.param)
    folder = tmp_path_factory.mktemp("tokenizer")
    return make(folder) if make else SubwordTokenizer(make_encoder(folder))


WILD = (
    "abc", "xyz0", "a", "19", "x", ".", "'s", "é", "e\u0301", "\u0301", "\ufdfa", "½", "İ", "한", "日本", "क्ष",
    " ", "  ", "\n", "\n\n", "\r\n", "\r", "\t", "\x85", "\xa0", "\u2028", "\u3000", "\u200b", "\ufeff",
    "👩\u200d⚕️", "1️⃣", "</s>", "<mask>",
)  # fmt: skip
"""Letters, digits and marks; all that is white space; what combines, what is several characters or bytes in tokens,
and what has the name of a special token."""


@given(parts=st.lists(st.sampled_from(WILD), max_size=60), most=st.sampled_from([4, 12, 200]))
@settings(max_examples=150, deadline=None)
def test_a_word_is_neither_empty_nor_ends_in_white_space(
    any_tokenizer: SubwordTokenizer, parts: list[str], most: int
) -> None:
    """Though some tokenizers make tokens of it; every letter and digit is part of one word."""
    text = "".join(parts)
    ids = any_tokenizer.text(text).ids
    covered = np.zeros(len(text), dtype=int)
    for window in text_windows(any_tokenizer, text, most):
        assert len(window.input_ids) <= most or len(window.read_positions) == 1
        assert "".join(map(chr, window.input_ids[1:-1])) in "".join(map(chr, ids))
        for start, end in window.offset_mapping:
            assert text[start:end].strip() == text[start:end] != ""
            covered[start:end] += 1
    assert covered.max(initial=0) <= 1
    assert all(covered[place] for place, char in enumerate(text) if char.isalnum())


mentions = st.sampled_from(["abc", "été", "ệ", "a\u0301\u0323b", "한국", "é9", "19", "na\u20dd"])
blanks = st.sampled_from([" ", "  ", "\n\n", "\r\n", "\xa0", "\u2028"])


@given(parts=st.lists(st.tuples(blanks, mentions), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_no_mention_is_lost_to_white_space_or_accents(
    any_tokenizer: SubwordTokenizer, parts: list[tuple[str, str]]
) -> None:
    """With any tokenizer, in composed characters as in decomposed ones, what is taught comes back."""
    for form in ("NFC", "NFD"):
        text, gold = "", set()
        for number, (blank, word) in enumerate(parts):
            start = len(text + blank)
            text += blank + unicodedata.normalize(form, word)
            gold |= {Span(((start, len(text)),), LABELS[number % 2])}
        offsets = np.concatenate([window.offset_mapping for window in text_windows(any_tokenizer, text, 4)])
        assert decoded(TAGS, offsets, gold) == decoded(CLASSIFIER, offsets, gold) == gold


def test_white_space_takes_no_room_at_the_edges_of_a_window(any_tokenizer: SubwordTokenizer) -> None:
    """Between two words there may be more of them than an encoder takes."""
    windows = text_windows(any_tokenizer, "abc" + "\n " * 5000 + "abc", 16)
    assert np.concatenate([window.offset_mapping for window in windows]).tolist() == [[0, 3], [10003, 10006]]
    assert all(len(window.input_ids) <= 16 for window in windows)
    assert text_windows(any_tokenizer, " \n\xa0" * 99, 16) == []


long_texts = st.lists(
    st.sampled_from(["abc", "xyz0", "a", "19", " ", "  ", "\n", "\n\n", "\r\n", ".", "'s", "é", "e\u0301", "<mask>"]),
    max_size=80,
)


@given(parts=long_texts, piece=st.integers(1, 30), around=st.integers(8, 30))
@settings(max_examples=150, deadline=None)
def test_a_text_in_pieces_has_the_sub_words_of_the_whole(
    any_tokenizer: SubwordTokenizer, parts: list[str], piece: int, around: int
) -> None:
    text = "".join(parts)
    whole = any_tokenizer.text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer_module, "PIECE", piece)
        patch.setattr(tokenizer_module, "AROUND", around)
        pieces = list(any_tokenizer.pieces(text))
        windows = text_windows(any_tokenizer, text, 12)
    assert [number for _, encoding in pieces for number in encoding.ids] == whole.ids
    found = [(at + start, at + end) for at, encoding in pieces for start, end in encoding.offsets]
    assert found == whole.offsets
    assert [window.input_ids.tolist() for window in windows] == [
        window.input_ids.tolist() for window in text_windows(any_tokenizer, text, 12)
    ]


def test_a_long_text_is_made_sub_words_in_pieces(any_tokenizer: SubwordTokenizer) -> None:
    """At line ends where the tokenizer parts the text there itself; without any place the text stays whole."""
    text = "the patient was seen in clinic .\n" * 4000
    sizes = [len(encoding.ids) for _, encoding in any_tokenizer.pieces(text)]
    assert len(sizes) == (1 if any_tokenizer.text("a").tokens[0] == "▁a" else 5)
    assert len(list(any_tokenizer.pieces("x" * 100_000))) == 1


def test_a_long_text_is_cut_at_its_blank_lines(tokenizer: SubwordTokenizer) -> None:
    sentence = "the patient was seen in clinic ."
    text = f"{sentence}\n{sentence}\n\n{sentence}\n{sentence}\n"
    windows = text_windows(tokenizer, text, 20)
    second = windows[1].offset_mapping[0, 0]
    assert text[:second].endswith("\n\n")


def test_a_training_window_is_not_cut_inside_a_mention(tokenizer: SubwordTokenizer) -> None:
    text = "the patient was seen in clinic chest pain x\nray was given"
    mention = Span(((text.index("chest"), text.index("ray") + 3),), "problem")
    free = text_windows(tokenizer, text, 11)
    kept = text_windows(tokenizer, text, 11, [mention])
    assert any(mention.start < window.offset_mapping[0, 0] < mention.end for window in free)
    assert not any(mention.start < window.offset_mapping[0, 0] < mention.end for window in kept)


def test_words_end_between_digits_and_letters(tokenizer: SubwordTokenizer) -> None:
    """A dose glued to its unit can be tagged apart: `50mg` is two words."""
    (window,) = text_windows(tokenizer, "50mg aspirin", 20)
    assert window.offset_mapping.tolist() == [[0, 2], [2, 4], [5, 12]]


@given(data=st.data(), words=st.lists(st.integers(1, 6), min_size=1, max_size=20))
@settings(max_examples=80, deadline=None)
def test_tags_of_mentions_that_do_not_overlap_come_back_whole(data: st.DataObject, words: list[int]) -> None:
    ends = np.cumsum(np.array(words) + 1) - 1
    offsets = np.stack([ends - words, ends], axis=1)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(words)), max_size=8)))
    spans = {
        Span(((int(offsets[first, 0]), int(offsets[last - 1, 1])),), data.draw(st.sampled_from(LABELS)))
        for first, last in zip(cuts[::2], cuts[1::2], strict=False)
    }
    assert decoded(TAGS, offsets, spans) == spans


def test_of_overlapping_mentions_the_longest_is_tagged() -> None:
    offsets = np.array([[0, 4], [5, 9], [10, 14]])
    inner, outer = Span(((5, 9),), "problem"), Span(((0, 14),), "treatment")
    assert decoded(TAGS, offsets, [inner, outer]) == {outer}


def test_fragments_with_nothing_between_are_one_span() -> None:
    """A line break inside a mention makes two fragments in some corpora; the tags go across it."""
    offsets = np.array([[0, 4], [5, 9], [10, 14]])
    broken = Span(((0, 4), (5, 9)), "problem")
    assert decoded(TAGS, offsets, [broken]) == {Span(((0, 9),), "problem")}
    apart = Span(((0, 4), (10, 14)), "problem")
    assert decoded(TAGS, offsets, [apart]) == {Span(((0, 4),), "problem")}


@given(data=st.data(), words=st.lists(st.integers(1, 6), min_size=1, max_size=30))
@settings(max_examples=80, deadline=None)
def test_spans_hold_mentions_that_nest_and_overlap(data: st.DataObject, words: list[int]) -> None:
    """All that is lost is what is wider than any span, and a second label of the same span."""
    ends = np.cumsum(np.array(words) + 1) - 1
    offsets = np.stack([ends - words, ends], axis=1)
    places = st.tuples(st.integers(0, len(words) - 1), st.integers(0, len(words) - 1)).map(sorted)
    labels = data.draw(st.dictionaries(places.map(tuple), st.sampled_from(LABELS), max_size=12))
    spans = {
        Span(((int(offsets[i, 0]), int(offsets[j, 1])),), label): j - i < WIDTHS for (i, j), label in labels.items()
    }
    assert decoded(CLASSIFIER, offsets, spans) == {span for span, narrow in spans.items() if narrow}


def test_a_mention_in_several_fragments_is_not_taught_as_its_parts() -> None:
    offsets = np.array([[0, 4], [5, 9], [10, 14]])
    apart = Span(((0, 4), (10, 14)), "problem")
    assert decoded(CLASSIFIER, offsets, [apart]) == set()


def test_the_nested_head_can_learn_any_mentions_of_a_batch() -> None:
    """Spans that would cross into the next window are neither taught nor answered."""
    offsets = np.array([[0, 4], [5, 9], [10, 14]])
    windows = [{Span(((0, 14),), "problem"), Span(((5, 9),), "drug")}, set(), {Span(((0, 9),), "drug")}]
    scheme = SpanClassifier(("problem", "drug"))
    torch.manual_seed(0)
    layer, hidden = scheme.layer(9), 3 * torch.eye(9)
    targets = torch.from_numpy(np.concatenate([scheme.encode(offsets, gold) for gold in windows]))
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        scheme.loss(layer(hidden), targets).backward()
        optimiser.step()
    best = scheme.decode(layer(hidden).detach().numpy(), [3, 3, 3])
    assert [set(scheme.mentions(offsets, part)[1]) for part in np.split(best, 3)] == windows


@given(st.lists(st.lists(st.floats(-5, 5), min_size=5, max_size=5), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_the_best_path_is_the_best_of_all_allowed_paths(rows: list[list[float]]) -> None:
    """Viterbi against trying every path."""
    import itertools

    logits = np.array(rows)

    def allowed(path: tuple[int, ...]) -> bool:
        return all(
            tag % 2 or not tag or (place and path[place - 1] in (tag - 1, tag)) for place, tag in enumerate(path)
        )

    def total(path: tuple[int, ...]) -> float:
        return sum(logits[place, tag] for place, tag in enumerate(path))

    best = max(total(path) for path in itertools.product(range(5), repeat=len(logits)) if allowed(path))
    found = tuple(TAGS.decode(logits, [len(logits)]))
    assert allowed(found)
    assert total(found) == pytest.approx(best)


def test_a_vocabulary_that_knows_no_word_is_refused(tmp_path: Path) -> None:
    """A tokenizer that maps every word to [UNK] would train in silence on nothing."""
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n", encoding="utf-8")
    with pytest.raises(InputError, match="knows no English word"):
        SubwordTokenizer(tmp_path)


@pytest.mark.parametrize("cased", [True, False])
def test_a_bare_vocabulary_says_itself_whether_it_is_cased(tmp_path: Path, tiny_encoder: Path, cased: bool) -> None:
    """Clinical encoders are published as vocab.txt alone, and the default would lower-case their input."""
    words = (tiny_encoder / "vocab.txt").read_text(encoding="utf-8")
    (tmp_path / "vocab.txt").write_text(words + ("The\n" if cased else ""), encoding="utf-8")
    tokenizer = SubwordTokenizer(tmp_path)
    assert (tokenizer.text("The").tokens != tokenizer.text("the").tokens) is cased

"""Text to tokens with the characters they stand for, from any encoder's own files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tokenizers import Encoding, Tokenizer
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

from tasks.core.errors import InputError

# English that every encoder of the field knows: a tokenizer that knows none of it was not loaded right.
PROBE = "the patient was seen in the clinic"

PIECE = 2**15
"""Characters of a text that are tokenised at a time, and as many more as it takes to the next place to split it."""

LINE_EDGE, WORD_EDGE = re.compile(r"(?<=\S)\n(?=[A-Za-z0-9])"), re.compile(r"\s(?=[A-Za-z0-9])")
TRIES = 8
"""So many places of each kind are tried, and then as many again a piece further on."""

AROUND = 100
"""Characters compared on each side of a split; every tokenizer of the field looks at a word or less at a time."""


class SubwordTokenizer:
    """An encoder's tokenizer: it truncates and pads only where asked, and offsets come from its own mapping."""

    def __init__(self, folder: Path) -> None:
        try:
            self._tokenizer = _load(folder)
        except InputError:
            raise
        except Exception as error:  # Each format of tokenizers meets damage with an error of its own.
            what = type(error).__name__
            raise InputError(f"the tokenizer in {folder.name} cannot be read ({what}): fetch its files anew") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True  # A note that reads `</s>` says these four characters.
        known = self.text(PROBE).ids
        first, *framed = self._tokenizer.encode(PROBE).ids or [0]
        if not framed or framed[:-1] != known:
            raise InputError(
                f"the tokenizer in {folder.name} does not frame a text by two special tokens: use a BERT-type encoder"
            )
        self.first, self.last = first, framed[-1]
        if len(set(known)) < 4:
            raise InputError(
                f"the tokenizer in {folder.name} knows no English word: its vocabulary is damaged or not this encoder's"
            )

    @property
    def size(self) -> int:
        """The rows that word embeddings must have: special tokens that were added stand in no window, but for two."""
        added = self._tokenizer.get_added_tokens_decoder().items()
        own = self._tokenizer.get_vocab(with_added_tokens=False).values()
        return 1 + max(self.first, self.last, *own, *(number for number, token in added if not token.special))

    def text(self, text: str) -> Encoding:
        """A whole text without special tokens."""
        return self._tokenizer.encode(text, add_special_tokens=False)

    def pieces(self, text: str) -> Iterator[tuple[int, Encoding]]:
        """A text, however long, in pieces with the characters where they begin: its tokens are those of the whole.

        An encoding takes hundreds of bytes a character: of a long text only that of one piece is held at a time.
        """
        start = 0
        while start < len(text):
            end = self._end(text, start)
            yield start, self.text(text[start:end])
            start = end

    def _end(self, text: str, start: int) -> int:
        """Where a piece may end: the first of a few places beyond its size where the tokenizer splits the text too."""
        for beyond in range(start + PIECE, len(text), PIECE):
            for edges in (LINE_EDGE, WORD_EDGE):
                for edge in islice(edges.finditer(text, beyond), TRIES):
                    if self._splits(text, edge.end()):
                        return edge.end()
        return len(text)

    def _splits(self, text: str, cut: int) -> bool:
        """Whether the tokens around a cut are those of its two sides."""
        left, right = text[max(0, cut - AROUND) : cut], text[cut : cut + AROUND]
        both, before, behind = (self.text(part) for part in (left + right, left, right))
        offsets = [(start + len(left), end + len(left)) for start, end in behind.offsets]
        return both.ids == before.ids + behind.ids and both.offsets == before.offsets + offsets

    def pair(self, first: str, second: str, max_length: int) -> Encoding:
        """Two sentences with special tokens, the longer one truncated until both fit."""
        self._tokenizer.enable_truncation(max_length, strategy="longest_first")
        encoding = self._tokenizer.encode(first, second)
        self._tokenizer.no_truncation()
        return encoding


def _load(folder: Path) -> Tokenizer:
    if (folder / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if (folder / "vocab.txt").is_file():
        words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
        # Cased clinical encoders are published without a tokenizer configuration, and the default would lower-case
        # their input: the vocabulary itself says which it is.
        cased = any(word.isalpha() and word != word.lower() for word in words)
        wordpiece = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=not cased, strip_accents=not cased)
        return wordpiece._tokenizer
    if (folder / "merges.txt").is_file() or list(folder.glob("*.model")):
        from transformers import AutoTokenizer

        options = {"local_files_only": True, "use_fast": True, "trust_remote_code": False}
        backend: Tokenizer = AutoTokenizer.from_pretrained(folder, **options).backend_tokenizer
        return backend
    raise InputError(f"the encoder folder {folder.name} has no tokenizer: it needs a tokenizer.json or a vocab.txt")

"""How alike two texts are: by their words, in their order or not. Numbers from 0 to 1.

Words are compared without case, punctuation and the ways in which Unicode writes one character
(NFKC); of scripts without spaces every character is a word, and so is every sign (emoji, currency).
Knows texts, not what is asked of them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

MAX_CHARS = 100_000  # of a text that are looked at: a model's longest answer has about as many
MAX_ORDERED = 4_000  # words of a text whose order is compared: the time grows with their square

_LOOSE = re.compile(r"(?<!\d)[.,:]|[.,:](?!\d)")  # 3.5 and 12:30 are one word each
# Thai to Myanmar, Khmer, kana, CJK: one word has no end that a program could see without a lexicon.
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class _Parts(dict[int, str]):
    """A character → what it is to words: itself, a word of its own, nothing, or a gap."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if kind == "Cf" or _VARIATION.match(character):
            part = ""
        elif kind[0] == "S" or _SPACELESS.match(character):
            part = f" {character} "
        else:
            part = character if kind[0] in "LMN" or character in ".,:" else " "
        self[code] = part
        return part


_PARTS = _Parts()


def words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()
    return _LOOSE.sub(" ", plain).translate(_PARTS).split()


def same(one: str, other: str) -> bool:
    """Whether they are one text: NFC, with case and punctuation, whatever the white space."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def token_f1(expected: Sequence[str], given: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of words, whatever their order (as SQuAD's)."""
    common = (Counter(expected) & Counter(given)).total()
    return _f1(common, len(expected), len(given))


def rouge_l(expected: Sequence[str], given: Sequence[str]) -> float:
    """The F-measure of the longest common subsequence of words (Lin 2004, β = 1). Of a long text
    the first MAX_ORDERED words can be in it; all of them count for its length."""
    common = _longest_common(expected[:MAX_ORDERED], given[:MAX_ORDERED])
    return _f1(common, len(expected), len(given))


def length_ratio(expected: Sequence[str], given: Sequence[str]) -> float:
    """The shorter one's words by the longer one's: 1 for the same length."""
    longer = max(len(expected), len(given))
    return min(len(expected), len(given)) / longer if longer else 1.0


def _f1(common: int, expected: int, given: int) -> float:
    """Two texts without any word are alike: what tells them apart is for `same`."""
    return 2 * common / (expected + given) if expected + given else 1.0


def _longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, a row of the table at a time as the bits of one
    number (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    every = (1 << len(one)) - 1
    row = every
    for word in other:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & every
    return len(one) - row.bit_count()

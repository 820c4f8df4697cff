"""What a report may hold of an answer: no id, key, address, name or text of a person.

Applied to every value before it is kept. Knows no answer.
"""

import re
from collections.abc import Iterable

from shared.printable import printable

LONGEST = 300
GONE = "…"
# Whatever the service quotes is a name of somebody's, or a value that was sent.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|“[^”]*”|‘[^’]*’")
_WORD = re.compile(r"[\w+/=-]+")
HEX = frozenset("0123456789abcdef")
_HEX_RUN = re.compile(r"[0-9a-fA-F]{8,}")
LONGEST_WORD = 32  # of English, and some more
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def clean(text: str, names: Iterable[str] = ()) -> str:
    """The text without `names` and without what looks like an id, an address or a quoted value."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(re.escape(name), GONE, text, flags=re.IGNORECASE)
    text = _QUOTED.sub(GONE, text)
    words = (GONE if _is_address(word) else _WORD.sub(_kept, word) for word in text.split())
    text = printable(" ".join(words))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}{GONE}"


def sentence(text: str, names: Iterable[str] = ()) -> str:
    """A sentence of the service, with its numbers as N: they are of the account."""
    return _NUMBER.sub("N", clean(text, names))


def _is_address(word: str) -> bool:
    """Also the name of a host, and the path of a resource."""
    names = word.strip(".,;:()").split(".")
    is_host = len(names) > 2 and all(names) and names[-1].isalpha()
    marked = any(mark in word.lower() for mark in ("//", "@", "/subscriptions/"))
    return is_host or marked or word.count("/") > 2


def _kept(word: re.Match[str]) -> str:
    return GONE if _HEX_RUN.search(word[0]) or any(map(_is_id, word[0].split("-"))) else word[0]


def _is_id(piece: str) -> bool:
    """Hexadecimal digits alone, letters and digits mixed, or longer than a word is."""
    mixed = any(map(str.isdigit, piece)) and any(map(str.isalpha, piece))
    size = len(piece)
    return size > LONGEST_WORD or (size >= 6 and HEX.issuperset(piece)) or (size >= 12 and mixed)

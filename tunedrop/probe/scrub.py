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
_ADDRESS = re.compile(r"\S*(?://|@)\S*|\S*/subscriptions/\S*", re.IGNORECASE)
# Ids and keys: at least six hexadecimal digits or eight letters and digits mixed, or a word that is
# longer than any of English.
_ID = re.compile(
    r"[A-Za-z_]*[-_]?[0-9a-fA-F]{8,}[\w-]*|\b[0-9a-f]{6,}\b"
    r"|[\w-]*\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b[\w-]*|\b[\w+/=]{33,}\b"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def clean(text: str, names: Iterable[str] = ()) -> str:
    """The text without `names` and without what looks like an id, an address or a quoted value."""
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(re.escape(name), GONE, text, flags=re.IGNORECASE)
    for pattern in (_QUOTED, _ADDRESS, _ID):
        text = pattern.sub(GONE, text)
    text = printable(" ".join(text.split()))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}{GONE}"


def sentence(text: str, names: Iterable[str] = ()) -> str:
    """A sentence of the service, with its numbers as N: they are of the account."""
    return _NUMBER.sub("N", clean(text, names))

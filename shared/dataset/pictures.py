"""Pictures: which one it is, and where they are within texts, as data URLs. What stands in their
bytes by chance, like a key or an account number, is none. Knows how pictures begin, not what they
show.
"""

import re
from bisect import bisect
from collections.abc import Iterable
from hashlib import blake2b
from typing import Protocol, TypeVar

# Only what begins as a PNG, JPEG, GIF or WebP does; its slashes may be escaped, as PHP does it.
_PICTURE = re.compile(
    r"data:image\\{0,2}/[a-z0-9.+-]{1,20};base64,"
    r"(?:iVBORw0KGgo|\\{0,2}/9j\\{0,2}/|R0lGOD|UklGR)(?:[A-Za-z0-9+]|\\{0,2}/)*+={0,2}"
)


def digest(pictures: Iterable[tuple[int, str]]) -> int:
    """Which pictures they are, each with the number of its message: by its address or, where it is
    embedded, by its data, whatever kind of picture the data are called. 64 bits, the same on every
    machine, as a split must be; 0 for none."""
    found, none = blake2b(digest_size=8), True
    for message, url in pictures:
        none = False
        scheme, _, data = url.partition(",")
        shown = data if scheme.startswith("data:") else url
        found.update(f"{message} {len(shown)} ".encode())
        found.update(shown.encode(errors="replace"))
    return 0 if none else int.from_bytes(found.digest())


class Span(Protocol):
    @property
    def start(self) -> int: ...


Found = TypeVar("Found", bound=Span)


def outside_of_pictures(text: str, found: list[Found]) -> list[Found]:
    """Those of the spans that do not begin in a picture."""
    if not found or "base64," not in text:
        return found
    pictures = [match.span() for match in _PICTURE.finditer(text)]
    return [span for span in found if not _within(pictures, span.start)]


def without_pictures(text: str) -> str:
    """The rest of it."""
    return _PICTURE.sub("", text) if "base64," in text else text


def _within(pictures: list[tuple[int, int]], place: int) -> bool:
    number = bisect(pictures, place, key=lambda picture: picture[0])
    return number > 0 and place < pictures[number - 1][1]

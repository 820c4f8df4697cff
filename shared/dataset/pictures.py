"""Pictures within texts, as data URLs: where they are. What stands in their bytes by chance, like a
key or an account number, is none. Knows how pictures begin, not what they show.
"""

import re
from bisect import bisect
from typing import Protocol, TypeVar

# Only what begins as a PNG, JPEG, GIF or WebP does; its slashes may be escaped, as PHP does it.
_PICTURE = re.compile(
    r"data:image\\{0,2}/[a-z0-9.+-]{1,20};base64,"
    r"(?:iVBORw0KGgo|\\{0,2}/9j\\{0,2}/|R0lGOD|UklGR)(?:[A-Za-z0-9+]|\\{0,2}/)*+={0,2}"
)


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


def _within(pictures: list[tuple[int, int]], place: int) -> bool:
    number = bisect(pictures, place, key=lambda picture: picture[0])
    return number > 0 and place < pictures[number - 1][1]

"""Text of strangers for messages, logs and terminals: nothing in it moves a cursor or ends a line.

Knows characters, not what a text means; masking is `dataset/findings/quoting`'s.
"""

import re

HEED = 3  # characters before one that decide whether it is written out
# C0 and C1, line separators, marks of direction, what has no width (but the joiners, which writing
# needs), halves of surrogate pairs, tags; and of marks above and below one letter those after the
# third: many of them cover other lines.
_MARKS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    r"\u2060-\u2065\u206a-\u206f\ufeff\u00ad\u180e\ud800-\udfff\U000e0000-\U000e007f]"
    rf"|(?<={_MARKS}{{{HEED}}}){_MARKS}"
)


def printable(text: str) -> str:
    """The text with its control characters written out: `\\u001b`, as JSON does. It can always be
    encoded."""
    return _CONTROL.sub(_written_out, text)


def _written_out(character: re.Match[str]) -> str:
    units = character.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def shown(text: str, limit: int = 80) -> str:
    """The text as a message names it: printable, at most `limit` characters and an ellipsis."""
    return printable(text if len(text) <= limit else f"{text[:limit]}…")

"""Text of strangers for messages, logs and terminals: nothing in it moves a cursor or ends a line.

Knows characters, not what a text means; masking is `dataset/findings/quoting`'s.
"""

import re

# C0 and C1, line separators, marks of direction, halves of surrogate pairs.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with its control characters written out: `\\u001b`. It can always be encoded."""
    return _CONTROL.sub(lambda character: f"\\u{ord(character.group()):04x}", text)


def shown(text: str, limit: int = 80) -> str:
    """The text as a message names it: printable, at most `limit` characters and an ellipsis."""
    return printable(text if len(text) <= limit else f"{text[:limit]}…")

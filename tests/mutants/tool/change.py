"""What the tool has changed, as one line that can be compared, read and put into a list.

    _known: near = get(name, n=1) => near = get(name, n=2)

Numbers of lines are no part of it: they move. Knows nothing of how a change was tried.
"""

import io
import re
import tokenize
from collections.abc import Iterable
from itertools import zip_longest

ARROW = " => "
WORDS = re.compile(r"[^\W\d_] [^\W\d_]")  # a blank between two letters: text for people


def described(function: str, diff: str) -> str:
    """One line from the function's name and a unified diff."""
    lines = [line for line in diff.splitlines() if not line.startswith(("---", "+++"))]
    return f"{function}: {_of(lines, '-')}{ARROW}{_of(lines, '+')}"


def is_of_words(change: str) -> bool:
    """Whether only the letters of a sentence differ: their case, or letters around them.

    What a message says is asserted where it names a value, a limit or a cure; how its words are
    spelt is not.
    """
    before, _, after = change.partition(": ")[2].partition(ARROW)
    old, new = _tokens(before), _tokens(after)
    changed = [pair for pair in zip_longest(old, new, fillvalue="") if pair[0] != pair[1]]
    return len(changed) == 1 and _same_words(*changed[0])


def _same_words(old: str, new: str) -> bool:
    quoted = old[:1] in "\"'" and new[:1] in "\"'"
    return quoted and bool(WORDS.search(old)) and new.replace("XX", "").lower() == old.lower()


def _of(lines: Iterable[str], sign: str) -> str:
    return " ".join(" ".join(line[1:].split()) for line in lines if line.startswith(sign))


def _tokens(code: str) -> list[str]:
    """Of a piece of code that need not be whole."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            found.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        pass  # a bracket that is closed elsewhere: what came before it counts
    return found

"""What the pages tell people to type: the commands in their blocks, as words.

A block without a language, `console`, `sh` or `bash` holds commands. Where a line of it begins with
`$ `, these lines are commands and the others what they print. Knows the shell's syntax as far as
the pages use it, and no program.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from docs.markdown import Fence, fences, pages

SHELL = ("", "console", "sh", "bash")
PROMPT = "$ "
_BETWEEN = set("();<>|&")  # of shlex: what stands between commands


@dataclass(frozen=True)
class Typed:
    """A command as the shell passes it on: `words` without redirections."""

    fence: Fence
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.fence}: {' '.join(self.words)}"


@dataclass(frozen=True)
class Exchange:
    """A line of a transcript, and what is printed after it."""

    typed: str
    printed: tuple[str, ...]


def of_pages(*programs: str) -> list[Typed]:
    """Each call of one of these programs on any page."""
    found = (typed for page in pages() for fence in fences(page) for typed in commands(fence))
    return [typed for typed in found if typed.words[0] in programs]


def is_transcript(fence: Fence) -> bool:
    return fence.language in SHELL and any(
        line.startswith(PROMPT) for line in fence.content.splitlines()
    )


def exchanges(fence: Fence) -> Iterator[Exchange]:
    typed, printed = "", list[str]()
    for line in fence.content.splitlines():
        if line.startswith(PROMPT):
            if typed:
                yield Exchange(typed, tuple(printed))
            typed, printed = line.removeprefix(PROMPT), []
        else:
            printed.append(line)
    yield Exchange(typed, tuple(printed))


def commands(fence: Fence) -> Iterator[Typed]:
    if fence.language not in SHELL:
        return
    lines = fence.content.replace("\\\n", " ").splitlines()
    if is_transcript(fence):
        lines = [line.removeprefix(PROMPT) for line in lines if line.startswith(PROMPT)]
    yield from chain.from_iterable(_commands(fence, line) for line in lines)


def _commands(fence: Fence, line: str) -> Iterator[Typed]:
    found: list[str] = []
    redirected = False
    for word in [*_words(line), ";"]:
        if set(word) <= set("<>"):
            redirected = True
        elif set(word) <= _BETWEEN:
            if found := _without_settings(found):
                yield Typed(fence, tuple(found))
            found = []
        elif redirected:
            redirected = False
        else:
            found.append(word)


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        return list(lexer)
    except ValueError:  # an apostrophe: a sentence, and no command
        return []


def _without_settings(words: list[str]) -> list[str]:
    """Without what only sets variables, and `$` before a parenthesis."""
    words = [word for word in words if word != "$"]
    while words and "=" in words[0] and not words[0].startswith("-"):
        words = words[1:]
    return words

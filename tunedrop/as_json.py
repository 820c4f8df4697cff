"""`--json`: one JSON object in the place of the text, for programs.

With it, standard output has that object and nothing else. What stands on standard error is JSON as
well, an object a line: {"note": …}, and {"error": {"message": …, "fix": …}}. A command takes the
option as `as_json: AsJson = False`, and prints its object with `echo.say_json`. Knows no command.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated

import typer

from tunedrop.echo import say, say_json

OPTION = "--json"

AsJson = Annotated[bool, typer.Option(OPTION, help="print one JSON object in place of the text")]

_asked = ContextVar("_asked", default=False)


@contextmanager
def asked_by(words: Sequence[str]) -> Iterator[None]:
    """While a command with these words goes on. By its words and not by what is read of them: an
    error in the words themselves is told as JSON, too."""
    token = _asked.set(OPTION in words)
    try:
        yield
    finally:
        _asked.reset(token)


def is_asked() -> bool:
    return _asked.get()


def note(text: str) -> None:
    """What is worth knowing beside a result, on standard error."""
    say_json({"note": text}, err=True) if is_asked() else say(text, err=True)

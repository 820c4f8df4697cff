"""`--json`: one JSON object in the place of the text, for programs.

With it, standard output has that object and nothing else, and standard error nothing, or one object
with the error. A command takes the option as `as_json: AsJson = False`, prints its object with
`echo.say_json`, and what is worth a note beside its text with `note`. Knows no command.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated

import typer

from tunedrop.echo import say

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


def note(text: object) -> None:
    """What is worth knowing beside a result, on standard error; with `--json` it is in the object,
    or left out."""
    if not is_asked():
        say(text, err=True)

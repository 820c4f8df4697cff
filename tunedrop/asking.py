"""Questions to a person before something is done that cannot be undone. Knows no question."""

import sys
from collections.abc import Callable

import typer

from tunedrop.as_json import is_asked
from tunedrop.errors import CommandError


def may_ask(instead: str) -> None:
    """Raises CommandError with `--json`, which asks nothing: `instead` is the option that answers
    the question."""
    if is_asked():
        raise CommandError("--json asks nothing, and this has to be confirmed.", f"Give {instead}.")


def confirm(question: str, instead: str) -> None:
    """Raises typer.Abort for a no, and CommandError where nobody answers."""
    if not _answer(typer.confirm, question, False, instead):
        raise typer.Abort


def typed(question: str, instead: str) -> str:
    """What somebody types. Raises CommandError where nobody does."""
    return str(_answer(typer.prompt, question, "", instead))


def _answer(ask: Callable[..., object], question: str, default: object, instead: str) -> object:
    try:
        return ask(question, default=default)
    except typer.Abort:
        if sys.stdin.isatty():  # by Ctrl-C
            raise
        message = "it has to be confirmed, and nobody is there: nothing was done."
        raise CommandError(message, f"Give {instead} to confirm it.") from None

"""How a command ends that cannot do its work: with a message, and 2 as its exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from shared.errors import TunedropError
from tunedrop.echo import say

# What reading a document of an app raises that has another shape than this tool knows.
MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


class CommandError(Exception):
    """What went wrong, and what to do about it."""


@contextmanager
def exit_on_error() -> Iterator[None]:
    """What stops a command is printed instead of raised. Raises typer.Exit."""
    try:
        yield
    except (CommandError, TunedropError) as error:
        say(f"tunedrop: {error}", err=True)
    except BrokenPipeError:  # `| head` has seen enough: Typer ends quietly then
        raise
    except OSError as error:
        say(f"tunedrop: {_sentence(error)}", err=True)
    else:
        return
    raise typer.Exit(2)


def _sentence(error: OSError) -> str:
    """The system names no file where one that is open takes no more: a full disk, the output."""
    if error.filename is None:
        return f"reading or writing failed: {error.strerror}."
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} does not exist."
    return f"cannot use {error.filename}: {error.strerror}."

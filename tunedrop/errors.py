"""How a command ends that cannot do its work: with a message, and 2 as its exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tunedrop.echo import say


class CommandError(Exception):
    """What went wrong, and what to do about it."""


@contextmanager
def exit_on_error() -> Iterator[None]:
    """What stops a command is printed instead of raised. Raises typer.Exit."""
    try:
        yield
    except CommandError as error:
        say(f"tunedrop: {error}", err=True)
    except BrokenPipeError:  # `| head` has seen enough: Typer ends quietly then
        raise
    except OSError as error:
        say(f"tunedrop: cannot use {error.filename}: {error.strerror}.", err=True)
    else:
        return
    raise typer.Exit(2)

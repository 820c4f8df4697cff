"""How a command ends that cannot do its work: with a sentence, and 2 as its exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


class Stop(Exception):
    """One sentence on what went wrong, and what to do about it."""


@contextmanager
def told() -> Iterator[None]:
    """What stops a command is told instead of raised. Raises typer.Exit."""
    try:
        yield
    except Stop as why:
        typer.echo(f"tunedrop: {why}", err=True)
    except OSError as error:
        typer.echo(f"tunedrop: cannot use {error.filename}: {error.strerror}.", err=True)
    else:
        return
    raise typer.Exit(2)

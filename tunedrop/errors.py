"""How a command ends: its exit codes, and what is told where it cannot do its work.

Knows neither commands nor the app.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

import typer

from shared.errors import ServiceError, TunedropError
from tunedrop.as_json import is_asked
from tunedrop.echo import say, say_json

# What reading a document of an app raises that has another shape than this tool knows.
MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


class ExitCode(IntEnum):
    """The same for every command."""

    DONE = 0
    NO = 1
    CALLED_WRONGLY = 2
    NOT_REACHED = 3
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.DONE: "It is done, or the answer is yes.",
    ExitCode.NO: "The answer is no: a dataset is rejected, a run has ended in another way than by "
    "serving, a version loses, something differs or was left out, or it was not confirmed.",
    ExitCode.CALLED_WRONGLY: "It cannot be done as it was called: an option, a file or a name is "
    "wrong, or the app refuses it as things are. The call has to be changed.",
    ExitCode.NOT_REACHED: "The app, storage or Azure could not be reached, wants another key, or "
    "failed. The same call may succeed later, or with another key.",
    ExitCode.INTERRUPTED: "It was stopped by Ctrl-C. A run goes on by itself.",
}


class CommandError(Exception):
    """What went wrong, and what to do about it: the call is to be changed."""

    exit_code = ExitCode.CALLED_WRONGLY

    def __init__(self, message: str, fix: str = "") -> None:
        self.message, self.fix = message, fix
        super().__init__(f"{message} {fix}".strip())


class NotReached(CommandError):
    """The call may be right: an app, or storage, was not reached, wants another key or has failed.
    The same call may succeed later, or with another key."""

    exit_code = ExitCode.NOT_REACHED


class Unknown(NotReached, LookupError):
    """An answer has another shape than this tool knows."""


_answered = ContextVar("_answered", default=False)


def note_answer() -> None:
    """An answer of an app is being read: what a command finds misshapen from now on is that."""
    _answered.set(True)


@contextmanager
def exit_on_error() -> Iterator[None]:
    """What stops a command is printed instead of raised. Raises typer.Exit."""
    token = _answered.set(False)
    try:
        yield
    except CommandError as error:
        raise ended(error.message, error.fix, error.exit_code) from None
    except TunedropError as error:
        theirs = isinstance(error, ServiceError)
        code = ExitCode.NOT_REACHED if theirs else ExitCode.CALLED_WRONGLY
        raise ended(error.message, error.fix, code) from None
    except BrokenPipeError:  # `| head` has seen enough: Typer ends quietly then
        raise
    except OSError as error:
        raise ended(*_told(error), ExitCode.CALLED_WRONGLY) from None
    except MISSHAPEN as error:
        if not _answered.get():
            raise
        what = f"the app's answer has another shape than this tool knows ({type(error).__name__})."
        raise ended(what, "Update the older of the two.", ExitCode.NOT_REACHED) from None
    finally:
        _answered.reset(token)


def ended(message: str, fix: str, code: ExitCode) -> typer.Exit:
    """The end of a command, told on standard error."""
    if is_asked():
        say_json({"error": {"message": message, "fix": fix}}, err=True)
    else:
        say(f"tunedrop: {message} {fix}".rstrip(), err=True)
    return typer.Exit(code)


def _told(error: OSError) -> tuple[str, str]:
    """The system names no file where one that is open takes no more: a full disk, the output."""
    if error.filename is None:
        return f"reading or writing failed: {error.strerror}.", "Look after the disk, then repeat."
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} does not exist.", "Check the path."
    return f"cannot use {error.filename}: {error.strerror}.", "Name another file."

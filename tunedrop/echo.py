"""Plain output: everything that the tool prints goes through here or `screen`, so that no text
steers the terminal.

Names, messages and reasons come from an app, from storage or from a dataset: their control
characters are written out. Knows nothing of what is printed.
"""

import io
import json
import sys
from typing import Any

import typer

from shared.printable import HEED, printable


def never_fail_to_show() -> None:
    """Where the output is not UTF-8, as on older terminals, a sign that it lacks is shown as `?`
    instead of ending the command."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")


def say(text: object, *, err: bool = False) -> None:
    """Print a text as it is; of its control characters only the ends of lines act as such."""
    typer.echo(safe(str(text)), err=err)


def say_json(value: Any, *, err: bool = False) -> None:
    """Print a value as JSON, in which an escape means the character that it stands for: whatever
    the encoding of the output, none is lost. On standard error it is one line of several."""
    utf8 = "utf" in ((sys.stderr if err else sys.stdout).encoding or "").lower()
    say(json.dumps(value, indent=None if err else 2, ensure_ascii=not utf8), err=err)


def safe(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


class Pieces:
    """A text that comes in pieces, written as `answer_text` would show it if it came at once."""

    def __init__(self) -> None:
        self.before = self.held = ""

    def write(self, piece: str) -> None:
        text = self.held + piece
        self.held = "\r" if text.endswith("\r") else ""  # half of a line's end, perhaps
        text = text.removesuffix(self.held)
        known = len(answer_text(self.before))
        shown = answer_text(self.before + text)[known:]
        self.before = (self.before + text)[-HEED:]  # first: Ctrl-C may come while it is written
        typer.echo(shown, nl=False)

    def end(self) -> None:
        """End the line, if there is one."""
        if self.before and not self.before.endswith("\n"):
            typer.echo()


def answer_text(text: str) -> str:
    """What a model has said, with its line ends and tabs: they are a part of code, and move the
    cursor no further than it has come."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)

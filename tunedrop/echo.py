"""Plain output: everything that the tool prints goes through here or `screen`, so that no text
steers the terminal.

Names, messages and reasons come from an app, from storage or from a dataset: their control
characters are written out. Knows nothing of what is printed.
"""

import json
from typing import Any

import typer

from shared.printable import printable


def say(text: object, *, err: bool = False) -> None:
    """Print a text as it is; of its control characters only the ends of lines act as such."""
    typer.echo(safe(str(text)), err=err)


def say_json(value: Any) -> None:
    """Print a value as JSON, in which an escape means the character that it stands for."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def safe(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))

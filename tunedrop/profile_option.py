"""`--profile NAME`, which every command takes that asks an app; before its name, too.

One place gives it to them, so that none is without. Knows of a command only that it has `--app`.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from tunedrop.connection import choose_profile
from tunedrop.errors import CommandError
from tunedrop.profiles import Profiles

NAME = "--profile"


def _chosen(name: str) -> str:
    if name:
        choose_profile(name)
    return name


def begun(incomplete: str) -> list[str]:
    """Of a shell: the names that begin like this."""
    with suppress(CommandError, OSError):
        return [known.name for known in Profiles.load().known if known.name.startswith(incomplete)]
    return []


Chosen = Annotated[
    str,
    typer.Option(
        NAME,
        callback=_chosen,
        expose_value=False,
        autocompletion=begun,
        help="the app that `tunedrop login` has kept as NAME (or TUNEDROP_PROFILE)",
    ),
]


def offer(commands: Iterable[Any]) -> None:
    """To those of the commands that have `--app`, also to the commands below a command."""
    for command in commands:
        if isinstance(command, TyperGroup):
            offer(command.commands.values())
        names = {name for param in command.params for name in param.opts}
        if "--app" in names and NAME not in names:
            command.params.append(_option())


def _option() -> Any:
    single = typer.Typer(add_completion=False)

    @single.command()
    def holder(profile: Chosen = "") -> None: ...

    return next(param for param in get_command(single).params if NAME in param.opts)

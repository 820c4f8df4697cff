"""The commands by which people decide about models: promote a version, roll back, delete."""

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunedrop import runs
from tunedrop.echo import say
from tunedrop.errors import CommandError, exit_on_error

if TYPE_CHECKING:
    from tunedrop.app import App

Why = Annotated[str, typer.Option(help="the reason, which is kept")]
Who = Annotated[str, typer.Option(help="who gives the order")]

cli = typer.Typer()


@cli.command()
def promote(
    version: Annotated[str, typer.Argument(metavar="MODEL@N", help="the version")],
    why: Why = "",
    who: Who = "",
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Make a version its model's champion: chat goes there within 5 seconds.

    Nothing is changed where another has changed the champion meanwhile. A version without a
    deployment is deployed first.
    """
    from tunedrop.app import App

    with exit_on_error():
        model, number = split(version)
        if number is None:
            raise CommandError(f"which version of {model}? Write {model}@2, for example.")
        _give(App.at(address, key), model, "promote", {"version": number}, who, why)


@cli.command()
def rollback(
    model: Annotated[str, typer.Argument(help="the model")],
    why: Why = "",
    who: Who = "",
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Make the version that answered before the champion the champion again. A second time goes
    forward again."""
    from tunedrop.app import App

    with exit_on_error():
        _give(App.at(address, key), model, "rollback", {}, who, why)


def split(asked: str) -> tuple[str, int | None]:
    """MODEL or MODEL@N. Raises CommandError."""
    model, at, number = asked.partition("@")
    if not at:
        return model, None
    if not (number.isascii() and number.isdigit() and len(number) < 7 and int(number)):
        raise CommandError(f"{asked} names no version: write {model}@2, for example.")
    return model, int(number)


def _give(app: "App", model: str, order: str, body: dict[str, Any], who: str, why: str) -> None:
    """Against the champion that is seen now."""
    from tunedrop import history

    seen = history.page(app, model)
    by = {"who": who or getpass.getuser(), "why": why, "expected": seen["champion"]}
    page = app.post(f"api/models/{seen['name']}/{order}", body | by)
    if waiting := page["order"]:
        say(f"ordered: {waiting['waits']} `tunedrop models {model}` tells how it goes.")
        return
    champion, before = page["champion"], seen["champion"]
    if champion == before:
        say(f"{model}@{champion} is the champion already.")
    else:
        place = f", in the place of {model}@{before}" if before else ""
        say(f"{model}@{champion} is the champion{place}.")

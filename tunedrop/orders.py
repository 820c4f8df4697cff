"""The commands by which people decide about models: promote a version, roll back, delete."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunedrop import runs
from tunedrop.echo import say
from tunedrop.errors import CommandError, exit_on_error
from tunedrop.names import person

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
    from tunedrop.names import split

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


@cli.command()
def delete(
    target: Annotated[str, typer.Argument(metavar="MODEL|MODEL@N|RUN", help="what is to go")],
    datasets: Annotated[
        bool, typer.Option("--datasets", help="the datasets that it was trained on as well")
    ] = False,
    yes: Annotated[
        str, typer.Option(metavar="NAME", help="its name once more: do not ask for it")
    ] = "",
    why: Why = "",
    who: Who = "",
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Delete a model, a version with its run, or a run with its version. Shows what goes and what
    stays, and asks for the name first. A run that goes on is cancelled."""
    from tunedrop import deleting
    from tunedrop.app import App

    with exit_on_error():
        app = App.at(address, key)
        path, body = deleting.place(app, target)
        asked: dict[str, Any] = {**body, "datasets": datasets}
        plan = app.post(path, asked)["plan"]
        say("\n".join(deleting.lines(plan)))
        typed = yes or typer.prompt(f"\nType {plan['target']} to delete it", default="")
        if typed != plan["target"]:
            raise CommandError(f"that is not {plan['target']}: nothing was deleted.")
        by = {"who": person(who), "why": why, "digest": plan["digest"]}
        done = app.post(path, asked | by)
        say(deleting.told(plan["target"], done["deletion"]))


def _give(app: "App", model: str, order: str, body: dict[str, Any], who: str, why: str) -> None:
    """Against the champion that is seen now."""
    from tunedrop import history

    seen = history.page(app, model)
    by = {"who": person(who), "why": why, "expected": seen["champion"]}
    page = app.post(f"api/models/{seen['name']}/{order}", body | by)
    if waiting := page["order"]:
        say(f"ordered: {waiting['waits']} `tunedrop models {model}` tells how it goes.")
        return
    champion, before = page["champion"], seen["champion"]
    if champion == before:
        older = seen["order"]
        also = f" The order for {model}@{older['version']} is taken back." if older else ""
        say(f"{model}@{champion} is the champion already.{also}")
    else:
        place = f", in the place of {model}@{before}" if before else ""
        say(f"{model}@{champion} is the champion{place}.")

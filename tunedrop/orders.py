"""The commands by which people decide about models: promote a version, roll back, delete."""

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from tunedrop import asking, completion, runs
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import CommandError, exit_on_error
from tunedrop.names import person

if TYPE_CHECKING:
    from tunedrop.app import App

Why = Annotated[str, typer.Option(help="the reason, which is kept")]
Who = Annotated[str, typer.Option(help="who gives the order, where a key of the host does not say")]

cli = typer.Typer()


@cli.command(epilog='Example: tunedrop promote captain@1 --why "kinder answers"')
def promote(
    version: Annotated[
        str,
        typer.Argument(metavar="MODEL@N", help="the version", autocompletion=completion.versions),
    ],
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
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
            raise CommandError(f"which version of {model}?", f"Write {model}@2, for example.")
        order = Order("promote", {"version": number}, who, why)
        _give(App.at(address, key), model, order, as_json=as_json)


@cli.command(epilog="Example: tunedrop rollback captain")
def rollback(
    model: Annotated[str, typer.Argument(help="the model", autocompletion=completion.models)],
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Make the version that answered before the champion the champion again. A second time goes
    forward again."""
    from tunedrop.app import App

    with exit_on_error():
        order = Order("rollback", {}, who, why)
        _give(App.at(address, key), model, order, as_json=as_json)


@cli.command(epilog="Example: tunedrop delete captain@1 --yes captain@1")
def delete(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|MODEL@N|RUN",
            help="what is to go",
            autocompletion=completion.models_versions_and_runs,
        ),
    ],
    datasets: Annotated[
        bool, typer.Option("--datasets", help="the datasets that it was trained on as well")
    ] = False,
    yes: Annotated[
        str, typer.Option(metavar="NAME", help="its name once more: do not ask for it")
    ] = "",
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Delete a model, a version with its run, or a run with its version. Shows what goes and what
    stays, and asks for the name first. A run that goes on is cancelled."""
    from tunedrop import deleting
    from tunedrop.app import App

    with exit_on_error():
        if not yes:
            asking.may_ask(f"--yes {target}")
        app = App.at(address, key)
        path, body = deleting.place(app, target)
        asked: dict[str, Any] = {**body, "datasets": datasets}
        plan = app.post(path, asked)["plan"]
        name = plan["target"]
        if not as_json:
            say("\n".join(deleting.lines(plan)))
        given = yes or asking.typed(f"\nType {name} to delete it", f"--yes {name}")
        if given != name:
            raise CommandError(f"that is not {name}: nothing was deleted.", f"Give --yes {name}.")
        by = {"who": person(who), "why": why, "digest": plan["digest"]}
        done = app.post(path, asked | by)
        say_json(done) if as_json else say(deleting.told(name, done["deletion"]))


class Order(NamedTuple):
    """`body` is what it says besides who gives it and why."""

    name: str
    body: dict[str, Any]
    who: str
    why: str


def _give(app: "App", model: str, order: Order, *, as_json: bool) -> None:
    """Against the champion that is seen now."""
    from tunedrop import history

    seen = history.page(app, model)
    by = {"who": person(order.who), "why": order.why, "expected": seen["champion"]}
    page = app.post(f"api/models/{seen['name']}/{order.name}", order.body | by)
    say_json(page) if as_json else say(_told(model, seen, page))


def _told(model: str, seen: dict[str, Any], page: dict[str, Any]) -> str:
    """What has become of an order: the model before and after it."""
    if waiting := page["order"]:
        return f"ordered: {waiting['waits']} `tunedrop models {model}` tells how it goes."
    champion, before = page["champion"], seen["champion"]
    if champion != before:
        place = f", in the place of {model}@{before}" if before else ""
        return f"{model}@{champion} is the champion{place}."
    older = seen["order"]
    also = f" The order for {model}@{older['version']} is taken back." if older else ""
    return f"{model}@{champion} is the champion already.{also}"

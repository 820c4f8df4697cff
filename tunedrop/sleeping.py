"""The commands by which people put a version to sleep, so that it costs nothing, and wake it."""

from typing import Annotated, Any

import typer

from tunedrop import completion, runs
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import exit_on_error
from tunedrop.names import in_path, person, split
from tunedrop.orders import Who, Why

Version = Annotated[
    str,
    typer.Argument(
        metavar="MODEL[@N]",
        help="the model's champion, or one of its versions",
        autocompletion=completion.models_and_versions,
    ),
]

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop sleep captain@1")
def sleep(
    version: Version,
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Remove a version's deployment, which costs by the hour; the version stays. The next chat with
    it, or `wake`, brings the deployment back."""
    page = _give(version, "sleep", why, who, address, key)
    if as_json:
        say_json(page)
        return
    called = f"{page['name']}@{page['ordered']}"
    version_now = _version(page)
    if version_now["hosted"] and version_now["hosted"][-1]["until"] is None:
        say(f"{called} sleeps; its deployment is being removed.")
    else:
        say(f"{called} sleeps: it has no deployment and costs nothing.")


@cli.command(epilog="Example: tunedrop wake captain@1")
def wake(
    version: Version,
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Have a version deployed again that has no deployment; also one that no chat wakes."""
    page = _give(version, "wake", why, who, address, key)
    if as_json:
        say_json(page)
        return
    minutes = -(-page["usual_seconds"] // 60)
    say(
        f"{page['name']}@{page['ordered']} is being deployed, unless it is; that usually takes "
        f"{minutes} min."
    )


def _version(page: dict[str, Any]) -> dict[str, Any]:
    return next(known for known in page["versions"] if known["version"] == page["ordered"])


def _give(asked: str, order: str, why: str, who: str, address: str, key: str) -> dict[str, Any]:
    from tunedrop.app import App

    with exit_on_error():
        model, number = split(asked)
        body = {"version": number, "who": person(who), "why": why}
        page: dict[str, Any] = App.at(address, key).post(
            f"api/models/{in_path(model)}/{order}", body
        )
        return page

"""The commands by which people steer a run: start, pause, resume, cancel, retry, deploy."""

from typing import Annotated, Any

import typer

from tunedrop import completion, runs
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import exit_on_error
from tunedrop.names import in_path, person

Why = Annotated[str, typer.Option(help="the reason, for the run's log")]
Who = Annotated[
    str, typer.Option(help="who gives the command, where a key of the host does not say")
]

cli = typer.Typer()


def _add_command(action: str, description: str) -> None:
    def command(
        run_id: runs.RunId,
        why: Why = "",
        who: Who = "",
        as_json: AsJson = False,
        address: runs.Address = "",
        key: runs.Key = "",
    ) -> None:
        _give(run_id, action, {"who": who, "why": why}, address, key, as_json=as_json)

    cli.command(action, help=description, epilog=f"Example: tunedrop {action} captain-1a2b3c4d")(
        command
    )


def _give(
    run_id: str, action: str, body: dict[str, Any], address: str, key: str, *, as_json: bool
) -> None:
    from tunedrop.app import App

    with exit_on_error():
        body |= {"who": person(body["who"])}
        run = App.at(address, key).post(f"api/runs/{in_path(run_id)}/{action}", body)
        if as_json:
            say_json(run)
            return
        waits = run["command"] and run["command"]["action"] == action
        say(f"{run['id']} is {run['stage']}{f'; {action} is under way' if waits else ''}")


for _action, _description in {
    "start": "Let a run begin that waits for it (`start: manual` in run.yaml).",
    "pause": "Hold a run's job; it keeps its place.",
    "resume": "Let a paused job go on.",
    "cancel": "End a run: its job and its deployment go, nothing is left that costs.",
    "retry": "Reopen a run that has ended, from its last good stage; or deploy a champion again.",
}.items():
    _add_command(_action, _description)


@cli.command(epilog="Example: tunedrop deploy captain-1a2b3c4d --sku GlobalStandard --capacity 8")
def deploy(
    run_id: runs.RunId,
    sku: Annotated[
        str,
        typer.Option(
            help="GlobalStandard, Standard, … (default: as it is)", autocompletion=completion.skus
        ),
    ] = "",
    capacity: Annotated[
        int, typer.Option(min=0, help="thousands of tokens per minute (default: as it is)")
    ] = 0,
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Deploy what a run has trained with another SKU or capacity; nothing is trained again.

    For a run that has failed after its training, that deploys, is held or serves. A deployment
    lives in the region of the app's account.
    """
    body = {"who": who, "why": why, "sku": sku or None, "capacity": capacity or None}
    _give(run_id, "deploy", body, address, key, as_json=as_json)

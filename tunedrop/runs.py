"""The commands that start, watch and steer runs, against a running app."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from shared.printable import printable
from shared.run.stages import ENDS, Stage
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, CommandError, exit_on_error
from tunedrop.names import in_path, person

if TYPE_CHECKING:
    from tunedrop.app import App
    from tunedrop.watch import Run

Address = Annotated[
    str, typer.Option("--app", envvar="TUNEDROP_APP", help="address of an app (default: one here)")
]
Key = Annotated[
    str,
    typer.Option(
        envvar=["TUNEDROP_KEY", "TUNEDROP_FUNCTION_KEY"],
        help="a key of the app, or of its Functions host",
    ),
]
RunId = Annotated[
    str, typer.Argument(metavar="RUN", help="the run's id, or its beginning with 8 digits or more")
]
Storage = Annotated[
    str, typer.Option(envvar="TunedropStorage__blobServiceUri", help="address of the account")
]
Container = Annotated[
    str, typer.Option(envvar="TUNEDROP_DATASETS", help="the container to drop into")
]
POLL_SECONDS = 1.0
MAX_FAILED_POLLS = (
    20  # looks in a row that may fail, each a second later than the one before: apps restart
)

cli = typer.Typer()


@cli.command()
def push(
    paths: Annotated[list[Path], typer.Argument(help="a folder, or files of one drop")],
    model: Annotated[str, typer.Option(help="the model's name (default: the folder's)")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="stay until the run has ended")] = False,
    address: Address = "",
    key: Key = "",
    storage: Storage = "",
    container: Container = "datasets",
) -> None:
    """Drop a dataset and say what the app makes of it. Exits 1 if it is rejected."""
    from tunedrop import push as pushing
    from tunedrop import watch as watching
    from tunedrop.app import App

    with exit_on_error():
        files = pushing.blob_names(paths, model)
        app = App.at(address, key)
        _tell_doubts(app, files)
        datasets = pushing.Datasets.at(storage_of(address, storage), container)
        dropped = datasets.drop(files)
        say("\n".join(f"dropped {name}" for name in files))
        for name in datasets.from_earlier_drops(files):
            say(f"  with {name}, which was there already")
        for name in datasets.left_out(files):
            say(f"  without {printable(name)}, which is older", err=True)
        run = pushing.wait_for_run(app, datasets, files, dropped)
        known = watching.parse_time(run["timeline"][0]["at"]) < dropped.last_modified
        say(f"run {run['id']}{': the same content was dropped before' if known else ''}")
        follow(app, run["id"], until_checked=not watch)


def _tell_doubts(app: "App", files: dict[str, Path]) -> None:
    """What the account would refuse, or does not tell: before the drop, which is made all the same.
    An app that does not answer to this is heard of right after."""
    from tunedrop import plan as planning

    with suppress(CommandError):
        asked = planning.run_yaml_among(files)
        planning.print_plan(planning.ask(app, asked), only_doubts=True)


@cli.command()
def plan(
    path: Annotated[Path, typer.Argument(help="a folder with a run.yaml, or the file itself")],
    offline: Annotated[
        bool, typer.Option("--offline", help="ask no app: answer from the dated table")
    ] = False,
    region: Annotated[
        str, typer.Option(envvar="AZURE_OPENAI_LOCATION", help="the account's, with --offline")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="print the plan as JSON")] = False,
    address: Address = "",
    key: Key = "",
) -> None:
    """Say whether the account can train and serve what a run.yaml asks for, before anything is
    paid for. Exits 1 if something in it says no."""
    from tunedrop import plan as planning
    from tunedrop.app import App

    with exit_on_error():
        asked, held = planning.run_yaml(path), planning.held_out(path)
        if offline:
            found = planning.offline(asked, region, held)
        else:
            found = planning.ask(App.at(address, key), asked, held)
    say_json(found) if as_json else planning.print_plan(found)
    raise typer.Exit(1 if planning.says_no(found) else 0)


@cli.command()
def runs(
    model: Annotated[str, typer.Option(help="of this model only")] = "",
    stage: Annotated[str, typer.Option(help="in these stages only (with commas)")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="at most so many")] = 20,
    address: Address = "",
    key: Key = "",
) -> None:
    """List runs, the newest first, with what is in their way or why they have ended; and the drops
    that were not taken."""
    from tunedrop import watch
    from tunedrop.app import App
    from tunedrop.screen import Screen

    with exit_on_error():
        asked = {"model": model, "stage": stage, "limit": limit}
        query = urlencode({name: value for name, value in asked.items() if value})
        page = App.at(address, key).get(f"api/runs?{query}")
        found = page["runs"]
        for problem in page.get("problems", []):
            say(f"{problem['message']} {problem['fix']}", err=True)
        if found:
            watch.print_runs(found, Screen())
        else:
            say("no run yet" if not (model or stage) else "no such run")
        watch.print_refused(page.get("refused") or {"drops": [], "count": 0}, Screen())


@cli.command("watch")
def watch_run(run_id: RunId, address: Address = "", key: Key = "") -> None:
    """Show a run as it goes, to its end. Exits 0 if it serves then, and 1 otherwise."""
    from tunedrop.app import App

    with exit_on_error():
        follow(App.at(address, key), run_id)


def storage_of(address: str, storage: str) -> str:
    """Where an app's datasets are. Raises CommandError for one elsewhere that is not told."""
    from tunedrop.connection import connection

    known = connection(address).storage_for(storage)
    if not known:
        raise CommandError(
            "where are its datasets? Give --storage; `azd env get-values` prints it."
        )
    return known


def _add_command(action: str, description: str) -> None:
    def command(
        run_id: RunId,
        why: Annotated[str, typer.Option(help="the reason, for the run's log")] = "",
        who: Annotated[str, typer.Option(help="who gives the command")] = "",
        address: Address = "",
        key: Key = "",
    ) -> None:
        _give(run_id, action, {"who": who, "why": why}, address, key)

    cli.command(action, help=description)(command)


def _give(run_id: str, action: str, body: dict[str, Any], address: str, key: str) -> None:
    from tunedrop.app import App

    with exit_on_error():
        body |= {"who": person(body["who"])}
        run = App.at(address, key).post(f"api/runs/{in_path(run_id)}/{action}", body)
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


@cli.command()
def deploy(
    run_id: RunId,
    sku: Annotated[str, typer.Option(help="GlobalStandard, Standard, … (default: as it is)")] = "",
    capacity: Annotated[
        int, typer.Option(min=0, help="thousands of tokens per minute (default: as it is)")
    ] = 0,
    why: Annotated[str, typer.Option(help="the reason, for the run's log")] = "",
    who: Annotated[str, typer.Option(help="who gives the command")] = "",
    address: Address = "",
    key: Key = "",
) -> None:
    """Deploy what a run has trained with another SKU or capacity; nothing is trained again.

    For a run that has failed after its training, that deploys, is held or serves. A deployment
    lives in the region of the app's account.
    """
    body = {"who": who, "why": why, "sku": sku or None, "capacity": capacity or None}
    _give(run_id, "deploy", body, address, key)


def _poll(app: "App", run_id: str) -> "Iterator[Run]":
    """A run again and again. Raises CommandError if the first look fails, or too many in a row."""
    path = f"api/runs/{in_path(run_id)}"
    run, failed = app.get(path), 0
    while True:
        if not failed:
            yield run
        time.sleep(POLL_SECONDS * (1 + failed))
        path = f"api/runs/{run['id']}"  # what was asked for may fit another, newer run by now
        try:
            run, failed = app.get(path), 0
        except CommandError:
            failed += 1
            if failed > MAX_FAILED_POLLS:
                raise


def _show_findings(app: "App", run_id: str) -> None:
    """The lines of a rejected drop. One whose check was too costly has no report, and the run says
    so itself."""
    from tunedrop import show

    with suppress(CommandError, *MISSHAPEN):
        show.print_report(app.get(f"api/runs/{run_id}/report.json"))


def follow(app: "App", run_id: str, *, until_checked: bool = False) -> None:
    """Show a run until it has ended, or until its dataset is checked. Raises typer.Exit."""
    from tunedrop import watch
    from tunedrop.screen import Screen

    screen = Screen()
    try:
        run = watch.follow(_poll(app, run_id), screen, until_checked=until_checked)
    except KeyboardInterrupt:
        say(f"\nIt goes on by itself: `tunedrop watch {run_id}` looks again.")
        raise typer.Exit(130) from None
    watch.print_notices(run, screen)
    if run["stage"] == Stage.REJECTED:
        _show_findings(app, run["id"])
    if run["stage"] in ENDS:
        watch.print_end(run, app.url, screen)
        raise typer.Exit(0 if run["stage"] == "serving" else 1)
    if run["stage"] == "ready":
        say(f"It is ready and waits for `tunedrop start {run_id}`.")
    else:
        say(f"It is {run['stage']} and goes on by itself: `tunedrop watch {run_id}`.")

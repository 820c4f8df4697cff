"""The commands that start, watch and steer runs, against a running app."""

import getpass
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote, urlencode

import typer

from shared.run.stages import ENDS
from tunedrop.stop import Stop, exit_on_error

if TYPE_CHECKING:
    from tunedrop.app import App
    from tunedrop.watch import Run

Address = Annotated[
    str, typer.Option("--app", envvar="TUNEDROP_APP", help="address of an app (default: one here)")
]
Key = Annotated[str, typer.Option(envvar="TUNEDROP_FUNCTION_KEY", help="Functions key")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="the run's id")]
LOOK_SECONDS = 1.0
PATIENCE = 20  # looks in a row that may fail, each a second later than the one before: apps restart

cli = typer.Typer()


@cli.command()
def push(
    paths: Annotated[list[Path], typer.Argument(help="a folder, or files of one drop")],
    model: Annotated[str, typer.Option(help="the model's name (default: the folder's)")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="stay until the run has ended")] = False,
    address: Address = "",
    key: Key = "",
    storage: Annotated[
        str,
        typer.Option(envvar="TunedropStorage__blobServiceUri", help="address of the account"),
    ] = "",
    container: Annotated[
        str, typer.Option(envvar="TUNEDROP_DATASETS", help="the container to drop into")
    ] = "datasets",
) -> None:
    """Drop a dataset and say what the app makes of it. Exits 1 if it is rejected."""
    from tunedrop import push as pushing
    from tunedrop import watch as watching
    from tunedrop.app import App, running_here

    with exit_on_error():
        files = pushing.named(paths, model)
        app = App.at(address, key)
        if address and not storage:
            raise Stop("where are its datasets? Give --storage; `azd env get-values` tells it.")
        datasets = pushing.Datasets.at(storage or running_here()["storage"], container)
        dropped = datasets.drop(files)
        typer.echo("\n".join(f"dropped {name}" for name in files))
        for name in datasets.beside(files):
            typer.echo(f"  with {name}, which lay there already")
        run = pushing.taken(app, datasets, files, dropped)
        known = watching.when(run["timeline"][0]["at"]) < dropped.last_modified
        typer.echo(f"run {run['id']}{': this very content was dropped before' if known else ''}")
        _follow(app, run["id"], until_checked=not watch)


@cli.command()
def runs(
    model: Annotated[str, typer.Option(help="of this model only")] = "",
    stage: Annotated[str, typer.Option(help="in these stages only (with commas)")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="at most so many")] = 20,
    address: Address = "",
    key: Key = "",
) -> None:
    """List runs, the youngest first, with what is in their way or why they have ended."""
    from rich.console import Console

    from tunedrop import watch
    from tunedrop.app import App

    with exit_on_error():
        asked = {"model": model, "stage": stage, "limit": limit}
        query = urlencode({name: value for name, value in asked.items() if value})
        found = App.at(address, key).get(f"api/runs?{query}")["runs"]
        if found:
            watch.show(found, Console(highlight=False))
        else:
            typer.echo("no run yet" if not (model or stage) else "no such run")


@cli.command("watch")
def watch_run(run_id: RunId, address: Address = "", key: Key = "") -> None:
    """Show a run as it goes, to its end. Exits 0 if it serves then, and 1 otherwise."""
    from tunedrop.app import App

    with exit_on_error():
        _follow(App.at(address, key), run_id)


def _steer(order: str, what: str) -> None:
    def command(
        run_id: RunId,
        why: Annotated[str, typer.Option(help="the reason, for the run's log")] = "",
        who: Annotated[str, typer.Option(help="who says so")] = "",
        address: Address = "",
        key: Key = "",
    ) -> None:
        from tunedrop.app import App

        with exit_on_error():
            said = {"who": who or getpass.getuser(), "why": why}
            run = App.at(address, key).post(f"api/runs/{quote(run_id, safe='')}/{order}", said)
            waits = run["command"] and run["command"]["action"] == order
            typer.echo(f"{run['id']} is {run['stage']}{f'; {order} is under way' if waits else ''}")

    cli.command(order, help=what)(command)


for _order, _what in {
    "start": "Let a run begin that waits for it (`start: manual` in run.yaml).",
    "pause": "Hold a run's job; it keeps its place.",
    "resume": "Let a paused job go on.",
    "cancel": "End a run: its job and its deployment go, nothing is left that costs.",
    "retry": "Take up a run that has ended, from its last good stage.",
}.items():
    _steer(_order, _what)


def _looks(app: "App", run_id: str) -> "Iterator[Run]":
    """A run again and again. Raises Stop if the first look fails, or too many in a row."""
    path = f"api/runs/{quote(run_id, safe='')}"
    run, failed = app.get(path), 0
    while True:
        if not failed:
            yield run
        time.sleep(LOOK_SECONDS * (1 + failed))
        try:
            run, failed = app.get(path), 0
        except Stop:
            failed += 1
            if failed > PATIENCE:
                raise


def _follow(app: "App", run_id: str, *, until_checked: bool = False) -> None:
    """Show a run until it has ended, or until its dataset is checked. Raises typer.Exit."""
    from rich.console import Console

    from tunedrop import watch

    screen = Console(highlight=False)
    try:
        run = watch.follow(_looks(app, run_id), screen, until_checked=until_checked)
    except KeyboardInterrupt:
        typer.echo(f"\nIt goes on by itself: `tunedrop watch {run_id}` looks again.")
        raise typer.Exit(130) from None
    if run["stage"] in ENDS:
        watch.end(run, app.url, screen)
        raise typer.Exit(0 if run["stage"] == "serving" else 1)
    if run["stage"] == "ready":
        typer.echo(f"It is ready and waits for `tunedrop start {run_id}`.")
    else:
        typer.echo(f"It is {run['stage']} and goes on by itself: `tunedrop watch {run_id}`.")

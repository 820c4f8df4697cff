"""The commands that drop datasets and look at runs, against a running app."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from shared.run.stages import ENDS, Stage
from tunedrop import completion
from tunedrop.as_json import AsJson, note
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, CommandError, ExitCode, ended, exit_on_error

if TYPE_CHECKING:
    from tunedrop.app import App
    from tunedrop.screen import Screen
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
    str,
    typer.Argument(
        metavar="RUN",
        help="the run's id, or its beginning with 8 digits or more",
        autocompletion=completion.runs,
    ),
]
Storage = Annotated[
    str, typer.Option(envvar="TunedropStorage__blobServiceUri", help="address of the account")
]
Container = Annotated[
    str, typer.Option(envvar="TUNEDROP_DATASETS", help="the container to drop into")
]

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop push examples/captain --watch")
def push(
    paths: Annotated[list[Path], typer.Argument(help="a folder, or files of one drop")],
    model: Annotated[str, typer.Option(help="the model's name (default: the folder's)")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="stay until the run has ended")] = False,
    as_json: AsJson = False,
    address: Address = "",
    key: Key = "",
    storage: Storage = "",
    container: Container = "datasets",
) -> None:
    """Drop a dataset and say what the app makes of it. Exits 1 if it is rejected."""
    from tunedrop import push as pushing
    from tunedrop.app import App

    with exit_on_error():
        files = pushing.blob_names(paths, model)
        app = App.at(address, key)
        if not as_json:
            _tell_doubts(app, files)
        datasets = pushing.Datasets.at(storage_of(address, storage), container)
        done = pushing.push(datasets, files)
        if not as_json:
            say("\n".join(done.sentences()))
        for name in done.older:
            note(f"  without {name}, which is older")
        run = pushing.wait_for_run(app, datasets, files, done.last)
        known = done.is_known(run)
        if not as_json:
            say(f"run {run['id']}{': the same content was dropped before' if known else ''}")
        run = follow(app, run["id"], until_checked=not watch, as_json=as_json)
        if as_json:
            say_json(done.as_json() | {"known": known, "run": run})
    raise typer.Exit(says(run))


def _tell_doubts(app: "App", files: dict[str, Path]) -> None:
    """What the account would refuse, or does not tell: before the drop, which is made all the same.
    An app that does not answer to this is heard of right after."""
    from tunedrop import plan as planning

    with suppress(CommandError):
        asked = planning.run_yaml_among(files)
        planning.print_plan(planning.ask(app, asked), only_doubts=True)


@cli.command(epilog="Example: tunedrop plan examples/captain --offline --region swedencentral")
def plan(
    path: Annotated[Path, typer.Argument(help="a folder with a run.yaml, or the file itself")],
    offline: Annotated[
        bool, typer.Option("--offline", help="ask no app: answer from the dated table")
    ] = False,
    region: Annotated[
        str, typer.Option(envvar="AZURE_OPENAI_LOCATION", help="the account's, with --offline")
    ] = "",
    as_json: AsJson = False,
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
    raise typer.Exit(ExitCode.NO if planning.says_no(found) else ExitCode.DONE)


@cli.command(epilog="Example: tunedrop runs --model captain --stage training,deploying")
def runs(
    model: Annotated[
        str, typer.Option(help="of this model only", autocompletion=completion.models)
    ] = "",
    stage: Annotated[
        str,
        typer.Option(help="in these stages only (with commas)", autocompletion=completion.stages),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=200, help="at most so many")] = 20,
    as_json: AsJson = False,
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
        if as_json:
            say_json(page)
            return
        found = page["runs"]
        tell_problems(page)
        if found:
            watch.print_runs(found, Screen())
        else:
            say("no run yet" if not (model or stage) else "no such run")
        watch.print_refused(page.get("refused") or {"drops": [], "count": 0}, Screen())


@cli.command("watch", epilog="Example: tunedrop watch captain-1a2b3c4d")
def watch_run(run_id: RunId, as_json: AsJson = False, address: Address = "", key: Key = "") -> None:
    """Show a run as it goes, to its end. Exits 0 if it serves then, and 1 otherwise.

    In a pipe it prints a line for each thing that happens, and at least one in a minute. With
    --json it prints the run, once it has ended.
    """
    from tunedrop.app import App

    with exit_on_error():
        run = follow(App.at(address, key), run_id, as_json=as_json)
        if as_json:
            say_json(run)
    raise typer.Exit(says(run))


def tell_problems(page: dict[str, Any]) -> None:
    """What of a page could not be read, beside it."""
    for problem in page.get("problems", ()):
        note(f"{problem['message']} {problem['fix']}")


def storage_of(address: str, storage: str) -> str:
    """Where an app's datasets are. Raises CommandError for one elsewhere that is not told."""
    from tunedrop.connection import connection

    known = connection(address).storage_for(storage)
    if not known:
        raise CommandError(
            "where are its datasets?", "Give --storage; `azd env get-values` prints it."
        )
    return known


def follow(app: "App", run_id: str, *, until_checked: bool = False, as_json: bool = False) -> "Run":
    """Show a run until it has ended, or until its dataset is checked; with `as_json` nothing is
    shown. Raises typer.Exit where somebody stops that."""
    from tunedrop import following
    from tunedrop.screen import Screen

    looks = following.looks(app, run_id)
    try:
        if as_json:
            return following.last(looks, until_checked=until_checked)
        screen = Screen()
        run = following.follow(looks, screen, until_checked=until_checked)
    except KeyboardInterrupt:
        again = f"`tunedrop watch {run_id}` looks again."
        raise ended("the run goes on by itself.", again, ExitCode.INTERRUPTED) from None
    _tell_end(app, run, screen)
    return run


def _tell_end(app: "App", run: "Run", screen: "Screen") -> None:
    from tunedrop import watch

    if run["stage"] == Stage.REJECTED:
        _show_findings(app, run["id"])
    if run["stage"] in ENDS:
        watch.print_end(run, screen)
    elif run["stage"] == Stage.READY:
        say(f"It is ready and waits for `tunedrop start {run['id']}`.")
    else:
        say(f"It is {run['stage']} and goes on by itself: `tunedrop watch {run['id']}`.")


def says(run: "Run") -> ExitCode:
    """Of a run that has ended in another way than by serving: no."""
    no = run["stage"] in ENDS and run["stage"] != Stage.SERVING
    return ExitCode.NO if no else ExitCode.DONE


def _show_findings(app: "App", run_id: str) -> None:
    """The lines of a rejected drop. One whose check was too costly has no report, and the run says
    so itself."""
    from tunedrop import show

    with suppress(CommandError, *MISSHAPEN):
        show.print_report(app.get(f"api/runs/{run_id}/report.json"))

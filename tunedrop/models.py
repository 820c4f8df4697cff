"""The commands about models: what there is, when its base ends, and training it again."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunedrop import asking, completion, runs
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import ExitCode, exit_on_error

if TYPE_CHECKING:
    from shared.dataset.verdict import Verdict

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop models captain")
def models(
    model: Annotated[
        str,
        typer.Argument(
            help="one model: its versions and its champions", autocompletion=completion.models
        ),
    ] = "",
    at: Annotated[
        str, typer.Option(help="who was the champion then: 2026-11-28T14:30, in UTC")
    ] = "",
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """List models: champion, base model, when its training, the base and deployments end. Of one
    model: its versions with their states, and every change of its champion."""
    from tunedrop import history
    from tunedrop.app import App

    if at and not model:
        raise typer.BadParameter("--at is of one model: name it.")
    with exit_on_error():
        app = App.at(address, key)
        page = history.page(app, model, at) if model else app.get("api/models")
        if as_json:
            say_json(page)
            return
        if not model:
            runs.tell_problems(page)
        told = history.lines(page) if model else lines(page["models"])
        say("\n".join(told) or "no model yet; `tunedrop push FOLDER` makes one")


def lines(found: list[dict[str, Any]]) -> list[str]:
    """A line for each model, and below it one for each end that is near or over."""
    told = []
    for model in sorted(found, key=lambda model: str(model["name"])):
        name = f"{model['name']}@{model['champion']}" if model["champion"] else model["name"]
        known = model.get("lifecycle")
        if model.get("deleting"):
            told.append(f"{name}  is being deleted")
            continue
        if known is None:
            told.append(f"{name}  no version yet")
            continue
        dates = (known["training_ends"], known["base_ends"], known["deployments_end"])
        training, base, deployments = (day or "not published" for day in dates)
        told.append(
            f"{name}  {known['base_model']}  trained until {training}, base until {base}, "
            f"deployments until {deployments}"
        )
        told += [_ending(ending) for ending in known["endings"]]
    return told


def _ending(ending: dict[str, Any]) -> str:
    cure = ending["cure"] or "Nothing that this app can train takes its place today."
    return f"  {ending['level']}: {ending['sentence']} {cure} (as of {ending['known_on']})"


@cli.command(epilog="Example: tunedrop retrain captain --base gpt-4.1-mini-2025-04-14")
def retrain(
    model: Annotated[
        str, typer.Argument(help="the model to train again", autocompletion=completion.models)
    ],
    base: Annotated[
        str,
        typer.Option(help="the base model to train it on", autocompletion=completion.base_models),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before it is dropped")] = False,
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
    storage: runs.Storage = "",
    container: runs.Container = "datasets",
) -> None:
    """Train a model again on another base, from the dataset of its champion. Says the price first.
    Exits 1 if the dataset does not fit that base, or the run is rejected."""
    from tunedrop import push, retrain
    from tunedrop.app import App

    with exit_on_error(), tempfile.TemporaryDirectory(prefix="tunedrop-") as folder:
        if not yes:
            asking.may_ask("--yes")
        app = App.at(address, key)
        datasets = push.Datasets.at(runs.storage_of(address, storage), container)
        made = retrain.prepare(app, datasets, model, base, Path(folder))
        verdict = made.verdict()
        earlier = datasets.from_earlier_drops(made.files)
        told = {"changes": list(made.changes), "with": earlier, "report": _report(model, verdict)}
        if not as_json:
            _tell(verdict, made.changes, earlier)
        if verdict.rejected:
            if as_json:
                say_json(told | {"run": None})
            raise typer.Exit(ExitCode.NO)
        if not yes:
            asking.confirm(f"Drop it for {model}, to be trained at that price?", "--yes")
        dropped = datasets.drop(made.files)
        run = push.wait_for_run(app, datasets, made.files, dropped)
        if not as_json:
            say(f"run {run['id']}")
        run = runs.follow(app, run["id"], until_checked=True, as_json=as_json)
        if as_json:
            say_json(told | {"run": run})
        raise typer.Exit(runs.says(run))


def _tell(verdict: "Verdict", changes: Sequence[str], earlier: Sequence[str]) -> None:
    from tunedrop import show

    show.print_verdict(verdict)
    say("\n".join(changes) or "everything else is as in the champion's run")
    for name in earlier:
        say(f"  with {name}, which is there already")


def _report(title: str, verdict: "Verdict") -> dict[str, Any]:
    from shared.dataset.report import document

    return document.as_json(title, verdict)

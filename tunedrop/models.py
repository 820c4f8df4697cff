"""The commands about models: what there is, when its base ends, and training it again."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from tunedrop import runs
from tunedrop.echo import say
from tunedrop.errors import exit_on_error

cli = typer.Typer()


@cli.command()
def models(
    model: Annotated[str, typer.Argument(help="one model: its versions and its champions")] = "",
    at: Annotated[
        str, typer.Option(help="who was the champion then: 2026-11-28T14:30, in UTC")
    ] = "",
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
        if model:
            say("\n".join(history.lines(history.page(app, model, at))))
            return
        page = app.get("api/models")
        for problem in page.get("problems", []):
            say(f"{problem['message']} {problem['fix']}", err=True)
        say("\n".join(lines(page["models"])) or "no model yet")


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


@cli.command()
def retrain(
    model: Annotated[str, typer.Argument(help="the model to train again")],
    base: Annotated[str, typer.Option(help="the base model to train it on")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask before it is dropped")] = False,
    address: runs.Address = "",
    key: runs.Key = "",
    storage: runs.Storage = "",
    container: runs.Container = "datasets",
) -> None:
    """Train a model again on another base, from the dataset of its champion. Says the price first.
    Exits 1 if the dataset does not fit that base."""
    from tunedrop import push, retrain, show
    from tunedrop.app import App

    with exit_on_error(), tempfile.TemporaryDirectory(prefix="tunedrop-") as folder:
        app = App.at(address, key)
        datasets = push.Datasets.at(runs.storage_of(address, storage), container)
        made = retrain.prepare(app, datasets, model, base, Path(folder))
        verdict = made.verdict()
        show.print_verdict(verdict)
        say("\n".join(made.changes) or "everything else is as in the champion's run")
        for name in datasets.from_earlier_drops(made.files):
            say(f"  with {name}, which is there already")
        if verdict.rejected:
            raise typer.Exit(1)
        if not yes:
            typer.confirm(f"Drop it for {model}, to be trained at that price?", abort=True)
        dropped = datasets.drop(made.files)
        run = push.wait_for_run(app, datasets, made.files, dropped)
        say(f"run {run['id']}")
        runs.follow(app, run["id"], until_checked=True)

"""`tunedrop`: what people and build pipelines do with datasets, runs and apps.

What works on files alone is in `tunedrop.data`, and needs no Azure; the others ask a running app. A
command imports what it needs when it is called: a terminal should not wait for the others.
"""

from pathlib import Path
from typing import Annotated

import typer

from tunedrop import (
    __version__,
    chat,
    completion,
    cost,
    events,
    feedback,
    keys,
    login,
    models,
    orders,
    page,
    report,
    runs,
    sleeping,
    steering,
    trace,
    verdict,
)
from tunedrop.as_json import AsJson, note
from tunedrop.data import checking, commands
from tunedrop.echo import never_fail_to_show, say, say_json
from tunedrop.errors import ExitCode, exit_on_error
from tunedrop.files import in_call, keep_apart
from tunedrop.group import Group
from tunedrop.probe import command as probing
from tunedrop.profile_option import Chosen

cli = typer.Typer(cls=Group, pretty_exceptions_enable=False, rich_markup_mode=None)
cli.add_typer(checking.cli)
cli.add_typer(commands.cli)
cli.add_typer(runs.cli)
cli.add_typer(steering.cli)
cli.add_typer(models.cli)
cli.add_typer(cost.cli)
cli.add_typer(orders.cli)
cli.add_typer(sleeping.cli)
cli.add_typer(verdict.cli)
cli.add_typer(trace.cli)
cli.add_typer(login.cli)
cli.add_typer(chat.cli)
cli.add_typer(page.cli)
cli.add_typer(feedback.cli)
cli.add_typer(report.cli)
cli.add_typer(events.cli)
cli.add_typer(keys.cli)
cli.add_typer(probing.cli)


def show_version(wanted: bool) -> None:
    if wanted:
        say(f"tunedrop {__version__}")
        raise typer.Exit


@cli.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="show the version"),
    ] = False,
    profile: Chosen = "",
) -> None:
    """Drop a dataset, get a tuned model."""
    never_fail_to_show()
    if context.invoked_subcommand is None:
        say(context.get_help())


@cli.command(epilog="Example: tunedrop export captain --out rated.jsonl")
def export(
    model: Annotated[
        str,
        typer.Argument(
            help="the model whose rated answers are wanted", autocompletion=completion.models
        ),
    ],
    app: runs.Address = "",
    key: runs.Key = "",
    method: Annotated[str, typer.Option(help="supervised or dpo")] = "supervised",
    out: Annotated[
        Path | None, typer.Option(help="where to write (default: a new training_set.jsonl)")
    ] = None,
    provenance: Annotated[Path | None, typer.Option(help="where each line is from")] = None,
    as_json: AsJson = False,
) -> None:
    """Turn a model's rated answers into the next training set: those that were good or corrected,
    or for dpo pairs of a bad answer and its correction."""
    from shared.chat.examples import Method
    from shared.dataset.findings.quoting import many
    from tunedrop import export as exports
    from tunedrop.app import App

    if method not in list(Method):
        raise typer.BadParameter(f"{method!r} is neither supervised nor dpo.")
    with exit_on_error():
        place = exports.place_for(out)
        keep_apart([place, provenance], [])
        done = exports.export(App.at(app, key), model, Method(method), place, provenance)
    name = exports.drop_name(model, place)
    if as_json:
        say_json({"file": str(place), "drop_as": name, **done._asdict()})
        return
    spec = " beside a run.yaml with `method: dpo`" if method == "dpo" else ""
    say(f"{many(done.examples, 'example')} in {place}; check it, then drop it as {name}{spec}")
    say(
        f"Dropped alone it takes the place of what {model} was trained on. To train on both: "
        f"tunedrop merge BASE {in_call(place)} -o MERGED"
    )
    if done.left_out:
        note(f"left out: {done.left_out}")


@cli.command(epilog="Example: tunedrop doctor --local")
def doctor(
    local: Annotated[bool, typer.Option("--local", help="ask the stack of dev.py up")] = False,
    app: Annotated[str, typer.Option(envvar="TUNEDROP_APP", help="address of an app")] = "",
    key: runs.Key = "",
    settings: Annotated[Path, typer.Option(help="file of settings")] = Path("local.settings.json"),
    wait: Annotated[float, typer.Option(min=0, help="seconds for a canary to be taken")] = 60,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with an app and how to fix it. Exits 0 if nothing is, 1 with problems."""
    from shared.doctor import healthy
    from tunedrop import doctor as doctor_cli
    from tunedrop.app import App
    from tunedrop.connection import is_profile_chosen, to_stack

    if local and app:
        raise typer.BadParameter("--local and --app exclude each other.")
    with exit_on_error():
        if local:
            results = doctor_cli.ask_app(App.of(to_stack(key)))
        elif app or is_profile_chosen():
            results = doctor_cli.ask_app(App.at(app, key))
        else:
            results = doctor_cli.check_here(settings, wait)
    (doctor_cli.print_json if as_json else doctor_cli.print_table)(results)
    raise typer.Exit(ExitCode.DONE if healthy(results) else ExitCode.NO)


if __name__ == "__main__":
    cli(prog_name="tunedrop")

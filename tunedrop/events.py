"""`tunedrop events`: what has happened to a run, by its log; with `--follow` as it happens.

Shows what a run's log says; knows nothing of how one is written.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tunedrop import runs
from tunedrop.app import App
from tunedrop.as_json import AsJson, note
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, ExitCode, NotReached, ended, exit_on_error
from tunedrop.names import in_path

Event = dict[str, Any]
Run = dict[str, Any]
ITSELF = "tunedrop"  # who does what nobody has ordered

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop events captain-1a2b3c4d --follow")
def events(
    run_id: runs.RunId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="go on until the run has ended")
    ] = False,
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Print a run's log: what happened when, who wanted it and why.

    With --follow it ends with the run: 0 if it serves then, and 1 otherwise. With --follow and
    --json each event is an object on a line of its own.
    """
    with exit_on_error():
        app = App.at(address, key)
        if follow:
            run = _follow(app, run_id, as_json=as_json)
            raise typer.Exit(runs.says(run))
        found = log_of(app, run_id)
        if as_json:
            say_json({"run": run_id, "events": found})
        else:
            say("\n".join(map(line, found)) or "nothing has happened yet")


def log_of(app: App, run_id: str) -> list[Event]:
    """Raises CommandError."""
    text = app.read(f"api/runs/{in_path(run_id)}/events.jsonl").decode(errors="replace")
    return list(_events(text))


def _events(text: str) -> Iterator[Event]:
    """Those of a log; a line that is none is shown as it is."""
    for entry in filter(None, text.split("\n")):
        try:
            event = json.loads(entry)
            yield event if isinstance(event, dict) else {"message": entry}
        except ValueError:
            yield {"message": entry}


def line(event: Event) -> str:
    try:
        at = f"{datetime.fromisoformat(event['at']).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except MISSHAPEN:
        at = "at an unknown time"
    why = f": {event['why']}" if event.get("why") else ""
    by_person = event.get("who") not in (None, "", ITSELF)
    who = f"  ({event['who']}{why})" if by_person else ""
    return f"{at}  {event.get('kind') or '':<10}  {event.get('message') or ''}{who}"


def _follow(app: App, run_id: str, *, as_json: bool) -> Run:
    """Each event once, until the run has ended; the run. Raises CommandError, and typer.Exit where
    somebody stops it."""
    told, run = 0, Run()
    try:
        for seen in _logs(app, run_id):
            if isinstance(seen, NotReached):
                note(f"asked again: {seen.message}")
                continue
            run, found = seen
            for event in found[told:]:
                say(json.dumps(event) if as_json else line(event))
            told = len(found)
    except KeyboardInterrupt:
        again = f"`tunedrop events {run_id} --follow` goes on with its log."
        raise ended("the run goes on by itself.", again, ExitCode.INTERRUPTED) from None
    return run


def _logs(app: App, run_id: str) -> Iterator[tuple[Run, list[Event]] | NotReached]:
    """A run and its log again and again, until it has ended, or why they could not be had. The run
    is seen first: what its log says of its end is there then. Raises CommandError."""
    from tunedrop import following

    failed = 0
    for look in following.looks(app, run_id):
        if isinstance(look, NotReached):
            yield look
            continue
        id = look["id"]  # one that has none will not have it later
        try:
            yield look, log_of(app, id)
        except NotReached as error:
            failed += 1
            if failed > following.MAX_FAILED_POLLS:
                raise
            yield error
        else:
            failed = 0
            if following.is_over(look, until_checked=False):
                return

"""`tunedrop report`: the report on a run's dataset, saved as a page and shown.

Fetches it from the app, so that a page needs no key; knows nothing of what is in it.
"""

from pathlib import Path
from typing import Annotated

import typer

from tunedrop import runs
from tunedrop.app import App
from tunedrop.as_json import AsJson
from tunedrop.echo import say, say_json
from tunedrop.errors import exit_on_error
from tunedrop.files import written_whole
from tunedrop.names import in_path

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop report captain-1a2b3c4d")
def report(
    run_id: runs.RunId,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the file (default: RUN-report.html)")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="open it, or save it only")
    ] = True,
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Save the report on a run's dataset as a page, and open it. With --json: print its findings,
    and save nothing."""
    from shared.run.ids import short
    from tunedrop import browser as browsers

    with exit_on_error():
        app = App.at(address, key)
        place = f"api/runs/{in_path(run_id)}"
        if as_json:
            say_json(app.get(f"{place}/report.json"))
            return
        path = out or Path(f"{short(app.get(place)['id'])}-report.html")
        with written_whole(path, private=True) as file:
            app.download(f"{place}/report.html", file)
        say(path)
        if browser:
            browsers.show(path.resolve().as_uri())

"""`tunedrop model`: all that matters of one model on a page: who serves, how good it is, what it
costs, its versions, and what can be done next.

Puts together what several routes say; a part that cannot be had is left out, and said so.
"""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from shared.dataset.measure.cost import usd
from tunedrop import completion, runs
from tunedrop.app import App
from tunedrop.as_json import AsJson, note
from tunedrop.echo import say, say_json
from tunedrop.errors import MISSHAPEN, CommandError, NotReached, exit_on_error
from tunedrop.names import in_path, split

Page = dict[str, Any]
CHANGES = 5  # of the champion, the last ones

cli = typer.Typer()


@cli.command(epilog="Example: tunedrop model captain")
def model(
    name: Annotated[
        str, typer.Argument(metavar="MODEL", help="the model", autocompletion=completion.models)
    ],
    as_json: AsJson = False,
    address: runs.Address = "",
    key: runs.Key = "",
) -> None:
    """Show one model on a page: champion, verdict, costs, versions, and what can be done next."""
    from tunedrop import history

    with exit_on_error():
        app = App.at(address, key)
        asked, _ = split(name)
        page = history.page(app, asked)
        parts = {
            "model": page,
            "verdict": _verdict(app, page),
            "cost": _part(app, f"api/cost?model={in_path(asked)}"),
        }
        if as_json:
            say_json(parts)
            return
        try:
            say("\n".join(lines(parts)))
        except MISSHAPEN:
            raise NotReached(
                "the app's answer is none that this tool knows.", "--json prints it as it is."
            ) from None


def _verdict(app: App, page: Page) -> Page | None:
    """On the champion; None where there is none, or nothing was compared."""
    champion = _champion(page)
    if champion is None:
        return None
    try:
        return app.get(f"api/runs/{in_path(champion['run_id'])}/verdict.json")
    except CommandError:
        return None


def _part(app: App, path: str) -> Page | None:
    try:
        return app.get(path)
    except CommandError as error:
        note(f"{error.message} {error.fix}".strip())
        return None


def _champion(page: Page) -> Page | None:
    versions: list[Page] = page["versions"]
    return next((one for one in versions if one["version"] == page["champion"]), None)


def lines(parts: Page) -> Iterator[str]:
    from tunedrop import history

    page = parts["model"]
    name, champion = page["name"], _champion(page)
    yield f"{name}@{page['champion']} is the champion" if champion else f"{name} has no champion"
    for title, text in _facts(parts, champion):
        yield f"  {title:<10}  {text}"
    yield ""
    yield from history.lines({**page, "history": page["history"][-CHANGES:]})
    yield ""
    for command, about in _next(page, champion, compared=parts["verdict"] is not None):
        yield f"  {command:<34}  {about}"


def _facts(parts: Page, champion: Page | None) -> Iterator[tuple[str, str]]:
    if champion:
        yield "base", champion["base_model"]
        asleep = champion.get("asleep_since")
        yield "deployment", "asleep: the next chat wakes it" if asleep else champion["deployment"]
    if verdict := parts["verdict"]:
        yield "verdict", f"{verdict['overall']}: {verdict['sentence']}"
    if costs := parts["cost"]:
        total = costs["total"]
        now = f", {usd(total['usd_per_hour'])} an hour now" if total["usd_per_hour"] else ""
        yield (
            costs["month"],
            f"{usd(total['usd'])} so far, {usd(total['projected_usd'])} by its end{now}",
        )
    for ending in (parts["model"].get("lifecycle") or {}).get("endings", ()):
        yield ending["level"], f"{ending['sentence']} {ending['cure'] or ''}".rstrip()


def _next(page: Page, champion: Page | None, *, compared: bool) -> Iterator[tuple[str, str]]:
    """What a person may want to do, as it is typed."""
    from shared.run.ids import short

    name = page["name"]
    if champion:
        yield f"tunedrop chat {name}", "talk with it"
    if champion and compared:
        yield f"tunedrop verdict {short(champion['run_id'])}", "what it is better at, and what not"
    if before := page.get("rollback"):
        yield f"tunedrop rollback {name}", f"go back to {name}@{before}"
    for version in page["versions"]:
        if version["state"] == "held":
            yield f"tunedrop promote {name}@{version['version']}", "it is held: let it serve"
    yield f"tunedrop feedback {name}", "what of its answers was rated"

"""A model in a terminal: its versions with their states, and who was the champion when, in UTC as a
moment is asked for.

Shows what the app's API says of a model; knows neither the app nor the registry.
"""

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from shared.run.ids import short
from tunedrop.app import App
from tunedrop.names import in_path
from tunedrop.watch import parse_time

Page = dict[str, Any]


def page(app: App, model: str, at: str = "") -> Page:
    """Raises CommandError."""
    query = f"?{urlencode({'at': at})}" if at else ""
    return app.get(f"api/models/{in_path(model)}{query}")


def lines(model: Page) -> list[str]:
    if "at" in model:
        return [_then(model)]
    told = [_version(version) for version in model["versions"]] or ["no version yet"]
    if model.get("deleting"):
        told.append(f"{model['name']} is being deleted.")
    if order := model.get("order"):
        told.append(f"ordered by {order['who']}: {model['name']}@{order['version']} is to be")
        told[-1] += f" the champion. {order['waits']}"
    told += [_change(change, model["name"]) for change in model["history"]]
    return told


def _version(version: Page) -> str:
    dropped = _utc(version["dropped_at"])
    deployed = version["deployment"] if version["state"] != "withdrawn" else "no deployment"
    at_step = f"  checkpoint of step {version['checkpoint']}" if version.get("checkpoint") else ""
    asleep = "  asleep" if version.get("asleep_since") else ""
    order = version.get("deletion")
    leaving = f"  is being deleted. {order['waits']}".rstrip() if order else ""
    return (
        f"@{version['version']:<3} {version['state']:<9}  {version['base_model']}  {deployed}  "
        f"run {short(version['run_id'])} of {dropped}{at_step}{asleep}{leaving}"
    )


def _change(change: Page, model: str) -> str:
    at = _utc(change["at"])
    before, after = (
        f"{model}@{number}" if number else "none"
        for number in (change["before"], change["version"])
    )
    why = f": {change['why']}" if change["why"] else ""
    return f"{at}  {before} → {after}  {change['cause']} by {change['who']}{why}"


def _utc(moment: str) -> str:
    return f"{parse_time(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _then(model: Page) -> str:
    then, name = model["at"], model["name"]
    moment = f"{parse_time(then['moment']):%Y-%m-%d %H:%M:%S} UTC"
    if not then["known"]:
        return f"Who was the champion of {name} at {moment} is not known."
    who = f"{name}@{then['version']}" if then["version"] else f"No version of {name}"
    since = parse_time(then["change"]["at"])
    verb = "was the champion" if then["version"] else "served"
    return f"{who} {verb} at {moment}, since {since:%Y-%m-%d %H:%M:%S} UTC."

"""`tunedrop delete`: what is meant by a name, and what there is to delete of it, in a terminal.

Shows the app's plan; knows neither what is deleted nor how.
"""

from typing import Any

from shared.run.ids import ASKED
from tunedrop.app import App
from tunedrop.names import in_path, split

Page = dict[str, Any]


def place(app: App, target: str) -> tuple[str, Page]:
    """Where the order is given, and what its body says: a run where there is one of that id or with
    that beginning, otherwise a model or a version. Raises CommandError."""
    quoted = in_path(target)
    if ASKED.fullmatch(target):
        status, _ = app.request(f"api/runs/{quoted}")
        if status < 300:
            return f"api/runs/{quoted}/delete", {}
    model, number = split(target)
    body = {"version": number} if number else {}
    return f"api/models/{in_path(model)}/delete", body


def lines(plan: Page) -> list[str]:
    told = [f"{plan['target']}: this goes", *map(_item, plan["goes"])]
    if plan["stays"]:
        told += ["this stays", *map(_item, plan["stays"])]
    total = sum(item["usd_per_month"] or 0 for item in plan["goes"])
    if total:
        told.append(f"Its deployments cost ${total:,.2f} a month.")
    return told + list(plan["then"])


def _item(item: Page) -> str:
    note = f"  {item['note']}" if item["note"] else ""
    return f"  {item['what']:<20} {item['name']}{note}"


def told(target: str, deletion: Page | None) -> str:
    if deletion is None:
        return f"{target} is deleted."
    return f"{target} is being deleted, and the app goes on with it. {deletion['waits']}".rstrip()

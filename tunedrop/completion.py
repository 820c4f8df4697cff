"""What a shell offers for a name that is begun: models, versions and runs of the app that a command
would ask, and the names that are known here.

A key that is pressed waits for it, so the app has one second; whatever goes wrong, nothing is
offered and nothing is said.
"""

import re
from collections.abc import Callable, Iterable
from threading import Thread
from typing import TYPE_CHECKING, Any

import typer

from shared.run.stages import Stage

if TYPE_CHECKING:
    from tunedrop.app import App

SECONDS = 1.0
MOST = 50  # runs
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,199}")  # what no shell takes for more than a name

Offered = list[str] | list[tuple[str, str]]


def models(context: typer.Context, incomplete: str) -> Offered:
    return _of_app(context, incomplete, lambda app: [(name, "") for name in _models(app)])


def versions(context: typer.Context, incomplete: str) -> Offered:
    def found(app: "App") -> list[tuple[str, str]]:
        return [
            (f"{name}@{version['version']}", str(version["state"]))
            for name, model in _models(app).items()
            for version in model["versions"]
        ]

    return _of_app(context, incomplete, found)


def models_and_versions(context: typer.Context, incomplete: str) -> Offered:
    return versions(context, incomplete) if "@" in incomplete else models(context, incomplete)


def runs(context: typer.Context, incomplete: str) -> Offered:
    return _of_app(context, incomplete, _runs)


def models_versions_and_runs(context: typer.Context, incomplete: str) -> Offered:
    if "@" in incomplete:
        return versions(context, incomplete)

    def found(app: "App") -> list[tuple[str, str]]:
        return [*((name, "") for name in _models(app)), *_runs(app)]

    return _of_app(context, incomplete, found)


def stages(incomplete: str) -> list[str]:
    return _beginning(Stage, incomplete)


def base_models(incomplete: str) -> list[str]:
    from shared.catalog import facts

    known = (model.name for model in facts.MODELS.values if model.methods and model.skus)
    return _beginning(known, incomplete)


def skus(incomplete: str) -> list[str]:
    from shared.catalog import facts

    return _beginning(dict.fromkeys(facts.SKUS.values.values()), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [str(name) for name in names if name.startswith(incomplete)]


def _runs(app: "App") -> list[tuple[str, str]]:
    from shared.run.ids import short

    page = app.get(f"api/runs?limit={MOST}")["runs"]
    return [(short(run["id"]), f"{run['model']}, {run['stage']}") for run in page]


def _models(app: "App") -> dict[str, Any]:
    return {model["name"]: model for model in app.get("api/models")["models"]}


def _of_app(
    context: typer.Context, incomplete: str, found: Callable[["App"], list[tuple[str, str]]]
) -> Offered:
    """What the app has that begins like this. Asked in a thread: neither a slow name server nor a
    slow sign-in holds up the shell for longer."""
    offered: list[tuple[str, str]] = []

    def ask() -> None:
        from tunedrop.app import App

        try:
            app = App.at(context.params.get("address") or "", context.params.get("key") or "")
            offered.extend(found(app))
        except Exception:  # noqa: BLE001 - what a shell shows of an error makes its line unusable
            return

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS)
    return [
        (name, note)
        for name, note in list(offered)
        if name.startswith(incomplete) and NAME.fullmatch(name)
    ]

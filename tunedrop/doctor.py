"""`tunedrop doctor`: what is wrong with an app, asked here or of the app itself, and what mends it.

Knows where settings are found and how cases are shown; `shared.doctor` knows what is examined.
"""

import asyncio
import json
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from shared.doctor import Case, State, examine, healthy
from tunedrop.app import App, parsed
from tunedrop.stop import Stop

COLOURS = {"ok": "green", "warning": "yellow", "problem": "bold red", "unknown": "cyan"}
PATIENCE_SECONDS = 200  # Azure itself cuts an answer off at 230
OURS = ("AZURE_OPENAI_", "TunedropStorage")


def here(settings: Path, wait: float) -> list[Case]:
    """Examine from this machine, with the settings of the environment and of the file."""
    for name, value in _values(settings).items():
        os.environ.setdefault(name, value)  # as the Functions host does
    if not any(name.startswith(OURS) for name in os.environ):
        raise Stop(
            f"no settings here: run it beside {settings.name}, or ask an app with --local or --app."
        )
    logging.disable(logging.CRITICAL)  # what the SDKs have to say of refused calls is told better
    with _waiting():
        return asyncio.run(examine(os.environ, wait=wait))


def asked(app: App) -> list[Case]:
    """Ask the app to examine itself, and its host how it is. Raises Stop."""
    with _waiting():
        status, answer = app.ask("api/doctor", patience=PATIENCE_SECONDS)
    body = parsed(answer)
    if status not in (200, 503) or "cases" not in body:
        raise app.stranger(status)
    cases = [Case(**{**case, "state": State(case["state"])}) for case in body["cases"]]
    status, answer = app.ask("admin/host/status")
    return [*cases, _host(status, parsed(answer))]


def _waiting() -> Status:
    return Console(stderr=True).status("examining; a canary may take a minute to be found")


def _host(status: int, body: Mapping[str, Any]) -> Case:
    """host | The Functions host runs and has no complaint (asked with --local and --app)."""
    if status in (401, 403):
        fix = "Give the master key: az functionapp keys list --name APP --resource-group GROUP"
        return Case("host", State.UNKNOWN, "The host tells only who has the master key.", fix)
    state, version = body.get("state"), body.get("version", "unknown")
    complaints = "; ".join(str(error) for error in body.get("errors") or [])
    if state != "Running" or complaints:
        seen = f"The host is {state or f'silent ({status})'}. {complaints}".strip()
        fix = "See its log: az webapp log tail --name APP --resource-group GROUP"
        return Case("host", State.PROBLEM, seen, fix)
    return Case("host", State.OK, f"The host runs, version {version}.")


def _values(settings: Path) -> dict[str, str]:
    try:
        found = json.loads(settings.read_text(encoding="utf-8-sig"))
        if found.get("IsEncrypted"):
            raise Stop(f"{settings} is encrypted: func settings decrypt")
        return {str(name): str(value) for name, value in found.get("Values", {}).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        raise Stop(f"{settings} cannot be read as JSON with Values in it.") from None


def show(cases: list[Case]) -> None:
    screen = Console(highlight=False, markup=False, soft_wrap=True)
    hidden: dict[str, list[str]] = defaultdict(list)  # what is unknown, by what it waits for
    for case in cases:
        if case.state == State.UNKNOWN and not case.fix:
            hidden[case.seen].append(case.id)
    shown = [case for case in cases if case.id not in {id for ids in hidden.values() for id in ids}]
    width = max((len(case.id) for case in shown), default=0)
    for case in shown:
        state = (f"{case.state:<8}", COLOURS[case.state])
        screen.print(Text.assemble(state, f" {case.id:<{width}}  {case.seen}"))
        if case.fix:
            screen.print(Text(f"{'':8} {'':{width}}  → {case.fix}", "dim"))
    for seen, ids in hidden.items():
        screen.print(Text.assemble(("unknown ", COLOURS["unknown"]), f" {seen}  {', '.join(ids)}"))
    counts = Counter(case.state for case in cases)
    found = ", ".join(f"{n} × {state}" for state in State if (n := counts[state]))
    screen.print(found, style="bold green" if healthy(cases) else "bold red")


def as_json(cases: list[Case]) -> None:
    body = {"healthy": healthy(cases), "cases": [case.as_json() for case in cases]}
    typer.echo(json.dumps(body, indent=2, ensure_ascii=False))

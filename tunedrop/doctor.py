"""`tunedrop doctor`: what is wrong with an app, asked here or of the app itself, and what mends it.

Knows where settings are found and how cases are shown; `shared.doctor` knows what is examined.
"""

import asyncio
import json
import logging
import os
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from shared.doctor import Case, State, examine, healthy

COLOURS = {"ok": "green", "warning": "yellow", "problem": "bold red", "unknown": "cyan"}
STACK = Path(".local/stack.json")
PATIENCE_SECONDS = 200  # Azure itself cuts an answer off at 230
OURS = ("AZURE_OPENAI_", "TunedropStorage")


class DoctorError(Exception):
    """Nothing could be examined: one sentence on why, and what to do about it."""


def here(settings: Path, wait: float) -> list[Case]:
    """Examine from this machine, with the settings of the environment and of the file."""
    for name, value in _values(settings).items():
        os.environ.setdefault(name, value)  # as the Functions host does
    if not any(name.startswith(OURS) for name in os.environ):
        raise DoctorError(
            f"no settings here: run it beside {settings.name}, or ask an app with --local or --app."
        )
    logging.disable(logging.CRITICAL)  # what the SDKs have to say of refused calls is told better
    with _waiting():
        return asyncio.run(examine(os.environ, wait=wait))


def running_here() -> list[Case]:
    """Ask the app that `dev.py up` runs in this folder."""
    try:
        return asked(json.loads(STACK.read_text(encoding="utf-8"))["app_url"], "")
    except (OSError, ValueError, KeyError):
        raise DoctorError("no stack runs here: start it with `python3 dev.py up`.") from None


def asked(app: str, key: str) -> list[Case]:
    """Ask the app to examine itself, and its host how it is."""
    app = app.rstrip("/")
    with _waiting():
        status, body = _get(f"{app}/api/doctor", key)
    if status == 401:
        cure = "give one with --key: az functionapp keys list --name APP --resource-group GROUP"
        raise DoctorError(f"{app} wants a Functions key: {cure}")
    if status not in (200, 503) or "cases" not in body:
        raise DoctorError(f"{app} answered {status}, not as this app does. Is it the right one?")
    cases = [Case(**{**case, "state": State(case["state"])}) for case in body["cases"]]
    return [*cases, _host(*_get(f"{app}/admin/host/status", key))]


def _waiting() -> Status:
    return Console(stderr=True).status("examining; a canary may take a minute to be found")


def _host(status: int, body: Mapping[str, Any]) -> Case:
    """host | The Functions host runs and has no complaint (asked with --local and --app)."""
    if status in (401, 403):
        cure = "Give the master key: az functionapp keys list --name APP --resource-group GROUP"
        return Case("host", State.UNKNOWN, "The host tells only who has the master key.", cure)
    state, version = body.get("state"), body.get("version", "unknown")
    complaints = "; ".join(str(error) for error in body.get("errors") or [])
    if state != "Running" or complaints:
        seen = f"The host is {state or f'silent ({status})'}. {complaints}".strip()
        cure = "See its log: az webapp log tail --name APP --resource-group GROUP"
        return Case("host", State.PROBLEM, seen, cure)
    return Case("host", State.OK, f"The host runs, version {version}.")


def _get(url: str, key: str) -> tuple[int, dict[str, Any]]:
    if not url.startswith(("https://", "http://")):
        raise DoctorError(f"{url} is no web address: give --app https://NAME….")
    request = urllib.request.Request(url, headers={"x-functions-key": key} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:  # nosec B310
            return response.status, _object(response.read())
    except urllib.error.HTTPError as error:
        return error.code, _object(error.read())
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise DoctorError(f"{url} could not be reached: {reason}. Does the app run?") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _values(settings: Path) -> dict[str, str]:
    try:
        found = json.loads(settings.read_text(encoding="utf-8-sig"))
        if found.get("IsEncrypted"):
            raise DoctorError(f"{settings} is encrypted: func settings decrypt")
        return {str(name): str(value) for name, value in found.get("Values", {}).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        raise DoctorError(f"{settings} cannot be read as JSON with Values in it.") from None


def show(cases: list[Case]) -> None:
    screen = Console(highlight=False, markup=False, soft_wrap=True)
    hidden: dict[str, list[str]] = defaultdict(list)  # what is unknown, by what it waits for
    for case in cases:
        if case.state == State.UNKNOWN and not case.cure:
            hidden[case.seen].append(case.id)
    shown = [case for case in cases if case.id not in {id for ids in hidden.values() for id in ids}]
    width = max((len(case.id) for case in shown), default=0)
    for case in shown:
        state = (f"{case.state:<8}", COLOURS[case.state])
        screen.print(Text.assemble(state, f" {case.id:<{width}}  {case.seen}"))
        if case.cure:
            screen.print(Text(f"{'':8} {'':{width}}  → {case.cure}", "dim"))
    for seen, ids in hidden.items():
        screen.print(Text.assemble(("unknown ", COLOURS["unknown"]), f" {seen}  {', '.join(ids)}"))
    counts = Counter(case.state for case in cases)
    found = ", ".join(f"{n} × {state}" for state in State if (n := counts[state]))
    screen.print(found, style="bold green" if healthy(cases) else "bold red")


def as_json(cases: list[Case]) -> None:
    body = {"healthy": healthy(cases), "cases": [case.as_json() for case in cases]}
    typer.echo(json.dumps(body, indent=2, ensure_ascii=False))

"""`tunedrop doctor`: what is wrong with an app and how to fix it; checked here, or by the app.

Knows where settings are found and how results are shown; `shared.doctor` knows what is checked.
"""

import asyncio
import logging
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.text import Text

from shared.doctor import CheckResult, State, as_json, healthy, run_checks
from tunedrop.app import App, parse_object
from tunedrop.as_json import is_asked
from tunedrop.echo import say_json
from tunedrop.errors import CommandError
from tunedrop.files import settings_of
from tunedrop.screen import Screen

COLOURS = {"ok": "green", "warning": "yellow", "problem": "bold red", "unknown": "cyan"}
TIMEOUT_SECONDS = 200  # Azure itself cuts an answer off at 230
PREFIXES = ("AZURE_OPENAI_", "TunedropStorage")


def check_here(settings: Path, canary_seconds: float) -> list[CheckResult]:
    """Check from this machine, with the settings of the environment and of the file."""
    for name, value in settings_of(settings).items():
        os.environ.setdefault(name, value)  # as the Functions host does
    if not any(name.startswith(PREFIXES) for name in os.environ):
        raise CommandError(
            "no settings here.",
            f"Run it beside {settings.name}, or ask an app with --local or --app.",
        )
    logging.disable(logging.CRITICAL)  # the results say more than the SDKs' log of refused calls
    with _progress():
        return asyncio.run(run_checks(os.environ, canary_seconds=canary_seconds))


def ask_app(app: App) -> list[CheckResult]:
    """Let the app check itself, and ask its host for its state. Raises CommandError."""
    with _progress():
        status, answer = app.request("api/doctor", timeout=TIMEOUT_SECONDS)
    body = parse_object(answer)
    if status not in (200, 503) or "checks" not in body:
        app.object_of(status, answer)
        raise app.unexpected_status(status)
    results = [CheckResult(**{**item, "state": State(item["state"])}) for item in body["checks"]]
    status, answer = app.request("admin/host/status")
    return [*results, _host(status, parse_object(answer))]


def _progress() -> AbstractContextManager[object]:
    screen = Screen(stderr=True)
    if is_asked() or not screen.is_watched:
        return nullcontext()
    return screen.status("checking; it may take a minute until a canary is found")


def _host(status: int, body: Mapping[str, Any]) -> CheckResult:
    """host | The Functions host runs and reports no error (asked with --local and --app)."""
    if status in (401, 403):
        fix = "Give the master key: az functionapp keys list --name APP --resource-group GROUP"
        message = "The host answers only with the master key."
        return CheckResult("host", State.UNKNOWN, message, fix)
    state, version = body.get("state"), body.get("version", "unknown")
    errors = "; ".join(str(error) for error in body.get("errors") or [])
    if state != "Running" or errors:
        message = f"The host is {state or f'silent ({status})'}. {errors}".strip()
        fix = "See its log: az webapp log tail --name APP --resource-group GROUP"
        return CheckResult("host", State.PROBLEM, message, fix)
    return CheckResult("host", State.OK, f"The host runs, version {version}.")


def print_table(results: list[CheckResult]) -> None:
    """One line for each result; what waits for the same other check shares a line at the end."""
    screen = Screen(soft_wrap=True)
    shown = [result for result in results if not _is_blocked(result)]
    blocked: dict[str, list[str]] = defaultdict(list)  # ids, by what they wait for
    for result in filter(_is_blocked, results):
        blocked[result.message].append(result.id)
    width = max((len(result.id) for result in shown), default=0)
    for result in shown:
        state = (f"{result.state:<8}", COLOURS[result.state])
        screen.print(Text.assemble(state, f" {result.id:<{width}}  {result.message}"))
        if result.fix:
            screen.print(Text(f"{'':8} {'':{width}}  → {result.fix}", "dim"))
    for message, ids in blocked.items():
        state = ("unknown ", COLOURS["unknown"])
        screen.print(Text.assemble(state, f" {message}  {', '.join(ids)}"))
    counts = Counter(result.state for result in results)
    total = ", ".join(f"{n} × {state}" for state in State if (n := counts[state]))
    screen.print(total, style="bold green" if healthy(results) else "bold red")


def _is_blocked(result: CheckResult) -> bool:
    return result.state == State.UNKNOWN and not result.fix


def print_json(results: list[CheckResult]) -> None:
    say_json(as_json(results))

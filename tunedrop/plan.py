"""`tunedrop plan`: what an account says to a run before anything is paid for; asked of an app, or
answered from the dated table without one.

Knows where a run.yaml is found and how a plan is shown, not what is asked.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.cloud.offers import Known, Offers, region_name
from shared.errors import DropError, SettingError
from shared.run import planning
from shared.run.folder import NAMES, DropRole
from shared.run.plan import plan
from shared.run.run_yaml import LARGEST
from shared.run.spec import Spec, effective
from shared.settings import Settings
from tunedrop.app import App
from tunedrop.echo import say
from tunedrop.errors import CommandError
from tunedrop.files import must_exist

Plan = dict[str, Any]

# What every app must be told, and no plan without an app asks for.
NOWHERE = {
    "AZURE_OPENAI_ENDPOINT": "https://nowhere.openai.azure.com",
    "AZURE_SUBSCRIPTION_ID": "none",
    "AZURE_RESOURCE_GROUP": "none",
    "AZURE_OPENAI_ACCOUNT": "none",
}


def run_yaml(path: Path) -> bytes:
    """The run.yaml itself, or that of a folder; empty where the folder has none."""
    must_exist(path)
    files = [path]
    if path.is_dir():
        spec = NAMES[DropRole.SPEC]
        files = [file for file in sorted(path.iterdir()) if spec.fullmatch(file.name)]
    if len(files) > 1:
        names = " and ".join(file.name for file in files)
        raise CommandError(f"{path} holds {names}.", "Keep one of them.")
    for file in files:
        if file.stat().st_size > LARGEST:
            message = f"{file} has more than {LARGEST:,} bytes: no run.yaml has."
            raise CommandError(message, "Name another file.")
        return file.read_bytes()
    return b""


def run_yaml_among(files: Mapping[str, Path]) -> bytes:
    """The run.yaml among the files of a drop, by their names in the container; or empty."""
    spec = NAMES[DropRole.SPEC]
    found = (path for name, path in files.items() if spec.fullmatch(name.rpartition("/")[2]))
    path = next(found, None)
    return run_yaml(path) if path else b""


def held_out(path: Path) -> tuple[int, int] | None:
    """Examples and bytes of the folder's validation set; None where that is not known: a file was
    named, or a part of the training set may be held out."""
    if not path.is_dir():
        return None
    name = NAMES[DropRole.VALIDATION]
    files = [file for file in path.iterdir() if name.fullmatch(file.name)]
    lines = [line for file in files for line in file.read_bytes().splitlines() if line.strip()]
    return len(lines), sum(map(len, lines))


def ask(app: App, asked: bytes, held: tuple[int, int] | None = None) -> Plan:
    """The app's own plan. Raises CommandError."""
    query = f"?examples={held[0]}&bytes={held[1]}" if held else ""
    return app.post(f"api/plan{query}", asked)


def offline(asked: bytes, region: str, held: tuple[int, int] | None = None) -> Plan:
    """By the dated table, and this machine's settings for what run.yaml leaves out. Raises
    CommandError."""
    nobody: Known[Any] = Known(why="no account was asked (--offline)")
    here = Known(region_name(region), "") if region else nobody
    offers = Offers(here, nobody, nobody, nobody, nobody, nobody)
    settings = settings_here()
    compared = planning.held(settings, *(held or ()))
    return plan(spec_of(asked), offers, datetime.now(UTC), held=compared).as_json()


def settings_here() -> Settings:
    """Raises CommandError."""
    try:
        return Settings.load({**os.environ, **NOWHERE})
    except SettingError as error:
        raise CommandError(error.message, error.fix) from None


def spec_of(asked: bytes) -> Spec:
    """What a run.yaml asks for, over this machine's settings. Raises CommandError."""
    try:
        return effective(asked or None, settings_here())
    except DropError as error:
        raise CommandError(error.message, error.fix) from None


def says_no(found: Plan) -> bool:
    return any(answer["says"] == "no" for answer in found["answers"])


def print_plan(found: Plan, *, only_doubts: bool = False) -> None:
    """A line for each answer, and below it what is offered instead."""
    for answer in found["answers"]:
        if only_doubts and answer["says"] == "yes":
            continue
        says = "waits" if answer["passes"] else answer["says"]
        say(f"  {says:<8} {answer['id']:<14} {answer['sentence']}")
        if answer["instead"] and answer["says"] != "yes":
            say(f"{'':<26}{answer['instead']}")

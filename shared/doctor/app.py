"""The app itself: its settings, its versions, who may chat, what it must have with it."""

import asyncio
import difflib
import json
import sys
from dataclasses import fields
from importlib import metadata
from pathlib import Path

from shared.doctor.cases import Case, ok, problem, warning
from shared.doctor.patient import Patient
from shared.errors import SettingError
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
OURS = ("TUNEDROP_", "AZURE_OPENAI_", "TunedropStorage")
# Of the command line and of the tests; and the sections of a connection, which the platform reads.
ELSEWHERE = ("TUNEDROP_APP", "TUNEDROP_FUNCTION_KEY", "TUNEDROP_NODE", "TUNEDROP_AZURITE")
REINSTALL = "Install what the app ships with: python -m pip install -r requirements.txt"


async def settings(p: Patient) -> list[Case]:
    """settings, setting:NAME | Every setting that must be there is, each can be read, and none \
is misspelt."""
    cases = [
        problem(f"setting:{name}", error.message, f"{error.fix} {p.setting(name)}".strip())
        for name, error in p.unreadable.items()
    ]
    if not any(name.startswith("AzureWebJobsStorage") for name in p.environ):
        seen = "The app setting AzureWebJobsStorage is missing."
        fix = f"Set it: the host keeps its keys and locks there. {p.setting('AzureWebJobsStorage')}"
        cases.append(problem("setting:AzureWebJobsStorage", seen, fix))
    known = {str(field.metadata["name"]) for field in fields(Settings)}
    for name in sorted(name for name in p.environ if name.startswith(OURS)):
        if name not in {*known, *ELSEWHERE} and not name.startswith("TunedropStorage__"):
            near = difflib.get_close_matches(name, known, 1)
            fix = f"Is {near[0]} meant?" if near else "Take it out."
            cases.append(warning(f"setting:{name}", f"There is no setting {name}.", fix))
    return cases or [ok("settings", f"All that must be set are, of {len(known)} that there are.")]


async def versions(p: Patient) -> list[Case]:
    """versions | Python, azure-functions and the extension bundle fit together."""
    python, library = sys.version_info[:2], metadata.version("azure-functions")
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    bundle = host.get("extensionBundle", {}).get("version", "none")
    seen = f"Python {python[0]}.{python[1]}, azure-functions {library}, bundle {bundle}."
    if not (3, 11) <= python <= (3, 13):
        return [warning("versions", seen, "The app is made for Python 3.11 to 3.13.")]
    if (python >= (3, 13)) != (int(library.partition(".")[0]) >= 2):
        return [problem("versions", seen, REINSTALL)]
    if not bundle.startswith("[4."):
        fix = 'Set extensionBundle.version in host.json to "[4.0.0, 5.0.0)".'
        return [problem("versions", seen, fix)]
    if python < (3, 13) and p.environ.get("PYTHON_ENABLE_INIT_INDEXING") != "1":
        fix = f"Set it. {p.setting('PYTHON_ENABLE_INIT_INDEXING', '1')}"
        seen = "PYTHON_ENABLE_INIT_INDEXING is not 1: before Python 3.13 nothing can be streamed."
        return [problem("versions", seen, fix)]
    return [ok("versions", seen)]


async def vocabulary(p: Patient) -> list[Case]:
    """vocabulary | The base model's tokenizer is here and counts, without a network."""
    from shared.catalog import lookup
    from shared.dataset.measure import tokens

    known = lookup.find_model(p.settings.base_model)
    name = known.encoding if known else "o200k_base"
    try:
        counted = await asyncio.to_thread(lambda: len(tokens.encoding(name).encode("hello world")))
    except (ImportError, OSError) as error:
        return [problem("vocabulary", f"{name}: {type(error).__name__}.", REINSTALL)]
    if counted != 2:
        return [problem("vocabulary", f"{name} counts {counted} tokens, not 2.", REINSTALL)]
    return [ok("vocabulary", f"{name} is here and counts.")]


async def app_keys(p: Patient) -> list[Case]:
    """app-keys | Somebody may chat, and the list of keys can be read."""
    from shared.chat.access import parse_keys

    try:
        who = [caller.name for caller in parse_keys(p.settings.app_keys)]
    except SettingError as error:
        return [problem("app-keys", error.message, error.fix)]
    if p.settings.entra_tenant:
        who.append(f"people of the tenant {p.settings.entra_tenant}")
    if not who:
        fix = "Set it to NAME:SHA256 of a key: printf %s KEY | sha256sum"
        return [warning("app-keys", "Nobody may chat: TUNEDROP_APP_KEYS is empty.", fix)]
    return [ok("app-keys", f"May chat: {', '.join(who)}.")]

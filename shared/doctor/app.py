"""Checks of the app itself: settings, versions, tokenizer, keys. None of them needs Azure."""

import asyncio
import difflib
import json
import sys
from dataclasses import fields
from importlib import metadata
from pathlib import Path

from shared.doctor.context import Context
from shared.doctor.result import CheckResult, blocked, ok, problem, unknown, warning
from shared.errors import SettingError, TunedropError, Unreadable
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PREFIXES = ("TUNEDROP_", "AZURE_OPENAI_", "TunedropStorage")
# These are read by the command line and by the tests.
NOT_OF_THE_APP = ("TUNEDROP_APP", "TUNEDROP_FUNCTION_KEY", "TUNEDROP_NODE", "TUNEDROP_AZURITE")
REINSTALL = "Install what the app ships with: python -m pip install -r requirements.txt"


async def settings(ctx: Context) -> list[CheckResult]:
    """settings, setting:NAME | Every required setting is set, each can be read, and none is \
misspelt."""
    results = [
        problem(
            f"setting:{name}", error.message, f"{error.fix} {ctx.setting_command(name)}".strip()
        )
        for name, error in ctx.unreadable.items()
    ]
    if not any(name.startswith("AzureWebJobsStorage") for name in ctx.environ):
        message = "The app setting AzureWebJobsStorage is missing."
        command = ctx.setting_command("AzureWebJobsStorage")
        fix = f"Set it: the host keeps its keys and locks there. {command}"
        results.append(problem("setting:AzureWebJobsStorage", message, fix))
    known = {str(field.metadata["name"]) for field in fields(Settings)}
    for name in sorted(name for name in ctx.environ if name.startswith(PREFIXES)):
        # The platform reads the sections of the connection TunedropStorage.
        if name not in {*known, *NOT_OF_THE_APP} and not name.startswith("TunedropStorage__"):
            near = difflib.get_close_matches(name, known, 1)
            fix = f"Is {near[0]} meant?" if near else "Take it out."
            results.append(warning(f"setting:{name}", f"There is no setting {name}.", fix))
    return results or [ok("settings", f"Every required one of {len(known)} settings is set.")]


async def versions(ctx: Context) -> list[CheckResult]:
    """versions | Python, azure-functions and the extension bundle fit together."""
    python = sys.version_info[:2]
    try:
        library = metadata.version("azure-functions")
        host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    except (metadata.PackageNotFoundError, FileNotFoundError):
        fix = "Ask the app: tunedrop doctor --app URL"
        return [unknown("versions", "Only the command line is installed, not the app.", fix)]
    bundle = host.get("extensionBundle", {}).get("version", "none")
    message = f"Python {python[0]}.{python[1]}, azure-functions {library}, bundle {bundle}."
    if not (3, 11) <= python <= (3, 14):
        return [warning("versions", message, "The app is made for Python 3.11 to 3.14.")]
    if (python >= (3, 13)) != (int(library.partition(".")[0]) >= 2):
        return [problem("versions", message, REINSTALL)]
    if not bundle.startswith("[4."):
        fix = 'Set extensionBundle.version in host.json to "[4.0.0, 5.0.0)".'
        return [problem("versions", message, fix)]
    if python < (3, 13) and ctx.environ.get("PYTHON_ENABLE_INIT_INDEXING") != "1":
        message = "PYTHON_ENABLE_INIT_INDEXING is not 1: Python before 3.13 cannot stream then."
        fix = f"Set it. {ctx.setting_command('PYTHON_ENABLE_INIT_INDEXING', '1')}"
        return [problem("versions", message, fix)]
    return [ok("versions", message)]


async def vocabulary(ctx: Context) -> list[CheckResult]:
    """vocabulary | The base model's tokenizer is installed and counts, without a network."""
    from shared.catalog import lookup
    from shared.dataset.measure import tokens

    known = lookup.find_model(ctx.settings.base_model)
    name = known.encoding if known else "o200k_base"
    try:
        count = await asyncio.to_thread(lambda: len(tokens.encoding(name).encode("hello world")))
    except (ImportError, OSError) as error:
        return [problem("vocabulary", f"{name}: {type(error).__name__}.", REINSTALL)]
    if count != 2:
        return [problem("vocabulary", f"{name} counts {count} tokens, not 2.", REINSTALL)]
    return [ok("vocabulary", f"{name} is installed and counts.")]


async def webhook(ctx: Context) -> list[CheckResult]:
    """webhook | What is told by webhook is signed, with a secret that is one."""
    from shared.cloud.receivers import SECRETS, signing_key

    if not ctx.settings.webhook_url:
        return [ok("webhook", "TUNEDROP_WEBHOOK_URL is empty: nothing is told by webhook.")]
    secrets = ctx.settings.webhook_secrets
    if not secrets:
        message = f"{SECRETS} is empty: whoever knows the webhook can tell it what they like."
        command = ctx.setting_command(SECRETS, '"whsec_$(openssl rand -base64 32)"')
        return [warning("webhook", message, f"Set one, which the receiver knows. {command}")]
    try:
        for secret in secrets:
            signing_key(secret)
    except SettingError as error:
        return [problem("webhook", error.message, error.fix)]
    return [ok("webhook", "What is told by webhook is signed.")]


async def app_keys(ctx: Context) -> list[CheckResult]:
    """app-keys | Somebody may chat, and the lists of keys can be read: the setting's, and that of \
created ones."""
    from shared.chat.key_store import KeyStore
    from shared.chat.setting_keys import parse_keys

    try:
        callers = [caller.name for caller in parse_keys(ctx.settings.app_keys)]
    except SettingError as error:
        return [problem("app-keys", error.message, error.fix)]
    if ctx.settings.entra_tenant:
        callers.append(f"people of the tenant {ctx.settings.entra_tenant}")
    try:
        created = len((await KeyStore(ctx.clients.models).read()).valid)
        if created:
            callers.append("1 created key" if created == 1 else f"{created} created keys")
    except Unreadable as error:
        return [problem("app-keys", error.message, error.fix)]
    except (TunedropError, ValueError):  # the latter's text may hold the key
        if not callers:
            return [unknown("app-keys", blocked("storage"))]
    if not callers:
        fix = (
            "Create a key: tunedrop keys create NAME. Or set TUNEDROP_APP_KEYS to NAME:SHA256 of "
            "one: printf %s KEY | sha256sum"
        )
        return [warning("app-keys", "Nobody may chat: there is no key.", fix)]
    return [ok("app-keys", f"May chat: {', '.join(callers)}.")]

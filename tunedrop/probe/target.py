"""Which resource is probed, and how it is entered: the emulator of a stack, or a real account.

Knows addresses, keys and tokens; nothing of what is asked there.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.endpoint import LOOPBACK, openai_endpoint
from shared.errors import SettingError
from shared.settings import Settings
from tunedrop.connection import NO_STACK, local_stack
from tunedrop.errors import CommandError, NotReached
from tunedrop.files import settings_of

ARM = "https://management.azure.com"
DATA = "https://cognitiveservices.azure.com"
FOUNDRY = "https://ai.azure.com"  # the other audience of the data plane
IDENTITY = "/_emulator/identity"
# Whatever a client names is the emulator's one account.
NOBODY = ("00000000-0000-0000-0000-000000000000", "laptop", "emulator")

Token = Callable[[str], str]  # for an audience, one of the three above


@dataclass(frozen=True)
class Target:
    """`key` is empty where none is known. `token` raises NotReached."""

    endpoint: str
    arm_endpoint: str
    subscription: str
    group: str
    account: str
    token: Token = field(repr=False)
    key: str = field(default="", repr=False)
    location: str = ""
    is_live: bool = False

    @property
    def account_path(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers"
            f"/Microsoft.CognitiveServices/accounts/{self.account}"
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What no report may hold."""
        host = self.endpoint.partition("://")[2]
        given = (self.subscription, self.group, self.account, self.key, host, host.split(".")[0])
        return tuple(name for name in given if len(name) > 2)


def emulated(address: str = "") -> Target:
    """The emulator at this address, or that of the stack that runs here. Raises CommandError."""
    url = (address or _of_stack()).rstrip("/")
    host = url.partition("://")[2].partition("/")[0].rpartition(":")[0]
    if not url.startswith("http://") or host not in LOOPBACK | {"[::1]"}:
        message = "an emulator has an address of this machine, such as http://127.0.0.1:8080."
        raise CommandError(message, "Correct --emulator; a real account is probed with --live.")

    def token(audience: str) -> str:
        return _identity(url, audience)

    return Target(url, url, *NOBODY, token)


def _of_stack() -> str:
    stack = local_stack()
    if stack is None or not stack.get("openai_url"):
        fix = "Start one with `python3 dev.py up`, or name an emulator with --emulator."
        raise CommandError(NO_STACK, fix)
    return str(stack["openai_url"])


def _identity(url: str, audience: str) -> str:
    request = urllib.request.Request(
        f"{url}{IDENTITY}?resource={audience}&api-version=2019-08-01",
        headers={"X-IDENTITY-HEADER": "local"},
    )
    try:
        # At http on this machine alone, as is looked at above.
        with urllib.request.urlopen(request, timeout=30) as answer:  # nosec B310
            return str(json.load(answer)["access_token"])
    except (OSError, ValueError, LookupError):
        raise NotReached(
            "no emulator of Azure OpenAI answers there.", "Does it run? `python3 dev.py up`."
        ) from None


def real(environ: Mapping[str, str], settings: Path) -> Target:
    """The account of the app's settings: of the environment, and of the file of settings where that
    is. Raises CommandError."""
    try:
        known = Settings.load({**settings_of(settings), **environ})
        endpoint = openai_endpoint("AZURE_OPENAI_ENDPOINT", known.openai_endpoint)
    except SettingError as error:
        raise CommandError(error.message, error.fix) from None
    return Target(
        endpoint,
        known.arm_endpoint,
        known.subscription_id,
        known.resource_group,
        known.account,
        _entra,
        known.openai_key,
        known.location,
        is_live=True,
    )


def _entra(audience: str) -> str:
    from azure.core.exceptions import AzureError
    from azure.identity import DefaultAzureCredential

    try:
        return DefaultAzureCredential().get_token(f"{audience}/.default").token
    except (AzureError, ValueError):
        raise NotReached(
            f"Entra gives no token for {audience}.", "Sign in with `az login`, then repeat."
        ) from None

"""Which app a command means, and with what it signs in: the first of these that says so.

    --app ADDRESS       with --key or the key of the environment, or that of the address' profile
    --profile NAME
    TUNEDROP_APP        with TUNEDROP_KEY or TUNEDROP_FUNCTION_KEY
    TUNEDROP_PROFILE
    a stack of `dev.py up` or `demo` that runs in this folder or in one around it
    the profile of the last `tunedrop login`

What is written out goes before the environment, and what is near before what is far. A key of the
environment is for TUNEDROP_APP or --app: it is never sent to the app of a profile. Asks no app.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunedrop.errors import CommandError, NotReached
from tunedrop.profiles import (
    Profile,
    Profiles,
    checked_address,
    checked_key,
    chosen_in_environment,
    trimmed,
)

STACK = Path(".local/stack.json")  # of `dev.py up` or `demo`
KEY_VARIABLES = ("TUNEDROP_KEY", "TUNEDROP_FUNCTION_KEY")
STORAGE_VARIABLES = ("TunedropStorage__blobServiceUri",)
NO_STACK = "no stack runs in this folder or one around it."
THE_STACK = "the stack that runs here"

Token = Callable[[], str]

_chosen = {"profile": ""}  # of the command that is being called; a shell asks in a thread


@dataclass(frozen=True)
class Connection:
    """`key`: of the app, or of its Functions host; `host_key`: of the host, where that is another;
    `master_key`: what the host shows its own state for. `token` makes what is sent as Bearer.
    `said_by`: what has chosen this app, in words."""

    url: str
    said_by: str
    key: str = field(default="", repr=False)
    host_key: str = field(default="", repr=False)
    master_key: str = field(default="", repr=False)
    token: Token | None = field(default=None, repr=False)
    storage: str = field(default="", repr=False)

    @property
    def is_stack(self) -> bool:
        return self.said_by == THE_STACK

    def storage_for(self, asked: str) -> str:
        """Where its datasets are. The environment's storage is that of TUNEDROP_APP; empty if it is
        not known."""
        return _typed(asked, STORAGE_VARIABLES) or self.storage or asked


def choose_profile(name: str) -> None:
    """Of `--profile`, for the command that is being called."""
    _chosen["profile"] = name


def is_profile_chosen() -> bool:
    return bool(_chosen["profile"])


def connection(address: str = "", key: str = "") -> Connection:
    """`address` and `key` as options or the environment give them. Raises CommandError, also for
    what a key must not be sent to and for what is none: a message of a library would show it."""
    key = checked_key(key)
    asked, in_environment = trimmed(address), trimmed(os.environ.get("TUNEDROP_APP", ""))
    name = _chosen["profile"]
    if asked and asked != in_environment:
        if name:
            raise CommandError("--app and --profile exclude each other.", "Give one of them.")
        return _at(asked, "--app", key)
    if name:
        return _by_profile(Profiles.load().named(name), "--profile", _typed(key))
    if asked:
        return _at(asked, "TUNEDROP_APP", key)
    if name := chosen_in_environment():
        return _by_profile(Profiles.load().named(name), "TUNEDROP_PROFILE", _typed(key))
    if stack := local_stack():
        return _of_stack(stack, _typed(key))
    profiles = Profiles.load()
    if not profiles.current:
        known = ", ".join(f"`tunedrop login --profile {one.name}`" for one in profiles.known)
        raise CommandError(
            f"no app is known here: {NO_STACK}",
            "Start one with `python3 dev.py up` and stay in its checkout, or sign in to an app "
            f"with {known or '`tunedrop login ADDRESS`'}.",
        )
    return _by_profile(profiles.named(profiles.current), "the last login", _typed(key))


def to_stack(key: str = "") -> Connection:
    """The stack that runs here, and nothing else. Raises CommandError."""
    key = checked_key(key)
    if stack := local_stack():
        return _of_stack(stack, _typed(key))
    raise CommandError(NO_STACK, "Start one with `python3 dev.py up`, and stay in its checkout.")


def local_stack() -> dict[str, Any] | None:
    """Addresses and keys of the stack that runs in this folder or in one around it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        with suppress(OSError, ValueError, TypeError):
            return dict(json.loads((folder / STACK).read_text(encoding="utf-8")))
    return None


def _typed(value: str, variables: tuple[str, ...] = KEY_VARIABLES) -> str:
    """What an option says, unless it is the environment that says so."""
    return "" if value.strip() in map(_in_environment, variables) else value


def _in_environment(name: str) -> str:
    return os.environ.get(name, "").strip()


def variable_of(key: str) -> str:
    """Which variable of the environment a key stands in; empty for none."""
    return next((name for name in KEY_VARIABLES if key and _in_environment(name) == key), "")


def _at(url: str, said_by: str, key: str) -> Connection:
    """An address that may also have a profile, whose key is sent where none is given. Raises
    CommandError."""
    url = checked_address(url)
    if not key:
        with suppress(CommandError, OSError):  # an address needs no profile
            if profile := Profiles.load().of_address(url):
                return _by_profile(profile, said_by, "")
    return Connection(url, said_by, key)


def _of_stack(stack: dict[str, Any], key: str) -> Connection:
    def entry(name: str) -> str:
        return str(stack.get(name) or "")

    return Connection(
        entry("app_url"),
        THE_STACK,
        key or entry("app_key"),
        key or entry("function_key"),
        key or entry("master_key"),
        storage=entry("storage"),
    )


def _by_profile(profile: Profile, said_by: str, key: str) -> Connection:
    told = f"profile {profile.name} ({said_by})"
    if profile.resource and not key:
        return Connection(
            profile.url, told, token=token_for(profile.resource), storage=profile.storage
        )
    key = key or Profiles.load().keys.find(profile.name)
    return Connection(profile.url, told, key, storage=profile.storage)


def token_for(resource: str) -> Token:
    """Of whoever is signed in to Entra here: by `az login`, a managed identity, the environment."""
    kept: list[str] = []

    def token() -> str:
        if not kept:
            kept.append(_entra_token(resource))
        return kept[0]

    return token


def _entra_token(resource: str) -> str:
    """Raises NotReached."""
    import logging

    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import DefaultAzureCredential

    logging.getLogger("azure").setLevel(logging.CRITICAL)  # pages on who is not signed in
    try:
        return DefaultAzureCredential().get_token(f"{resource}/.default").token
    except ClientAuthenticationError:
        raise NotReached(
            f"Entra gives no token for {resource}.",
            f"Sign in with `az login`, then try `az account get-access-token --scope "
            f"{resource}/.default`: it says what is missing.",
        ) from None

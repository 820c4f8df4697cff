"""The host's options: host.json, local.settings.json, the environment, the host id.

Knows nothing of functions; everything else in this package gets its options from here.
"""

import hashlib
import json
import logging
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger("Host.Startup")

HOST_ID_SETTING = "AzureFunctionsWebHost__hostid"
LOG_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which and what to do."""


@dataclass(frozen=True)
class Settings:
    """The options of host.json that this host honours, with the real host's defaults."""

    folder: Path
    host_id: str
    route_prefix: str
    log_level: int
    poison_blob_threshold: int
    max_degree_of_parallelism: int


def load_settings(folder: Path) -> Settings:
    """Read both files of the app folder; Values of local.settings.json land in the environment."""
    _apply_local_settings(folder / "local.settings.json")
    host = _host_json(folder / "host.json")
    cores = os.cpu_count() or 1
    prefix = str(_option(host, "extensions.http.routePrefix", "api"))
    return Settings(
        folder=folder,
        host_id=host_id(folder),
        route_prefix=prefix.strip("/"),
        log_level=_log_level(_option(host, "logging.logLevel.default", "Information")),
        poison_blob_threshold=_count(host, "extensions.blobs.poisonBlobThreshold", 5),
        max_degree_of_parallelism=_count(
            host, "extensions.blobs.maxDegreeOfParallelism", 8 * cores
        ),
    )


def resolve(text: str) -> str:
    """Replace every `%SETTING%`, as the host does in schedules, routes and paths."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise SettingsError(f"'%{name}%' does not resolve: there is no setting named '{name}'.")
        return os.environ[name]

    return re.sub(r"%([^%\s]+)%", value, text)


def connection_string(name: str) -> str:
    """The connection string behind a trigger's `connection`, found in the real host's order."""
    for candidate in (name, f"AzureWebJobs{name}"):
        if value := os.environ.get(candidate):
            return value
    if any(key.startswith(f"{name}__") for key in os.environ):
        raise SettingsError(
            f"The connection '{name}' is identity-based ('{name}__...'); on a laptop set '{name}' "
            "to a connection string."
        )
    raise SettingsError(
        f"There is no setting named '{name}'; set it to a storage connection string."
    )


def host_id(folder: Path) -> str:
    """The id that names this app's queue and timer records; unset, it changes with the folder."""
    if explicit := os.environ.get(HOST_ID_SETTING):
        return explicit.lower()
    # Same shape as the real one, machine name and a hash of the path, at most 32 characters.
    machine = re.sub(r"[^a-z0-9]", "", socket.gethostname().lower()) or "local"
    digest = int.from_bytes(hashlib.sha256(str(folder).encode()).digest()[:4])
    return f"{machine}-{digest}"[:32].rstrip("-")


def _apply_local_settings(path: Path) -> None:
    if not path.exists():
        return
    content = _read_json(path)
    # Core Tools reads a file without this key as encrypted.
    if content.get("IsEncrypted", True):
        raise SettingsError(
            f'{path.name} must say "IsEncrypted": false; this host cannot decrypt it.'
        )
    values = content.get("Values", {})
    if not isinstance(values, dict):
        raise SettingsError(f'{path.name}: "Values" must be an object.')
    for name, value in values.items():
        if not isinstance(value, str):
            raise SettingsError(f"{path.name}: the value of '{name}' must be a string.")
        if name in os.environ:
            log.info(
                "Skipping '%s' from local settings as it's already defined in current "
                "environment variables.",
                name,
            )
        else:
            os.environ[name] = value


def _host_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise SettingsError(f"There is no host.json in {path.parent}; is this a Functions app?")
    content = _read_json(path)
    if content.get("version") != "2.0":
        raise SettingsError('host.json must hold "version": "2.0".')
    prefix = "azurefunctionsjobhost__"
    for name, value in os.environ.items():
        if name.lower().startswith(prefix):
            _override(content, name[len(prefix) :].split("__"), value)
    return content


def _override(tree: dict[str, Any], keys: list[str], value: str) -> None:
    """Put one `AzureFunctionsJobHost__a__b` value into the tree; keys ignore case, as in .NET."""
    *parents, last = keys
    for key in parents:
        tree = tree.setdefault(_same_key(tree, key), {})
        if not isinstance(tree, dict):
            name = "__".join(keys)
            raise SettingsError(f"AzureFunctionsJobHost__{name}: {key} is no object in host.json.")
    tree[_same_key(tree, last)] = value


def _same_key(tree: dict[str, Any], key: str) -> str:
    return next((known for known in tree if known.lower() == key.lower()), key)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path.name} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name} must hold a JSON object.")
    return content


def _option(tree: dict[str, Any], dotted: str, default: object) -> object:
    found: Any = tree
    for key in dotted.split("."):
        if not isinstance(found, dict):
            return default
        found = found.get(_same_key(found, key))
    return default if found is None else found


def _count(tree: dict[str, Any], dotted: str, default: int) -> int:
    value = _option(tree, dotted, default)
    if str(value).isdigit() and int(str(value)) > 0:
        return int(str(value))
    raise SettingsError(f"host.json: {dotted} must be a whole number above 0, not {value!r}.")


def _log_level(name: object) -> int:
    try:
        return LOG_LEVELS[str(name).lower()]
    except KeyError:
        raise SettingsError(
            f"host.json: logging.logLevel.default is {name!r}; use one of {', '.join(LOG_LEVELS)}."
        ) from None

"""The ports of a stack's parts: the same from one start to the next, unless somebody has taken one.

Programs beside the stack (a storage explorer, a notebook) need no new addresses each time. Listens
on nothing: a port may still be taken by another process before its part does.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from local import private, processes

NAMES = ("openai", "blob", "queue", "table")
HIGHEST = 65_535


def kept(state: Path) -> dict[str, int]:
    """A port for each part, all different. Raises OSError."""
    before, chosen = _read(state / "ports.json"), dict[str, int]()
    for name in NAMES:
        port = processes.free_port(before.get(name, 0))
        while port in chosen.values():
            port = processes.free_port()
        chosen[name] = port
    if chosen != before:
        private.write_text(state / "ports.json", json.dumps(chosen))
    return chosen


def forwarded(port: int, environ: Mapping[str, str]) -> list[str]:
    """Options of a server whose port GitHub Codespaces forwards: the name that browsers call it by.
    https://docs.github.com/codespaces/developing-in-a-codespace/default-environment-variables-for-your-codespace
    """
    name = environ.get("CODESPACE_NAME", "")
    domain = environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "")
    return ["--allow-host", f"{name}-{port}.{domain}"] if name and domain else []


def _read(path: Path) -> dict[str, int]:
    """Nothing of a file that is not as it was written: then all ports are new."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        ports = {name: known[name] for name in NAMES}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    every = all(type(port) is int and 0 < port <= HIGHEST for port in ports.values())
    return ports if every else {}

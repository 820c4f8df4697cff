"""A stack as others find it: `stack.json`, while it runs, and its keys, which live on.

Both are written whole or not at all and checked when they are read. Starts and stops nothing.
"""

import http.client
import json
import secrets
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local import private
from local.errors import StackError
from local.processes import Pid

SHORTEST_KEY, LONGEST_KEY = 12, 200  # characters; ours have 35


@dataclass
class Stack:
    """A running stack, as written to `.local/stack.json`."""

    app_url: str
    chat_url: str
    console_url: str
    openai_url: str
    storage: str  # a connection string; storage's keys are public constants of Azurite
    app_key: str
    base_deployment: str
    owner: Pid
    function_key: str = ""  # of the Functions host, with `keys`
    master_key: str = ""  # of the Functions host, which opens its own state
    core_tools: str = ""  # the path of `func`, where it runs the app
    telemetry: str = ""  # the folder of the app's spans, metrics and logs, with `otel`
    pids: dict[str, Pid] = field(default_factory=dict)

    @classmethod
    def read(cls, state: Path) -> "Stack | None":
        """None if there is none, or one that is not as it was written."""
        try:
            known = json.loads((state / "stack.json").read_text(encoding="utf-8"))
            pids = {name: _pid(pid) for name, pid in known.pop("pids").items()}
            owner = _pid(known.pop("owner"))
            if not all(isinstance(value, str) for value in known.values()):
                return None
            return cls(**known, owner=owner, pids=pids)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def write(self, state: Path) -> None:
        """Raises OSError."""
        private.write_text(state / "stack.json", json.dumps(asdict(self), indent=2))

    @property
    def dead(self) -> list[str]:
        """Names of the parts that have ended."""
        return [name for name, pid in self.pids.items() if pid.process() is None]

    @property
    def alive(self) -> bool:
        return self.owner.process() is not None and answers(f"{self.app_url}/api/health")


def _pid(known: dict[str, Any]) -> Pid:
    pid, started = known["pid"], known["started"]
    if type(pid) is not int or not 0 < pid < 2**31 or not isinstance(started, int | float):
        raise ValueError("no process")
    return Pid(pid, started)


def answers(url: str) -> bool:
    """Whether 200 comes from there; what comes may be no HTTP at all."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (OSError, ValueError, http.client.HTTPException):
        return False


def key_of(state: Path, name: str) -> str:
    """One key for as long as the state lives, so that clients need not be told again.

    An empty file holds no key that anybody knows, so it gets one. Raises StackError for one that
    holds something else than a key, and OSError.
    """
    path = state / name
    text = _read(path)
    if not text:
        key = f"td-{secrets.token_urlsafe(24)}"
        private.write_text(path, key)
        return key
    if not (SHORTEST_KEY <= len(text) <= LONGEST_KEY and text.isascii() and _is_a_word(text)):
        raise StackError(
            f"{path} holds no key: a key is one word of {SHORTEST_KEY} to {LONGEST_KEY} ASCII "
            "characters. Delete the file, and the same command makes a new one."
        )
    private.close(path)
    return text


def _is_a_word(text: str) -> bool:
    return text.isprintable() and " " not in text


def _read(path: Path) -> str:
    """Without the blanks around it, which an editor leaves. A start of a file is enough."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_KEY + 100).decode("utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""

"""Trouble by name: what can be armed, how often it strikes, and where. Carries out none of it.

A fault is armed for a number of calls or with a probability, for one operation or a pattern of
them ("files.*"). Two kinds: those of a call (`trouble.py` carries them out around any operation)
and those of a thing in the making (the room that makes it asks `take` and remembers).
"""

import random
import threading
import uuid
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .errors import invalid
from .journal import current_call
from .operations import NAMES
from .store import Document, Store

ANY = ("*",)
CHAT = ("chat.create",)
FILES = ("files.create", "files.import", "uploads.complete")
JOBS = ("jobs.create",)
WRITES = ("deployments.put", "deployments.patch", "deployments.delete")
PUT = ("deployments.put",)


@dataclass(frozen=True)
class Kind:
    """`operations`: those that it can strike; `options`: what can be said of it, with defaults."""

    operations: tuple[str, ...]
    says: str
    options: dict[str, Any] = field(default_factory=dict)


CALL_FAULTS = {
    "error-before": Kind(ANY, "500, and nothing was done", {"status": 500}),
    "error-after": Kind(ANY, "500 although it was done", {"status": 500}),
    "reset-before": Kind(ANY, "connection reset, and nothing was done"),
    "reset-after": Kind(ANY, "connection reset although it was done"),
    "throttled": Kind(ANY, "429 with Retry-After in seconds", {"retry_after": 1}),
    "throttled-ms": Kind(ANY, "429 with retry-after-ms", {"retry_after_ms": 200}),
    "throttled-date": Kind(ANY, "429 with Retry-After as an HTTP date", {"retry_after": 1}),
    "unavailable": Kind(ANY, "503 with Retry-After", {"retry_after": 1}),
    "denied": Kind(ANY, "401 PermissionDenied, as before a role has spread"),
    "slow": Kind(ANY, "the answer comes late (real seconds)", {"seconds": 1.0}),
}
MADE_FAULTS = {
    "file-stuck": Kind(FILES, "the file stays pending"),
    "file-error": Kind(FILES, "the file ends with status error", {"detail": ""}),
    "job-stuck": Kind(JOBS, "the job stays in the queue"),
    "job-failed": Kind(JOBS, "the job fails in the middle of training"),
    "job-unsafe-data": Kind(JOBS, "the job fails the safety check of its training data"),
    "job-unsafe-model": Kind(JOBS, "the job trains, then fails the safety check of the model"),
    "request-conflict": Kind(WRITES, "409 RequestConflict"),
    "insufficient-quota": Kind(("deployments.put", "deployments.patch"), "400 InsufficientQuota"),
    "not-ready": Kind(PUT, "Succeeded, but chat goes on answering 404"),
    "provisioning-failed": Kind(PUT, "provisioningState ends as Failed"),
    "provisioning-stuck": Kind(PUT, "provisioningState stays Creating"),
    "deployment-paused": Kind(CHAT, "423, as of a paused deployment"),
    "model-retired": Kind(CHAT, "410, as of a retired model"),
    "slow-first-token": Kind(CHAT, "the first token comes late (real seconds)", {"seconds": 1.0}),
    "stream-cut": Kind(CHAT, "a streamed answer breaks off", {"after_chunks": 3}),
}
CATALOGUE = CALL_FAULTS | MADE_FAULTS


class Faults:
    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, threading.Lock()

    # ---- arming ------------------------------------------------------------------------------

    def arm(self, wanted: dict[str, Any]) -> Document:
        """{"fault", "operation"?, "count"? (null: until disarmed), "probability"?, "seed"?} and
        the fault's own options."""
        name = wanted.get("fault")
        kind = CATALOGUE.get(name) if isinstance(name, str) else None
        if kind is None:
            raise invalid(f"There is no fault {name!r}; there are: {', '.join(CATALOGUE)}.")
        fault: Document = {
            "id": f"fault-{uuid.uuid4().hex[:8]}",
            "fault": name,
            "operation": _operation(wanted.get("operation"), str(name), kind),
            "count": _count(wanted),
            "probability": _probability(wanted.get("probability", 1)),
            "seed": wanted.get("seed", 0),
            "options": _options(wanted, kind),
            "met": 0,  # calls that it could have struck
            "struck": 0,
        }
        return self._store.put("fault", fault["id"], fault)

    def armed(self) -> list[Document]:
        return self._store.family("fault")

    def disarm(self, fault_id: str) -> bool:
        return self._store.delete("fault", fault_id)

    def clear(self) -> None:
        self._store.delete_family("fault", "")

    # ---- striking ----------------------------------------------------------------------------

    def take(self, *names: str) -> Document | None:
        """The first armed fault of these that strikes the call under way; the journal shows it."""
        call = current_call()
        if call is None:
            return None
        with self._lock:
            for fault in self.armed():
                aimed = fault["fault"] in names and fnmatchcase(call.operation, fault["operation"])
                if aimed and self._strikes(fault):
                    call.fault = fault["fault"]
                    return fault
        return None

    def _strikes(self, fault: Document) -> bool:
        if fault["count"] is not None and fault["struck"] >= fault["count"]:
            return False
        fault["met"] += 1
        # From seed and count alone, so that a run with the same calls has the same luck.
        chance = random.Random(f"{fault['seed']}:{fault['met']}").random()
        struck = bool(chance < fault["probability"])
        fault["struck"] += struck
        self._store.put("fault", fault["id"], fault)
        return struck


def _operation(value: object, name: str, kind: Kind) -> str:
    """A name or pattern that meets at least one operation that the fault can strike."""
    if value is None:
        return "*"
    possible = [op for op in NAMES if any(fnmatchcase(op, pattern) for pattern in kind.operations)]
    if not isinstance(value, str) or not any(fnmatchcase(op, value) for op in possible):
        raise invalid(f"{name} cannot strike {value!r}; it can strike: {', '.join(possible)}.")
    return value


def _count(wanted: dict[str, Any]) -> int | None:
    # A probability alone means: again and again.
    count = wanted.get("count", None if "probability" in wanted else 1)
    if count is None or (isinstance(count, int) and not isinstance(count, bool) and count > 0):
        return count
    raise invalid(f"count must be a positive whole number or null, not {count!r}.")


def _probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise invalid(f"probability must be a number from 0 to 1, not {value!r}.")
    return value


def _options(wanted: dict[str, Any], kind: Kind) -> dict[str, Any]:
    common = {"fault", "operation", "count", "probability", "seed"}
    given = {key: value for key, value in wanted.items() if key not in common}
    for key, value in given.items():
        if key not in kind.options:
            known = ", ".join([*sorted(common), *kind.options])
            raise invalid(f"This fault has no option {key!r}; it has: {known}.")
        default = kind.options[key]
        expected = (str,) if isinstance(default, str) else (int, float)
        if isinstance(value, bool) or not isinstance(value, expected):
            raise invalid(f"{key} must be like {default!r}, not {value!r}.")
        low, high = (500, 599) if key == "status" else (0, 3600)
        if not isinstance(value, str) and not low <= value <= high:
            raise invalid(f"{key} must be between {low} and {high}, not {value!r}.")
    return {**kind.options, **given}

"""Faults by name: which can be armed, how often they strike, and where. Carries out none of them.

A fault is armed for a number of calls or with a probability, for one operation or a pattern of
them ("files.*"). There are faults of a call (the middleware `fault_injection` carries them out,
around any operation) and faults of a thing that is made, such as a file or a job (the part that
makes it calls `trigger`, and stores the fault with it).
"""

import random
import threading
import uuid
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from .errors import invalid
from .journal import current_call
from .operations import NAMES
from .store import Document, Store

ANY = ("*",)
ASKED = ("chat.*", "responses.*", "completions.*", "embeddings.*")
DATA = ("files.*", "uploads.*", "jobs.*", "models.*", *ASKED)
CHAT = ("chat.create", "responses.create", "completions.create")
ANSWERED = (*CHAT, "embeddings.create")
FILES = ("files.create", "files.import", "uploads.complete")
JOBS = ("jobs.create",)
WRITES = ("deployments.put", "deployments.patch", "deployments.delete")
PUT = ("deployments.put",)


@dataclass(frozen=True)
class FaultKind:
    """`operations`: those that it can strike; `options`: its parameters, with defaults."""

    operations: tuple[str, ...]
    description: str
    options: dict[str, Any] = field(default_factory=dict)

    def can_strike(self, operation: str) -> bool:
        return any(fnmatchcase(operation, pattern) for pattern in self.operations)


CALL_FAULTS = {
    "error-before": FaultKind(ANY, "500, and nothing was done", {"status": 500}),
    "error-after": FaultKind(ANY, "500 although it was done", {"status": 500}),
    "reset-before": FaultKind(ANY, "connection reset, and nothing was done"),
    "reset-after": FaultKind(ANY, "connection reset although it was done"),
    "throttled": FaultKind(ANY, "429 with Retry-After in seconds", {"retry_after": 1}),
    "throttled-ms": FaultKind(ANY, "429 with retry-after-ms", {"retry_after_ms": 200}),
    "throttled-date": FaultKind(ANY, "429 with Retry-After as an HTTP date", {"retry_after": 1}),
    "unavailable": FaultKind(ANY, "503 with Retry-After", {"retry_after": 1}),
    "denied": FaultKind(ANY, "401 PermissionDenied, as before a role has spread"),
    "firewall": FaultKind(DATA, "403: the account's firewall does not let the caller in"),
    "virtual-network": FaultKind(DATA, "403: the account wants another endpoint of its network"),
    "public-access-disabled": FaultKind(DATA, "403: the account has private endpoints only"),
    "resource-blocked": FaultKind(DATA, "403: the service has blocked the account for a while"),
    "disallowed-by-policy": FaultKind(
        ("deployments.put", "deployments.patch"), "403: a policy of the subscription forbids it"
    ),
    "slow": FaultKind(ANY, "the answer comes late (real seconds)", {"seconds": 1.0}),
}
MADE_FAULTS = {
    "file-stuck": FaultKind(FILES, "the file stays pending"),
    "file-error": FaultKind(FILES, "the file ends with status error", {"detail": ""}),
    "job-stuck": FaultKind(JOBS, "the job stays in the queue"),
    "job-failed": FaultKind(JOBS, "the job fails in the middle of training"),
    "job-unsafe-data": FaultKind(JOBS, "the job fails the safety check of its training data"),
    "job-unsafe-model": FaultKind(JOBS, "the job trains, then fails the safety check of the model"),
    "request-conflict": FaultKind(WRITES, "409 RequestConflict"),
    "insufficient-quota": FaultKind(
        ("deployments.put", "deployments.patch"), "400 InsufficientQuota"
    ),
    "not-ready": FaultKind(PUT, "Succeeded, but chat goes on answering 404"),
    "provisioning-failed": FaultKind(PUT, "provisioningState ends as Failed"),
    "provisioning-canceled": FaultKind(PUT, "provisioningState ends as Canceled"),
    "provisioning-stuck": FaultKind(PUT, "provisioningState stays Creating"),
    "deployment-paused": FaultKind(ANSWERED, "423, as of a paused deployment"),
    "model-retired": FaultKind(ANSWERED, "410, as of a retired model"),
    "slow-first-token": FaultKind(
        CHAT, "the first token comes late (real seconds)", {"seconds": 1.0}
    ),
    "response-lost": FaultKind(
        ("responses.create",), "a response that was to be stored is not found afterwards"
    ),
    "stream-cut": FaultKind(CHAT, "a streamed answer breaks off", {"after_chunks": 3}),
}
FAULT_KINDS = CALL_FAULTS | MADE_FAULTS


@dataclass(frozen=True)
class Fault:
    """A fault that is armed, as it is stored and as the controls show it."""

    id: str
    fault: str  # its name
    operation: str
    count: int | None  # None: until it is disarmed
    probability: float
    seed: object
    options: dict[str, Any]
    met: int = 0  # calls that it could have struck
    struck: int = 0


class Faults:
    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, threading.Lock()

    # ---- arming ------------------------------------------------------------------------------

    def arm(self, request: dict[str, Any]) -> Document:
        """{"fault", "operation"?, "count"? (null: until disarmed), "probability"?, "seed"?} and
        the fault's own options."""
        name = request.get("fault")
        kind = FAULT_KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise invalid(f"There is no fault {name!r}; there are: {', '.join(FAULT_KINDS)}.")
        fault = Fault(
            id=f"fault-{uuid.uuid4().hex[:8]}",
            fault=str(name),
            operation=_operation(request.get("operation"), str(name), kind),
            count=_count(request),
            probability=_probability(request.get("probability", 1)),
            seed=request.get("seed", 0),
            options=_options(request, kind),
        )
        return self._save(fault)

    def armed(self) -> list[Document]:
        return self._store.family("fault")

    def disarm(self, fault_id: str) -> bool:
        return self._store.delete("fault", fault_id)

    def clear(self) -> None:
        self._store.delete_family("fault", "")

    # ---- striking ----------------------------------------------------------------------------

    def trigger(self, *names: str) -> Fault | None:
        """The first armed fault of these that strikes the call under way; the journal shows it."""
        call = current_call()
        if call is None:
            return None
        with self._lock:
            for fault in (Fault(**document) for document in self.armed()):
                aimed = fault.fault in names and fnmatchcase(call.operation, fault.operation)
                if aimed and self._strikes(fault):
                    call.fault = fault.fault
                    return fault
        return None

    def _strikes(self, fault: Fault) -> bool:
        if fault.count is not None and fault.struck >= fault.count:
            return False
        met = fault.met + 1
        # From seed and count alone, so that a run with the same calls is struck at the same ones.
        struck = random.Random(f"{fault.seed}:{met}").random() < fault.probability
        self._save(replace(fault, met=met, struck=fault.struck + struck))
        return struck

    def _save(self, fault: Fault) -> Document:
        return self._store.put("fault", fault.id, asdict(fault))


def _operation(value: object, name: str, kind: FaultKind) -> str:
    """A name or pattern that meets at least one operation that the fault can strike."""
    if value is None:
        return "*"
    possible = [op for op in NAMES if kind.can_strike(op)]
    if not isinstance(value, str) or not any(fnmatchcase(op, value) for op in possible):
        raise invalid(f"{name} cannot strike {value!r}; it can strike: {', '.join(possible)}.")
    return value


def _count(request: dict[str, Any]) -> int | None:
    # A probability alone means: without a limit.
    count = request.get("count", None if "probability" in request else 1)
    if count is None or (isinstance(count, int) and not isinstance(count, bool) and count > 0):
        return count
    raise invalid(f"count must be a positive whole number or null, not {count!r}.")


def _probability(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise invalid(f"probability must be a number from 0 to 1, not {value!r}.")
    return value


def _options(request: dict[str, Any], kind: FaultKind) -> dict[str, Any]:
    common = {"fault", "operation", "count", "probability", "seed"}
    given = {key: value for key, value in request.items() if key not in common}
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

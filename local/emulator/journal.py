"""Every call with what it changed: by this, tests count effects instead of trusting answers.

A room that changes something says so with `note`; the middleware knows which call it was. What
happens without a call (a training that ends, a deployment whose time is up) becomes an entry with
the operation "service". Knows no room and no fault.
"""

import threading
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .clock import Clock
from .operations import family_of, name_of
from .store import Document, Store

KEPT_ENTRIES = 20_000
BACKGROUND = "service"


@dataclass
class Call:
    """A call under way."""

    operation: str
    family: str
    method: str
    path: str
    effects: list[dict[str, str]] = field(default_factory=list)
    fault: str | None = None


# Threads of Starlette's pool see the call that sent them; threads of our own see none.
_call: ContextVar[Call | None] = ContextVar("call", default=None)


def current_call() -> Call | None:
    return _call.get()


class Journal:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._lock = store, clock, threading.Lock()
        newest = store.newest("journal")
        self._last = int(newest["number"]) if newest else 0

    def note(self, kind: str, subject: str, change: str) -> None:
        """`kind` of thing, its id or name, and what became of it: created, deleted, ..."""
        effect = {"kind": kind, "id": subject, "change": change}
        call = _call.get()
        if call is not None:
            call.effects.append(effect)
        else:
            self.write({"operation": BACKGROUND, "status": None, "effects": [effect]})

    def write(self, entry: Document) -> None:
        with self._lock:
            self._last += 1
            whole = {"number": self._last, "at": self._clock.now(), **entry}
            self._store.put("journal", str(self._last), whole)
            if self._last % 1000 == 0:
                self._store.trim("journal", KEPT_ENTRIES)

    def entries(self, wanted: dict[str, str]) -> list[Document]:
        """Oldest first. `effect` and `change` look at what was changed, `after` at the number; any
        other key must equal the entry's own ("none" stands for no value)."""
        return [entry for entry in self._store.family("journal") if _matches(entry, wanted)]

    def clear(self) -> None:
        self._store.delete_family("journal", "")


def _matches(entry: Document, wanted: dict[str, str]) -> bool:
    own = {k: v for k, v in wanted.items() if k not in ("effect", "change", "id", "after")}
    if int(wanted.get("after") or 0) >= entry["number"]:
        return False
    if any(str(entry.get(k)).lower() != v.lower() for k, v in own.items()):
        return False
    asked = {"kind": wanted.get("effect"), "change": wanted.get("change"), "id": wanted.get("id")}
    asked = {key: value for key, value in asked.items() if value}
    return not asked or any(asked.items() <= effect.items() for effect in entry["effects"])


class Journaled:
    """Middleware: one entry for each call to the service; calls to /_emulator leave none."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app, self._journal = app, journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        family = family_of(scope["path"]) if scope["type"] == "http" else None
        if family is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        method, path = request.method, request.url.path
        call = Call(name_of(method, path), family, method, path)
        recorded = False

        def record(status: int | None) -> None:
            # Before the first byte leaves: who has the answer can already read the entry.
            nonlocal recorded
            if not recorded:
                recorded = True
                self._journal.write({**vars(call), "status": status})

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                record(message["status"])
                message["headers"] = [*message.get("headers", []), _request_id(family)]
            await send(message)

        mark = _call.set(call)
        try:
            await self._app(scope, receive, tell)
        finally:
            _call.reset(mark)
            record(None)  # no answer was ever begun: the connection was reset


def _request_id(family: str) -> tuple[bytes, bytes]:
    """S-V1; ARM has its own name for it."""
    name = b"x-ms-request-id" if family == "arm" else b"apim-request-id"
    return name, str(uuid.uuid4()).encode()

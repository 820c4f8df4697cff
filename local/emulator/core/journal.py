"""Every call with what it changed: by this, tests count effects instead of trusting answers.

A part that changes something reports it with `add_effect`; the call under way is in a context
variable, which the middleware `journal` sets. What happens without a call (a training that ends, a
deployment that expires) becomes an entry with the operation "service". Knows no part and no fault.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from .clock import Clock
from .store import Document, Store

MAX_ENTRIES = 20_000
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


@contextmanager
def calling(call: Call) -> Iterator[None]:
    """Makes it the current call for as long as the block runs."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


class Journal:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock, self._lock = store, clock, threading.Lock()
        newest = store.newest("journal")
        self._last = int(newest["number"]) if newest else 0

    def add_effect(self, kind: str, subject: str, change: str) -> None:
        """`kind` of thing, its id or name, and the change: created, deleted, ..."""
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
                self._store.trim("journal", MAX_ENTRIES)

    def entries(self, filters: dict[str, str]) -> list[Document]:
        """Oldest first. `effect` and `change` look at what was changed, `after` at the number; any
        other key must equal the entry's own ("none" stands for no value)."""
        return [entry for entry in self._store.family("journal") if _matches(entry, filters)]

    def clear(self) -> None:
        self._store.delete_family("journal", "")


def _matches(entry: Document, filters: dict[str, str]) -> bool:
    own = {k: v for k, v in filters.items() if k not in ("effect", "change", "id", "after")}
    if int(filters.get("after") or 0) >= entry["number"]:
        return False
    if any(str(entry.get(k)).lower() != v.lower() for k, v in own.items()):
        return False
    asked = {
        "kind": filters.get("effect"),
        "change": filters.get("change"),
        "id": filters.get("id"),
    }
    asked = {key: value for key, value in asked.items() if value}
    return not asked or any(asked.items() <= effect.items() for effect in entry["effects"])

"""The keys that people have created, as they are in storage, for every request that offers one.

    keys/stored    in the models container; changed by compare-and-swap

A process reads it when a key is offered that may be one of them, and again where what it knows is
older than FRESH_SECONDS: so long a revoked key may go on at most. Storage that cannot be read
leaves the keys that were known last valid for LAST_KNOWN_SECONDS. After that nobody can say whose a
key is, which is another answer than that it is nobody's. Knows no headers and no limits.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.chat.request_ids import utc_now
from shared.chat.stored_keys import NOTHING, By, StoredKey, StoredKeys, Terms, new_key
from shared.cloud.container import Container
from shared.errors import TunedropError, Unavailable

log = logging.getLogger(__name__)

NAME = "keys/stored"
FRESH_SECONDS = 5.0
AHEAD_SECONDS = 3.0  # what is older is read again beside the requests, so that few wait for it
READ_SECONDS = 2.0  # that a request waits for storage
RETRY_SECONDS = 2.0  # after a read that went wrong: not every request waits in vain
LAST_KNOWN_SECONDS = 300.0


class KeysUnknown(Unavailable):
    """Whether a key is one of those that were created cannot be told at the moment."""


@dataclass(frozen=True, slots=True)
class _Known:
    """`as_of`: they were so then, or later; `learned`: a read that began before is older."""

    keys: StoredKeys
    as_of: float
    learned: float


class KeyStore:
    """`clock` is in seconds."""

    def __init__(
        self,
        models: Container,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.models, self.clock, self.now = models, clock, now
        self._known: _Known | None = None
        self._reading: asyncio.Task[None] | None = None
        self._failed_at: float | None = None
        self._problem: TunedropError | None = None  # of the last read, if it went wrong

    async def current(self) -> StoredKeys:
        """The keys as they were within the last FRESH_SECONDS, or where storage cannot be read as
        they were known last. Raises KeysUnknown."""
        age = self._age()
        if age > AHEAD_SECONDS and not self._waits_after_failure():
            reading = self._read_soon()
            if age > FRESH_SECONDS:
                await asyncio.wait({reading})
        if self._known is None or self._age() > LAST_KNOWN_SECONDS:
            raise self._unknown()
        return self._known.keys

    async def read(self) -> StoredKeys:
        """As they are now, for whoever looks at them or changes them. Raises Unavailable."""
        began = self.clock()
        found = await self.models.record(NAME, StoredKeys)
        keys = found[0] if found else StoredKeys()
        # A newer version of the app may have narrowed a key in a way that this one does not see.
        keys.must_be_known(f"{self.models.name}/{NAME}")
        self._learn(keys, began, began)
        return keys

    # ---- changes

    async def create(self, name: str, terms: Terms, who: str, why: str) -> tuple[StoredKey, str]:
        """A new key, and its text, which is told to nobody else. Raises NotNow if the name is
        taken; Unavailable, after which it may be there nevertheless."""
        by = self._by(who, why)
        key, text = new_key(name, terms, by)
        try:
            await self._change(lambda keys: keys.with_key(key, by))
        except Unavailable as error:
            raise Unavailable(
                f"Whether the key {name!r} was created is not known: {error.message}",
                "Look at `tunedrop keys`. If it is there, revoke it, for nobody has its text; then "
                "create it again.",
            ) from error
        _audit("created", key, by)
        return key, text

    async def change_terms(
        self,
        name: str,
        changes: dict[str, Any],
        who: str,
        why: str,
        was: Mapping[str, Any] = NOTHING,
    ) -> StoredKey:
        """Other limits or models for a key; `was`: what it must be until then. Raises NotFound,
        NotNow, Unavailable."""
        by = self._by(who, why)
        changed = await self._change(lambda keys: keys.with_terms(name, changes, by, was))
        key = changed.last_named(name)
        _audit("limited", key, by)
        return key

    async def revoke(
        self, name: str, who: str, why: str, was: Mapping[str, Any] = NOTHING
    ) -> StoredKey:
        """The key is valid no more, in any process, FRESH_SECONDS after this at the latest;
        revoking it once more changes nothing. Raises NotFound, NotNow, Unavailable."""
        by = self._by(who, why)
        key = (await self._change(lambda keys: keys.without(name, by, was))).last_named(name)
        _audit("revoked", key, by)
        return key

    def _by(self, who: str, why: str) -> By:
        return By.of(who, self.now(), why)

    async def _change(self, change: Callable[[StoredKeys], StoredKeys]) -> StoredKeys:
        began = self.clock()
        changed = await self.models.update(
            NAME, StoredKeys, lambda known: change(known or StoredKeys())
        )
        assert changed is not None, "a change of the list is never None"
        self._learn(changed, began, self.clock())
        return changed

    # ---- what is known

    def _age(self) -> float:
        return self.clock() - self._known.as_of if self._known else float("inf")

    def _learn(self, keys: StoredKeys, as_of: float, learned: float) -> None:
        if self._known is None or self._known.learned <= as_of:
            self._known = _Known(keys, as_of, learned)
        if self._problem:
            log.info("the created keys can be read again")
        self._failed_at = self._problem = None

    def _read_soon(self) -> asyncio.Task[None]:
        """The read that is under way, or a new one. With a context of its own: it is no part of a
        chat's trace, and goes on if the request that began it ends."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(
                self._read_within_bounds(), context=contextvars.Context()
            )
        return self._reading

    async def _read_within_bounds(self) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                await self.read()
        except TimeoutError:
            self._note_failure(Unavailable(f"Storage has not answered within {READ_SECONDS:g} s."))
        except TunedropError as error:
            self._note_failure(error)
        except Exception:
            log.exception("reading the created keys went wrong")
            self._note_failure(Unavailable("Reading them went wrong; the log says why."))

    def _note_failure(self, error: TunedropError) -> None:
        if self._problem is None:
            log.warning("the created keys cannot be read: %s", error)
        self._failed_at, self._problem = self.clock(), error

    def _waits_after_failure(self) -> bool:
        return self._failed_at is not None and self.clock() - self._failed_at < RETRY_SECONDS

    def _unknown(self) -> KeysUnknown:
        why = self._problem.message if self._problem else "They have not been read yet."
        return KeysUnknown(
            f"Whether this key is valid cannot be told: the list of created keys cannot be read. "
            f"{why}",
            "Try again in some seconds; whoever operates the app sees to its storage. Keys of the "
            "setting TUNEDROP_APP_KEYS work meanwhile.",
            retry_after=FRESH_SECONDS,
        )


def _audit(what: str, key: StoredKey, by: By) -> None:
    log.info(
        "key %s: %r (%s, id %s) by %s: %s",
        what,
        key.name,
        key.role,
        key.id,
        by.who,
        by.why or "no reason given",
    )

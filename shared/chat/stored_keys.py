"""The list of keys that people have created: what one is, and how the list changes. Pure.

It holds digests and no key. What was done with it, when and by whom stands in it as well, so that a
change and the record of it are one write. Knows neither storage nor requests.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from shared.chat.callers import NARROWED, PerMinute, Role, may_be_narrowed
from shared.cloud.documents import Document, Frozen, Moment
from shared.errors import AccessDenied, CallerError, NotFound, NotNow
from shared.printable import shown

PREFIX = "td-"  # of every key, by which people and scanners for secrets know one
KEY = re.compile(rf"{PREFIX}[0-9a-f]{{64}}")  # 256 bits of chance
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")  # one part of a path
MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")  # of a model or a base deployment
MOST_MODELS, MOST_MODEL_CHARACTERS = 50, 2_000  # that one key names
# A list with all of these has less than the LARGEST_RECORD that is read.
MOST_KEYS = 500  # that are valid at once: each is compared with what a request offers
MOST_REVOKED, MOST_EVENTS = 200, 200  # the oldest are left out
MAX_WHO, MAX_WHY = 200, 300  # characters
KEPT_REVOKED = timedelta(days=90)  # so long its holder is told that a key was revoked

NOTHING: Mapping[str, Any] = MappingProxyType({})

What = Literal["created", "limited", "revoked"]


class Terms(Frozen):
    """What a key may be used for. `models` None means all models; a limit None means no limit."""

    role: Role = Role.CHAT
    models: tuple[str, ...] | None = None
    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None


class StoredKey(Terms):
    """`id` is this key's alone: a name may be given again once its key was revoked."""

    id: str
    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    since: Moment
    by: str
    revoked: Moment | None = None
    revoked_by: str = ""

    def must_be(self, was: Mapping[str, Any]) -> None:
        """Raises NotNow where a field has another value."""
        if any(getattr(self, name) != value for name, value in was.items()):
            raise NotNow(
                f"The key '{shown(self.name)}' is another by now than the order takes it for.",
                "Nothing was changed. Look at it again, then decide again.",
            )


class Revoked(AccessDenied):
    """What the holder of a key is told that was revoked."""

    def __init__(self, name: str, at: datetime) -> None:
        super().__init__(
            f"The key {name!r} was revoked on {at:%Y-%m-%d}.",
            "Ask an operator of the app for another one.",
        )


class Event(Frozen):
    """What was done with a key; `terms` are those that it has had since then."""

    at: Moment
    who: str
    why: str = ""
    what: What
    name: str
    id: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class By:
    """Who changes the list, when and why; shortened."""

    who: str
    at: datetime
    why: str = ""

    @classmethod
    def of(cls, who: str, at: datetime, why: str) -> Self:
        return cls(shown(who, MAX_WHO), at, shown(why, MAX_WHY))


class StoredKeys(Document):
    keys: tuple[StoredKey, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def valid(self) -> tuple[StoredKey, ...]:
        return tuple(key for key in self.keys if key.revoked is None)

    def named(self, name: str) -> StoredKey | None:
        """The valid key of that name."""
        return next((key for key in self.valid if key.name == name), None)

    def with_key(self, key: StoredKey, by: By) -> Self:
        """A copy with one more. Entering the same once more changes nothing. Raises NotNow."""
        known = self.named(key.name)
        if known and known.sha256 == key.sha256:
            return self
        if known:
            raise taken(key.name)
        if len(self.valid) >= MOST_KEYS:
            raise NotNow(
                f"There are {MOST_KEYS} keys already, as many as there may be.",
                "Revoke one that is not used: `tunedrop keys` tells when each was used last.",
            )
        return self._changed((*self.keys, key), "created", key, by)

    def with_terms(
        self, name: str, changes: dict[str, Any], by: By, was: Mapping[str, Any] = NOTHING
    ) -> Self:
        """A copy in which the key has other terms; `was`: those that it must have until then, and
        its id. Raises NotFound, NotNow."""
        known = self._valid(name)
        changed = known.replace(**changes)
        if changed == known:
            return self
        known.must_be(was)
        if "models" in changes:
            check_models(changed.role, changed.models)
        return self._changed(self._with(changed), "limited", changed, by)

    def without(self, name: str, by: By, was: Mapping[str, Any] = NOTHING) -> Self:
        """A copy in which the key is revoked; one that was is left so. Raises NotFound, NotNow."""
        if self.named(name) is None and any(key.name == name for key in self.keys):
            return self
        known = self._valid(name)
        known.must_be(was)
        revoked = known.replace(revoked=by.at, revoked_by=by.who)
        return self._changed(self._with(revoked), "revoked", revoked, by)

    def last_named(self, name: str) -> StoredKey:
        """The newest key of that name, valid or not. Raises NotFound."""
        found = [key for key in self.keys if key.name == name]
        if not found:
            raise no_such(name)
        return self.named(name) or max(found, key=lambda key: key.since)

    def _valid(self, name: str) -> StoredKey:
        if found := self.named(name):
            return found
        if any(key.name == name for key in self.keys):
            raise NotFound(
                f"The key '{shown(name)}' was revoked.", "Create a new one: a key never comes back."
            )
        raise no_such(name)

    def _with(self, changed: StoredKey) -> tuple[StoredKey, ...]:
        return tuple(changed if key.id == changed.id else key for key in self.keys)

    def _changed(self, keys: tuple[StoredKey, ...], what: What, key: StoredKey, by: By) -> Self:
        terms = Terms(**{name: getattr(key, name) for name in Terms.model_fields})
        event = Event(
            at=by.at, who=by.who, why=by.why, what=what, name=key.name, id=key.id, terms=terms
        )
        return self.replace(keys=_kept(keys, by.at), events=(*self.events, event)[-MOST_EVENTS:])


def _kept(keys: tuple[StoredKey, ...], now: datetime) -> tuple[StoredKey, ...]:
    """All that are valid, and the newest of those that were revoked lately."""
    revoked = [key for key in keys if key.revoked and now - key.revoked <= KEPT_REVOKED]
    newest = sorted(revoked, key=lambda key: key.revoked or now)[-MOST_REVOKED:]
    kept = {key.id for key in newest}
    return tuple(key for key in keys if key.revoked is None or key.id in kept)


def new_key(name: str, terms: Terms, by: By) -> tuple[StoredKey, str]:
    """A key that nobody has yet, and its text, which is kept nowhere."""
    text = f"{PREFIX}{secrets.token_hex(32)}"
    key = StoredKey(
        **terms.model_dump(),
        id=secrets.token_hex(6),
        name=name,
        sha256=digest(text),
        since=by.at,
        by=by.who,
    )
    return key, text


def digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def no_such(name: str) -> NotFound:
    return NotFound(f"There is no key '{shown(name)}'.", "`tunedrop keys` lists them.")


def taken(name: str) -> NotNow:
    return NotNow(
        f"There is a key '{shown(name)}' already.",
        "Take another name, or revoke that key first; its text is kept nowhere.",
    )


def check_models(role: Role, models: object) -> None:
    """Raises CallerError."""
    if models is not None and not may_be_narrowed(role):
        raise CallerError(
            f"This key has the role {role}; {NARROWED}.",
            "Leave models out, or create a key of the role chat for them.",
        )


def check_name(name: object) -> str:
    """Raises CallerError."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise CallerError(
            f"'{shown(str(name), 70)}' is no name of a key."
            if name
            else "The key needs a name, by which people and the log tell it.",
            "A name has 1 to 64 letters, digits and . _ @ -, and begins and ends with a letter or "
            "a digit.",
        )
    return name

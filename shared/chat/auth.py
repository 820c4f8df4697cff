"""Who may chat, with which models, and how much: keys of the setting, created ones, and people whom
the platform has signed in.

Closed by default. Limits are kept in this process: with N instances a caller gets up to N times
as much; one limit over all of them needs a gateway in front (see docs/chat.md).
"""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import TypeVar

from starlette.datastructures import Headers

from shared.chat import sign_in
from shared.chat.callers import Caller, KeyHolder
from shared.chat.key_store import KeyStore
from shared.chat.key_usage import KeyUsage
from shared.chat.limits import Limits, Reservation
from shared.chat.origins import Origins
from shared.chat.setting_keys import parse_keys
from shared.chat.stored_keys import KEY, Revoked, StoredKey
from shared.errors import AccessDenied

MAX_KEY_LENGTH = 4096  # characters of a key that is offered; longer ones are not hashed
MAX_LINES = 4  # of one header that are looked at
_OTHER = re.compile(r"(?:basic|digest|negotiate|ntlm)\s", re.IGNORECASE)  # schemes without a key
_SCHEME = re.compile(r"(?:bearer\s+){0,2}", re.IGNORECASE)

Known = TypeVar("Known", KeyHolder, StoredKey)


class Auth:
    """Admits or refuses the requests of one process. `clock` is in seconds. Without a `store` there
    are the keys of the setting alone; without `usage` nothing is counted by key. A sign-in counts
    for pages of the app and for those of `origins`."""

    def __init__(
        self,
        app_keys: str,
        entra_tenant: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        store: KeyStore | None = None,
        usage: KeyUsage | None = None,
        origins: Origins | None = None,
    ) -> None:
        self.callers = parse_keys(app_keys)
        self.tenant = entra_tenant
        self.limits = Limits(clock)
        self.store, self.usage = store, usage
        self.origins = origins or Origins()

    async def admit(self, headers: Mapping[str, str]) -> Caller:
        """The caller of a request; the request is counted against the caller's limit.

        Raises AccessDenied, OtherSite, RateLimitExceeded when a limit is used up, or KeysUnknown
        where it cannot be told whose the key is.
        """
        caller = await self.holder(headers) or self._by_platform_sign_in(headers)
        if caller is None:
            raise await self._denied(headers)
        self.limits.take(caller.name, "requests", caller.requests_per_minute, 1)
        self.limits.take(caller.name, "tokens", caller.tokens_per_minute, 0)
        return caller

    async def holder(self, headers: Mapping[str, str]) -> KeyHolder | None:
        """Who holds the key of a request; nothing is counted. A key of the setting is known without
        a look into storage, and so is that a text has not the form of a created key. Raises
        KeysUnknown."""
        offered = list(chain.from_iterable(_offered_keys(headers).values()))
        if holders := _known(offered, self.callers):
            return holders[0]
        stored = await self._stored(offered)
        return _as_holder(stored) if stored and stored.revoked is None else None

    def reserve(self, caller: Caller, tokens: int, model: str = "") -> Reservation:
        """Take what a request for a model is expected to cost out of the caller's limit, until it
        is settled; what it has cost is counted then. Raises RateLimitExceeded."""
        reservation = self.limits.reserve(caller.name, caller.tokens_per_minute, tokens)
        if self.usage:
            key, id = (caller.name, caller.id) if isinstance(caller, KeyHolder) else ("", "")
            reservation.note = partial(self.usage.note, key, id, model.partition("@")[0])
        return reservation

    def name_of(self, caller: Caller | None) -> str:
        """A caller for a metric: a key's name; signed-in people are too many to be told apart."""
        return caller.name if isinstance(caller, KeyHolder) else "a person" if caller else ""

    async def _stored(self, offered: list[str]) -> StoredKey | None:
        """The created key that is offered, also one that was revoked."""
        formed = [key for key in offered if KEY.fullmatch(key)]
        if not formed or self.store is None:
            return None
        found = _known(formed, (await self.store.current()).keys)
        return next((key for key in found if key.revoked is None), next(iter(found), None))

    async def revoked(self, headers: Mapping[str, str]) -> Revoked | None:
        """What the holder of a key that was revoked is told. Raises KeysUnknown."""
        offered = _offered_keys(headers)
        found = await self._stored(list(chain.from_iterable(offered.values())))
        return Revoked(found.name, found.revoked) if found and found.revoked else None

    async def _denied(self, headers: Mapping[str, str]) -> AccessDenied:
        if revoked := await self.revoked(headers):
            return revoked
        offered = _offered_keys(headers)
        places = " and ".join(offered)
        return AccessDenied(
            f"The key in {places} is none of this app's." if offered else "No key was sent.",
            "Send one of the app's keys as `Authorization: Bearer KEY` or as `api-key: KEY`; "
            "keys of Azure OpenAI or OpenAI are none.",
        )

    def _by_platform_sign_in(self, headers: Mapping[str, str]) -> Caller | None:
        person = sign_in.person(headers, self.tenant)
        if person is None:
            return None
        self.origins.refuse_other_sites(headers)
        return Caller(name=person.id)


def _known(offered: Iterable[str], known: Iterable[Known]) -> list[Known]:
    """The offered keys that are known. Compares each with every key, in constant time, so that
    timing reveals nothing."""
    short = [key for key in offered if len(key) <= MAX_KEY_LENGTH]
    digests = [hashlib.sha256(k.encode("utf-8", "surrogatepass")).hexdigest() for k in short]
    return [
        key
        for digest in digests
        for key in known
        if hmac.compare_digest(key.sha256.lower(), digest)
    ]


def _as_holder(key: StoredKey) -> KeyHolder:
    return KeyHolder(
        name=key.name,
        role=key.role,
        sha256=key.sha256,
        id=key.id,
        models=None if key.models is None else frozenset(key.models),
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
    )


def _offered_keys(headers: Mapping[str, str]) -> dict[str, list[str]]:
    """The keys that a request offers, by their header: clients behind a gateway send its token in
    one and the app's key in another, and some send a word such as `null` where they have none."""
    found = {name: _lines(headers, name) for name in ("authorization", "api-key")}
    keys = {name: [key for key in map(_bare, lines) if key] for name, lines in found.items()}
    keys["authorization"] = [key for key in keys["authorization"] if not _OTHER.match(key)]
    return {name: offered for name, offered in keys.items() if offered}


def _lines(headers: Mapping[str, str], name: str) -> list[str]:
    """Each line of a header: a gateway may add one and leave the caller's."""
    several = isinstance(headers, Headers)
    lines = headers.getlist(name) if several else [headers.get(name, "")]  # type: ignore[attr-defined]
    return lines[:MAX_LINES]


def _bare(line: str) -> str:
    """Without the scheme: some programs leave it out, and with others it is entered as a part of
    the key, before which they write it once more."""
    return _SCHEME.sub("", f"{line.strip()} ", count=1).strip()

"""Who may chat, with which models, and how much: named keys, stored as hashes only.

Closed by default. Limits are kept in this process: with N instances a caller gets up to N times
as much; one limit over all of them needs a gateway in front (see docs/chat.md).
"""

import hashlib
import hmac
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from itertools import chain
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from starlette.datastructures import Headers

from shared.chat import sign_in
from shared.chat.limits import Limits, Reservation
from shared.errors import AccessDenied, SettingError
from shared.printable import printable, shown

SETTING = "TUNEDROP_APP_KEYS"
MAX_KEY_LENGTH = 4096  # characters of a key that is offered; longer ones are not hashed
MAX_LINES = 4  # of one header that are looked at
MAX_LIMIT = 10**9  # a minute's requests or tokens
_OTHER = re.compile(r"(?:basic|digest|negotiate|ntlm)\s", re.IGNORECASE)  # schemes without a key
_SCHEME = re.compile(r"(?:bearer\s+){0,2}", re.IGNORECASE)
# `printf %s "$KEY" | sha256sum` makes one of them where KEY is not set.
EMPTY_DIGESTS = {
    hashlib.sha256(text).hexdigest() for text in (b"", b" ", b"\t", b"\n", b"\r\n", b"\0")
}


def _name(text: str) -> str:
    """A name for logs, answers and the metrics, and never two ways to write it."""
    if text != text.strip() or text != printable(text):
        raise ValueError("blanks at its ends, or control characters")
    return text


Name = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_name)]
PerMinute = Annotated[int, Field(gt=0, le=MAX_LIMIT)]


class Role(StrEnum):
    """What the holder of a key may do: chat only; also see what the management routes show; also
    command."""

    CHAT = "chat"
    READER = "reader"
    OPERATOR = "operator"


class Caller(BaseModel):
    """Somebody who may chat. `models` None means all models; a limit None means no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    models: frozenset[str] | None = None
    requests_per_minute: PerMinute | None = None
    tokens_per_minute: PerMinute | None = None

    def may_use(self, model: str) -> bool:
        """Whoever may use a model may use each of its versions."""
        return self.models is None or model.partition("@")[0] in self.models


class KeyHolder(Caller):
    name: Name
    role: Role = Role.CHAT
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]

    @field_validator("models", "requests_per_minute", "tokens_per_minute", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        """Null is what a template makes of a limit that it does not know, and not a wish."""
        if value is None:
            raise ValueError("null")
        return value


class Auth:
    """Admits or refuses the requests of one process. `clock` is in seconds."""

    def __init__(
        self, app_keys: str, entra_tenant: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.callers = parse_keys(app_keys)
        self.tenant = entra_tenant
        self.limits = Limits(clock)

    def admit(self, headers: Mapping[str, str]) -> Caller:
        """The caller of a request; the request is counted against the caller's limit.

        Raises AccessDenied, or RateLimitExceeded when a limit is used up.
        """
        caller = self.holder(headers) or self._by_platform_sign_in(headers)
        if caller is None:
            offered = _offered_keys(headers)
            places = " and ".join(offered)
            raise AccessDenied(
                f"The key in {places} is none of this app's." if offered else "No key was sent.",
                "Send one of the app's keys as `Authorization: Bearer KEY` or as `api-key: KEY`; "
                "keys of Azure OpenAI or OpenAI are none.",
            )
        self.limits.take(caller.name, "requests", caller.requests_per_minute, 1)
        self.limits.take(caller.name, "tokens", caller.tokens_per_minute, 0)
        return caller

    def holder(self, headers: Mapping[str, str]) -> KeyHolder | None:
        """Who holds the key of a request; nothing is counted."""
        return self._by_key(chain.from_iterable(_offered_keys(headers).values()))

    def reserve(self, caller: Caller, tokens: int) -> Reservation:
        """Take what a chat is expected to cost out of the caller's limit, until it is settled.
        Raises RateLimitExceeded."""
        return self.limits.reserve(caller.name, caller.tokens_per_minute, tokens)

    def name_of(self, caller: Caller | None) -> str:
        """A caller for a metric: a key's name; signed-in people are too many to be told apart."""
        return caller.name if isinstance(caller, KeyHolder) else "a person" if caller else ""

    def _by_key(self, offered: Iterable[str]) -> KeyHolder | None:
        """The holder of the first offered key that is known. Compares each with every key, in
        constant time, so that timing reveals nothing."""
        short = [key for key in offered if len(key) <= MAX_KEY_LENGTH]
        digests = [hashlib.sha256(k.encode("utf-8", "surrogatepass")).hexdigest() for k in short]
        matches = [
            caller
            for digest in digests
            for caller in self.callers
            if hmac.compare_digest(caller.sha256.lower(), digest)
        ]
        return matches[0] if matches else None

    def _by_platform_sign_in(self, headers: Mapping[str, str]) -> Caller | None:
        person = sign_in.person(headers, self.tenant)
        return Caller(name=person.id) if person else None


def parse_keys(app_keys: str) -> list[KeyHolder]:
    """NAME:SHA256 separated by commas, or a JSON list of callers. Raises SettingError."""
    try:
        if app_keys.lstrip().startswith("["):
            holders = TypeAdapter(list[KeyHolder]).validate_json(
                app_keys.encode("utf-8", "surrogatepass")
            )
        else:
            entries = [part.strip().partition(":") for part in app_keys.split(",") if part.strip()]
            holders = [KeyHolder(name=name, sha256=digest) for name, _, digest in entries]
    except ValidationError as error:
        # The value itself may be a key that somebody has pasted: it is not repeated.
        places = {".".join(map(str, problem["loc"])) for problem in error.errors()}
        raise SettingError(
            f"{SETTING} cannot be read: {shown(', '.join(sorted(places)), 200)}.",
            "Give NAME:SHA256 with the SHA-256 of each key in hexadecimal, not the key itself. A "
            "limit that is not wanted is left out; it cannot be null.",
        ) from None
    _refuse_empty_keys(holders)
    _refuse_doubles(holders)
    return holders


def _refuse_empty_keys(holders: list[KeyHolder]) -> None:
    for holder in holders:
        if holder.sha256.lower() in EMPTY_DIGESTS:
            raise SettingError(
                f"{SETTING}: the digest of {holder.name!r} is that of an empty text, which "
                '`printf %s "$KEY" | sha256sum` makes where KEY is not set.',
                "Set KEY to the key and make its digest again.",
            )


def _refuse_doubles(holders: list[KeyHolder]) -> None:
    """Two of one name would share a limit; of two with one key the first would decide for both."""
    for word, values in (
        ("name", [holder.name for holder in holders]),
        ("digest", [holder.sha256.lower() for holder in holders]),
    ):
        value, count = Counter(values).most_common(1)[0] if values else ("", 0)
        if count > 1:
            names = sorted({h.name for h in holders if value in (h.name, h.sha256.lower())})
            raise SettingError(
                f"{SETTING} has {count} entries of one {word}: {', '.join(map(repr, names))}.",
                "Give each caller a name and a key of its own.",
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

"""Who may chat, with which models, and how much: named keys, stored as hashes only.

Closed by default. Limits are kept in this process: with N instances a caller gets up to N times
as much; one limit over all of them needs a gateway in front (see docs/chat.md).
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.chat.protocol import RateLimitExceeded
from shared.errors import AccessDenied, SettingError

SHA256_HEX = r"^[0-9a-fA-F]{64}$"


class Caller(BaseModel):
    """Somebody who may chat. `models` None means all models; a limit None means no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    models: frozenset[str] | None = None
    requests_per_minute: Annotated[int, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[int, Field(gt=0)] | None = None

    def may_use(self, model: str) -> bool:
        """Whoever may use a model may use each of its versions."""
        return self.models is None or model.partition("@")[0] in self.models


class KeyHolder(Caller):
    sha256: Annotated[str, Field(pattern=SHA256_HEX)]


class Auth:
    """Admits or refuses the requests of one process. `clock` is in seconds."""

    def __init__(
        self, app_keys: str, entra_tenant: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.callers = parse_keys(app_keys)
        self.tenant = entra_tenant
        self.clock = clock
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def admit(self, headers: Mapping[str, str]) -> Caller:
        """The caller of a request; the request is counted against the caller's limit.

        Raises AccessDenied, or RateLimitExceeded when the limit is used up.
        """
        caller = self._by_key(headers) or self._by_platform_sign_in(headers)
        if caller is None:
            raise AccessDenied(
                "The API key is missing or not known here.",
                "Send one of the app's keys as `Authorization: Bearer KEY` or as `api-key: KEY`.",
            )
        self._take(caller, "requests", caller.requests_per_minute, 1)
        self._take(caller, "tokens", caller.tokens_per_minute, 0)
        return caller

    def charge(self, caller: Caller, tokens: int) -> None:
        """Subtract what an answer has cost. The level may become negative: later requests wait."""
        if caller.tokens_per_minute:
            self._bucket(caller, "tokens", caller.tokens_per_minute).level -= tokens

    def _by_key(self, headers: Mapping[str, str]) -> Caller | None:
        """Compares with every key, each in constant time, so that timing reveals nothing."""
        digest = hashlib.sha256(_presented_key(headers).encode()).hexdigest()
        matches = [c for c in self.callers if hmac.compare_digest(c.sha256.lower(), digest)]
        return matches[0] if matches else None

    def _by_platform_sign_in(self, headers: Mapping[str, str]) -> Caller | None:
        """Who the platform has signed in. Only used where a tenant is configured: without the
        platform's sign-in in front, anybody could send these headers."""
        if not self.tenant:
            return None
        claims = _claims(headers.get("x-ms-client-principal", ""))
        if claims.get("tid") != self.tenant:
            return None
        name = headers.get("x-ms-client-principal-id", "")
        return Caller(name=name) if name else None

    def _take(self, caller: Caller, unit: str, per_minute: int | None, amount: int) -> None:
        if per_minute is None:
            return
        wait = self._bucket(caller, unit, per_minute).take(amount, self.clock())
        if wait:
            raise RateLimitExceeded(
                f"{caller.name} may use {per_minute} {unit} per minute and has used them.",
                f"Try again in {wait:.0f} seconds.",
                wait,
            )

    def _bucket(self, caller: Caller, unit: str, per_minute: int) -> "TokenBucket":
        key = (caller.name, unit)
        if key not in self._buckets:
            self._buckets[key] = TokenBucket(per_minute, self.clock())
        return self._buckets[key]


class TokenBucket:
    """Refills evenly, up to the amount of one minute."""

    def __init__(self, per_minute: int, now: float) -> None:
        self.size = self.level = float(per_minute)
        self.filled_at = now

    def take(self, amount: int, now: float) -> float:
        """Take the amount and return 0, or take nothing and return the seconds to wait."""
        per_second = self.size / 60
        self.level = min(self.size, self.level + (now - self.filled_at) * per_second)
        self.filled_at = now
        if self.level < max(amount, 1):
            return (max(amount, 1) - self.level) / per_second
        self.level -= amount
        return 0.0


def parse_keys(app_keys: str) -> list[KeyHolder]:
    """NAME:SHA256 separated by commas, or a JSON list of callers. Raises SettingError."""
    try:
        if app_keys.lstrip().startswith("["):
            return TypeAdapter(list[KeyHolder]).validate_json(app_keys)
        entries = [entry.strip().partition(":") for entry in app_keys.split(",") if entry.strip()]
        return [KeyHolder(name=name, sha256=digest) for name, _, digest in entries]
    except ValidationError as error:
        # The value itself may be a key that somebody has pasted: it is not repeated.
        where = ", ".join({".".join(map(str, problem["loc"])) for problem in error.errors()})
        raise SettingError(
            f"TUNEDROP_APP_KEYS cannot be read: {where}.",
            "Give NAME:SHA256 with the SHA-256 of each key in hexadecimal, not the key itself.",
        ) from None


def _presented_key(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("api-key", "")


def _claims(principal: str) -> dict[str, Any]:
    """The claims in App Service's header: base64 of {"claims": [{"typ", "val"}, …]}."""
    try:
        document = json.loads(base64.b64decode(principal, validate=True))
        claims = {claim["typ"]: claim["val"] for claim in document["claims"]}
    except (binascii.Error, ValueError, KeyError, TypeError):
        return {}
    long_name = "http://schemas.microsoft.com/identity/claims/tenantid"
    return {"tid": claims.get("tid") or claims.get(long_name)}

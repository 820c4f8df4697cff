"""Who may chat, with what, and how much: named keys, of which the app knows only the hashes.

Closed by default. Limits are kept in this process: with N instances a caller gets up to N times
as much, and a limit over all of them is for a gateway in front (see docs/chat.md).
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

from shared.chat.wire import LimitReached
from shared.errors import AccessDenied, SettingError

SHA256_HEX = r"^[0-9a-fA-F]{64}$"


class Caller(BaseModel):
    """Somebody who may chat. No `models` means all; no limit means none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    models: frozenset[str] | None = None
    requests_per_minute: Annotated[int, Field(gt=0)] | None = None
    tokens_per_minute: Annotated[int, Field(gt=0)] | None = None

    def may_use(self, model: str) -> bool:
        """By the name alone: who may use a model may use each of its versions."""
        return self.models is None or model.partition("@")[0] in self.models


class KeyHolder(Caller):
    sha256: Annotated[str, Field(pattern=SHA256_HEX)]


class Access:
    """Decides over the requests of one process. `now` is a clock in seconds."""

    def __init__(
        self, app_keys: str, entra_tenant: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.callers = parse_keys(app_keys)
        self.tenant = entra_tenant
        self.now = now
        self._budgets: dict[tuple[str, str], Bucket] = {}

    def admit(self, headers: Mapping[str, str]) -> Caller:
        """The caller behind a request, who has used one request by asking.

        Raises AccessDenied, or LimitReached when the caller has asked too often.
        """
        caller = self._by_key(headers) or self._by_sign_in(headers)
        if caller is None:
            raise AccessDenied(
                "The API key is missing or not known here.",
                "Send one of the app's keys as `Authorization: Bearer KEY` or as `api-key: KEY`.",
            )
        self._take(caller, "requests", caller.requests_per_minute, 1)
        self._take(caller, "tokens", caller.tokens_per_minute, 0)
        return caller

    def charge(self, caller: Caller, tokens: int) -> None:
        """What an answer has cost; it may leave a debt that the next request runs into."""
        if caller.tokens_per_minute:
            self._bucket(caller, "tokens", caller.tokens_per_minute).level -= tokens

    def _by_key(self, headers: Mapping[str, str]) -> Caller | None:
        """Every key is compared, each in constant time: how long a refusal takes tells nothing."""
        digest = hashlib.sha256(_offered(headers).encode()).hexdigest()
        found = [c for c in self.callers if hmac.compare_digest(c.sha256.lower(), digest)]
        return found[0] if found else None

    def _by_sign_in(self, headers: Mapping[str, str]) -> Caller | None:
        """Who the platform has signed in. Only asked where a tenant is configured: without the
        platform's sign-in in front, anybody could send these headers."""
        if not self.tenant:
            return None
        claims = _claims(headers.get("x-ms-client-principal", ""))
        if claims.get("tid") != self.tenant:
            return None
        name = headers.get("x-ms-client-principal-id", "")
        return Caller(name=name) if name else None

    def _take(self, caller: Caller, what: str, per_minute: int | None, amount: int) -> None:
        if per_minute is None:
            return
        wait = self._bucket(caller, what, per_minute).take(amount, self.now())
        if wait:
            raise LimitReached(
                f"{caller.name} may use {per_minute} {what} per minute and has used them.",
                f"Try again in {wait:.0f} seconds.",
                wait,
            )

    def _bucket(self, caller: Caller, what: str, per_minute: int) -> "Bucket":
        key = (caller.name, what)
        if key not in self._budgets:
            self._budgets[key] = Bucket(per_minute, self.now())
        return self._budgets[key]


class Bucket:
    """Fills evenly up to one minute's worth."""

    def __init__(self, per_minute: int, now: float) -> None:
        self.size = self.level = float(per_minute)
        self.filled_at = now

    def take(self, amount: int, now: float) -> float:
        """Take it and return 0, or leave it and return the seconds until it could be taken."""
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


def _offered(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("api-key", "")


def _claims(principal: str) -> dict[str, Any]:
    """The claims in App Service's header: base64 of {"claims": [{"typ", "val"}, …]}."""
    try:
        known = json.loads(base64.b64decode(principal, validate=True))
        pairs = {claim["typ"]: claim["val"] for claim in known["claims"]}
    except (binascii.Error, ValueError, KeyError, TypeError):
        return {}
    full = "http://schemas.microsoft.com/identity/claims/tenantid"
    return {"tid": pairs.get("tid") or pairs.get(full)}

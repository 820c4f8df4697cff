"""One HTTP call to the resource, and its answer as it is on the wire.

No SDK: they hide what is looked at here (statuses, headers, keys without a value) and repeat calls
by themselves. Knows the three families of addresses, and no operation.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from shared.cloud.rest import ARM_API_VERSION
from tunedrop.errors import NotReached
from tunedrop.probe.target import ARM, DATA, Target

V1, DATED = "v1", "dated"
DATED_VERSION = "2025-04-01-preview"
TIMEOUT_SECONDS = 300
PATIENCE, LONGEST_PAUSE = 6, 120.0  # how often a 429 is waited for, and how long
FRESH_SECONDS = 20 * 60  # for which a token is kept
MOST_PAGES = 200
LARGEST = 16 * 2**20  # bytes of an answer


@dataclass(frozen=True)
class Clock:
    """Seconds since the epoch, and how they are let pass."""

    now: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Reply:
    """`headers` by names in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300

    @cached_property
    def body(self) -> Any:
        """The JSON; None where it is none."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def object(self) -> dict[str, Any]:
        return self.body if isinstance(self.body, dict) else {}

    @property
    def items(self) -> list[dict[str, Any]]:
        """Of a list of either plane."""
        listed = self.object.get("data", self.object.get("value"))
        return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []

    @property
    def error(self) -> dict[str, Any]:
        found = self.object.get("error")
        return found if isinstance(found, dict) else {}

    @property
    def outcome(self) -> str:
        """The status, and the code of a refusal."""
        if self.is_ok:
            return str(self.status)
        return f"{self.status} {self.error.get('code') or '-'}"

    @property
    def sentence(self) -> str:
        return str(self.error.get("message") or "")


@dataclass(frozen=True)
class Wire:
    """Every call raises NotReached where nobody answers."""

    target: Target
    clock: Clock = field(default_factory=Clock)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict, repr=False)

    def data(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        family: str = V1,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """`path` within /openai/v1, or within /openai with an api-version. `headers`: with which
        the caller signs in, instead of the token."""
        asked = {**({"api-version": DATED_VERSION} if family == DATED else {}), **(query or {})}
        url = f"{self.target.endpoint}/openai{'/v1' if family == V1 else ''}{_quoted(path)}"
        signed = self.bearer(DATA) if headers is None else dict(headers)
        return self._patiently(method, _with(url, asked), signed, body)

    def arm(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """`path` within the account, or from /subscriptions on."""
        inside = path if path.startswith("/subscriptions") else f"{self.target.account_path}{path}"
        url = f"{self.target.arm_endpoint}{_quoted(inside)}"
        asked = {"api-version": ARM_API_VERSION, **(query or {})}
        signed = self.bearer(ARM) if headers is None else dict(headers)
        return self._patiently(method, _with(url, asked), signed, body)

    def every(self, path: str) -> tuple[Reply, list[dict[str, Any]]]:
        """The first page of a list of the control plane, and the items of all its pages."""
        page: Reply | None = self.arm("GET", path)
        assert page is not None
        first, items, known = page, list(page.items), set[str]()
        for _ in range(MOST_PAGES):
            url = str(page.object.get("nextLink") or "")
            if not url or url in known or (page := self.follow(url)) is None:
                break
            known.add(url)
            items += page.items
        return first, items

    def follow(self, url: str) -> Reply | None:
        """An address of the control plane that an answer has named; None for one of elsewhere, for
        which the token is not."""
        if not url.startswith(f"{self.target.arm_endpoint}/"):
            return None
        return self._patiently("GET", url, self.bearer(ARM), None)

    def bearer(self, audience: str) -> dict[str, str]:
        """Of the data plane or of the control plane; fetched again before its hour is over."""
        at, token = self._tokens.get(audience, (0.0, ""))
        if not token or time.monotonic() - at > FRESH_SECONDS:
            at, token = time.monotonic(), self.target.token(audience)
            self._tokens[audience] = (at, token)
        return {"authorization": f"Bearer {token}"}

    def _patiently(self, method: str, url: str, headers: dict[str, str], body: Any) -> Reply:
        """Asked again after a 429, which has done nothing."""
        for _ in range(PATIENCE):
            reply = _send(method, url, headers, body)
            if reply.status != 429:
                return reply
            self.clock.pause(_retry_after(reply))
        return reply


def _send(method: str, url: str, headers: Mapping[str, str], body: Any) -> Reply:
    kind, content = _content(body)
    sent = {**headers, **({"content-type": kind} if kind else {})}
    request = urllib.request.Request(url, content, sent, method=method)
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return _reply(answer)
    except urllib.error.HTTPError as error:
        with error:
            return _reply(error)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise NotReached(
            f"{request.host} did not answer to {method}: {reason}.",
            "The same command goes on from here.",
        ) from None


def _reply(answer: Any) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status, headers, answer.read(LARGEST))


@dataclass(frozen=True)
class Form:
    """A file with fields beside it, as multipart/form-data."""

    fields: Mapping[str, str]
    name: str
    content: bytes


def _content(body: Any) -> tuple[str, bytes | None]:
    if body is None:
        return "", None
    if isinstance(body, Form):
        return _multipart(body)
    return "application/json", json.dumps(body).encode()


def _multipart(form: Form) -> tuple[str, bytes]:
    boundary = uuid.uuid4().hex
    begin, end = f"--{boundary}\r\nContent-Disposition: form-data; name=", "\r\n"
    parts = [f'{begin}"{key}"\r\n\r\n{value}{end}'.encode() for key, value in form.fields.items()]
    kind = "Content-Type: application/octet-stream"
    parts.append(f'{begin}"file"; filename="{form.name}"\r\n{kind}\r\n\r\n'.encode())
    parts += [form.content, f"{end}--{boundary}--{end}".encode()]
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


def _with(url: str, query: Mapping[str, object]) -> str:
    asked = {name: value for name, value in query.items() if value != ""}
    return f"{url}?{urlencode(asked)}" if asked else url


def _quoted(path: str) -> str:
    return quote(path, safe="/:")


def _retry_after(reply: Reply) -> float:
    try:
        return min(LONGEST_PAUSE, max(1.0, float(reply.headers.get("retry-after", ""))))
    except ValueError:
        return 20.0


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would take the token along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)

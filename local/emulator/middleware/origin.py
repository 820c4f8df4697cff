"""Middleware: refuses what a page of another site makes a browser send here.

A server that only this machine can reach is still reached by every page that its user opens: such
a page can post to it blindly and, under a name of its own that leads to 127.0.0.1 (DNS rebinding),
read as well. So the name that was called must be one of this machine's, and the page this server's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.errors import GatewayError

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:/@\[\]]+)(:\d{0,5})?", re.IGNORECASE)
_WILDCARDS = ("", "0.0.0.0", "::")
_NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@dataclass(frozen=True)
class Hosts:
    """The names under which this server may be called, in lower case and without a port.

    `addresses`: any IP address as well. A page of another site cannot make a browser send one of
    these as the name; what it can do is send a name of its own that leads here.
    """

    names: frozenset[str] = frozenset({"localhost"})
    addresses: bool = False

    @classmethod
    def of(cls, bound: str, more: Iterable[str] = ()) -> "Hosts":
        """Of a server that listens on `bound`, with what its user allows besides."""
        named = {name.lower().strip("[]") for name in (bound, *more) if name not in _WILDCARDS}
        return cls(frozenset({"localhost", *named}), bound in _WILDCARDS)

    def allow(self, header: str) -> bool:
        found = _HOST.fullmatch(header)
        if found is None:
            return False
        name = found[1].lower().strip("[]")
        try:
            is_loopback = ip_address(name).is_loopback
        except ValueError:
            return name in self.names
        return is_loopback or self.addresses or name in self.names


class OriginGuard:
    """Middleware: answers 403 before anything else has seen the call."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        called = scope["type"] == "http"
        reason = refusal(scope["method"], Headers(scope=scope), self._hosts) if called else None
        answer = GatewayError(403, "Forbidden", reason).response() if reason else self._app
        await answer(scope, receive, send)


def refusal(method: str, headers: Headers, hosts: Hosts) -> str | None:
    """Why not; None if the call may pass. Without a Host it comes from no browser."""
    asked = headers.getlist("host")
    for host in asked:
        if not hosts.allow(host):
            return (
                f"The Host {_shown(host)} is not a name of this machine: call 127.0.0.1 or "
                "localhost, or start this server with --allow-host and that name."
            )
    own = {f"{scheme}://{host.lower()}" for host in asked for scheme in ("http", "https")}
    for origin in headers.getlist("origin"):
        if origin.lower() not in own:
            return f"The Origin {_shown(origin)} is another site: only pages of this one may call."
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        followed = all(headers.get(name) == value for name, value in _NAVIGATION.items())
        if method not in ("GET", "HEAD") or not followed:
            return "A page of another site may link to this server, and nothing else."
    return None


def _shown(value: str) -> str:
    return ascii(value if len(value) <= 80 else f"{value[:80]}…")

"""Which pages of other sites may call the chat from a browser: none, unless a setting names them.

The rules and headers of CORS are Starlette's. In Azure the platform answers a browser before the
app does, with the same list (infra/app.bicep). Knows origins, no keys: a page needs one as well, or
a sign-in, which a browser sends along with what any page asks for: who may not read an answer may
still have sent the request.
"""

import re
from collections.abc import Mapping

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import Forbidden, SettingError
from shared.printable import shown

SETTING = "TUNEDROP_ALLOWED_ORIGINS"
# As a browser names a page: also those of extensions and of programs made of web pages.
ORIGIN = re.compile(r"\A[a-z][a-z0-9+.-]*://[^/\s*@?#]+")
ANYBODYS = ("*", "null")  # names no page: `null` is sent for any that a browser keeps apart


class OtherSite(Forbidden):
    """A page of another site asks in the name of whoever is signed in."""


class Origins:
    """Raises SettingError for an origin that no browser would send."""

    def __init__(self, allowed: tuple[str, ...] = ()) -> None:
        self._named = frozenset(allowed) - set(ANYBODYS)
        for origin in allowed:
            if origin not in ANYBODYS and not ORIGIN.fullmatch(origin):
                raise SettingError(
                    f"{SETTING} has {shown(origin)!r}, which is not an origin.",
                    "Write it as the browser does, in small letters and without a path: "
                    "https://chat.contoso.com, http://localhost:5173, or * for any page.",
                )
        self._cors = CORSMiddleware(
            _nothing,
            allow_origins=allowed,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),  # those that are asked for, by name
            expose_headers=("*",),
        )

    def preflight(self, request: Request) -> Response:
        """The answer to what a browser asks before it sends a request."""
        return self._cors.preflight_response(request.headers)

    def refuse_other_sites(self, headers: Mapping[str, str]) -> None:
        """For a request that nothing but a sign-in vouches for. One with a token is sent by a page
        only once the browser has asked here (`preflight`). Raises OtherSite."""
        origin = headers.get("origin", "")
        if not origin or origin in self._named or "authorization" in headers:
            return
        said = headers.get("sec-fetch-site")  # the browser's own word, where it has one
        here = origin.partition("://")[2] == headers.get("host")
        if not (said == "same-origin" if said else here):
            raise OtherSite(
                f"The page {shown(origin, 100)} may not use a sign-in here: {SETTING} does not "
                "name it.",
                f"Send one of the app's keys, or let an operator name the page in {SETTING}.",
            )

    def mark(self, request: Request, response: Response) -> None:
        """Let the page that has sent the request read the response, if it is an allowed one."""
        origin = request.headers.get("origin", "")
        if origin and self._cors.is_allowed_origin(origin):
            response.headers.update(self._cors.simple_headers)
            if not self._cors.allow_all_origins:
                self._cors.allow_explicit_origin(response.headers, origin)


async def _nothing(*_: object) -> None:
    raise AssertionError("only the middleware's rules are used")


def wanted_method(request: Request) -> str | None:
    """The method that a browser asks for on behalf of a page (preflight); None for what is no such
    question."""
    if request.method != "OPTIONS":
        return None
    return request.headers.get("access-control-request-method")

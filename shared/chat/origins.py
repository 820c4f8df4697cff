"""Which pages of other sites may call the chat from a browser: none, unless a setting names them.

The rules and headers of CORS are Starlette's. In Azure the platform answers a browser before the
app does, with the same list (infra/app.bicep). Knows origins, no keys: a page needs one as well.
"""

import re

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from shared.errors import SettingError
from shared.printable import shown

SETTING = "TUNEDROP_ALLOWED_ORIGINS"
# As a browser names a page: also those of extensions and of programs made of web pages.
ORIGIN = re.compile(r"\A[a-z][a-z0-9+.-]*://[^/\s*@?#]+")


class Origins:
    """Raises SettingError for an origin that no browser would send."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        for origin in allowed:
            if origin not in ("*", "null") and not ORIGIN.fullmatch(origin):
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

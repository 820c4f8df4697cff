"""Function keys: who may call what. Knows no function."""

import hmac

from starlette.requests import Request
from starlette.types import Scope


class FunctionKeys:
    """One master key opens everything. Without a key everybody is admin, as under Core Tools."""

    def __init__(self, master_key: str | None) -> None:
        self._key = master_key

    def allow(self, scope: Scope, level: str = "admin") -> bool:
        if self._key is None or level == "anonymous":
            return True
        request = Request(scope)
        given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
        return hmac.compare_digest(given.encode(), self._key.encode())

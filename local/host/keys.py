"""Function keys: who may call what. Knows no function.

In Azure the host makes its keys up and keeps them in `azure-webjobs-secrets`; here they come from
the environment, so that whoever starts the host knows them.
"""

import hmac
from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import Scope

MASTER = "FUNCTIONS_MASTER_KEY"
# Beside the master key, which opens everything, each level has a key of its own: that of all
# functions, and the one that the blob trigger's webhook gets in Azure (`blobs_extension`).
SETTINGS = {
    "admin": MASTER,
    "function": "FUNCTIONS_HOST_KEY",
    "system": "FUNCTIONS_SYSTEM_KEY",
}


class FunctionKeys:
    """The keys by their level; None: everybody may do everything, as under Core Tools."""

    def __init__(self, keys: Mapping[str, str] | None) -> None:
        self._keys = keys

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "FunctionKeys":
        return cls({level: environ.get(name, "") for level, name in SETTINGS.items()})

    def allow(self, scope: Scope, level: str = "admin") -> bool:
        if self._keys is None or level == "anonymous":
            return True
        request = Request(scope)
        given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
        fitting = {self._keys.get("admin"), self._keys.get(level)}
        return any(key and hmac.compare_digest(given.encode(), key.encode()) for key in fitting)

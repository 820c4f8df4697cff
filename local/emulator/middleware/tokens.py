"""Tokens of managed identities: issued in App Service's protocol, and read again.

azure-identity's ManagedIdentityCredential, pointed here by IDENTITY_ENDPOINT and IDENTITY_HEADER,
works unchanged. What a token may be used for is decided in `auth` and `rights`.
"""

import secrets
import time

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse

from ..core.errors import ServiceError
from ..core.store import Store

IDENTITY_SECRET = "local"
DEFAULT_IDENTITY = "local"  # object id of the identity that is meant if none is named
TOKEN_SECONDS = 3600


class Tokens:
    """Issues and reads the emulator's own JSON web tokens."""

    def __init__(self, store: Store) -> None:
        stored = store.get("setting", "token-secret")
        # Stored, so that a token is still valid after a restart, as it is in Azure.
        stored = stored or store.put("setting", "token-secret", {"value": secrets.token_hex(32)})
        self._secret: str = stored["value"]

    def issue(self, audience: str, identity: str = DEFAULT_IDENTITY) -> tuple[str, int]:
        expires = int(time.time()) + TOKEN_SECONDS
        claims = {"aud": audience, "iss": "local-emulator", "oid": identity, "exp": expires}
        return jwt.encode(claims, self._secret, algorithm="HS256"), expires

    def object_id(self, token: str, audiences: list[str]) -> str | None:
        """Of the identity that the token was issued to; None if it is not valid here."""
        try:
            # Expiry goes by the machine's clock, as it does for the client that caches the token:
            # time that is only moved forward here has not passed there.
            claims = jwt.decode(token, self._secret, algorithms=["HS256"], audience=audiences)
        except jwt.InvalidTokenError:
            return None
        return str(claims["oid"])

    async def identity(self, request: Request) -> JSONResponse:
        """GET /_emulator/identity?resource=...&api-version=2019-08-01, and &client_id=... of an
        identity that is not the system's; its object id is the same here."""
        if request.headers.get("x-identity-header") != IDENTITY_SECRET:
            raise ServiceError(401, "unauthorized", "X-IDENTITY-HEADER is missing or wrong.")
        resource = request.query_params.get("resource", "")
        identity = request.query_params.get("client_id") or DEFAULT_IDENTITY
        token, expires = self.issue(resource.rstrip("/"), identity)
        answer = {"access_token": token, "expires_on": str(expires), "token_type": "Bearer"}
        return JSONResponse({**answer, "resource": resource})

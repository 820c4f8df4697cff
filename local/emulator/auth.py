"""Who may call: the account's key, and tokens that the emulator issues and `rights` limits.

Tokens come from a managed identity endpoint in App Service's protocol, so that azure-identity's
ManagedIdentityCredential, told of it by IDENTITY_ENDPOINT and IDENTITY_HEADER, works unchanged.
"""

import hmac
import secrets
import time

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import ArmError, ServiceError
from .rights import Rights
from .store import Store

DEFAULT_KEY = "tunedrop-local-key"
IDENTITY_SECRET = "local"
LOCAL = "local"  # object id of the one identity that there is unless another is asked for
TOKEN_SECONDS = 3600

# Both names of the data plane's scope are in use (S-V1, S-DOC).
DATA_AUDIENCES = ["https://cognitiveservices.azure.com", "https://ai.azure.com"]
ARM_AUDIENCES = ["https://management.azure.com"]


class Tokens:
    """Issues and reads the emulator's own JSON web tokens."""

    def __init__(self, store: Store) -> None:
        kept = store.get("setting", "token-secret")
        # Kept, so that a token outlives a restart as it does in Azure.
        kept = kept or store.put("setting", "token-secret", {"value": secrets.token_hex(32)})
        self._secret: str = kept["value"]

    def issue(self, audience: str, identity: str = LOCAL) -> tuple[str, int]:
        expires = int(time.time()) + TOKEN_SECONDS
        claims = {"aud": audience, "iss": "local-emulator", "oid": identity, "exp": expires}
        return jwt.encode(claims, self._secret, algorithm="HS256"), expires

    def holder(self, token: str, audiences: list[str]) -> str | None:
        """The object id of whose token it is; None if it opens nothing here."""
        try:
            # Expiry goes by the machine's clock, as it does for the client that keeps the token:
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
        identity = request.query_params.get("client_id") or LOCAL
        token, expires = self.issue(resource.rstrip("/"), identity)
        answer = {"access_token": token, "expires_on": str(expires), "token_type": "Bearer"}
        return JSONResponse({**answer, "resource": resource})


class Gate:
    """Middleware: lets nobody into the two planes without a key or a token."""

    def __init__(self, app: ASGIApp, tokens: Tokens, rights: Rights, key: str) -> None:
        self._app, self._tokens, self._rights, self._key = app, tokens, rights, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal.response() if refusal else self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> ServiceError | None:
        path = request.url.path
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if path.startswith("/subscriptions/"):
            if who := self._tokens.holder(bearer, ARM_AUDIENCES):
                return self._rights.refusal(request, who)
            return ArmError(401, "AuthenticationFailed", "Authentication failed.")  # [inferred]
        if path.startswith("/openai/"):
            keys = (request.headers.get("api-key", ""), bearer)
            if any(self._is_key(key) for key in keys):
                return None
            if who := self._tokens.holder(bearer, DATA_AUDIENCES):
                return self._rights.refusal(request, who)
            # PermissionDenied with this sentence is what callers without a role meet (S-DOC);
            # that a wrong key is answered alike is [inferred].
            return ServiceError(
                401, "PermissionDenied", "Principal does not have access to API/Operation."
            )
        return None

    def _is_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._key.encode())

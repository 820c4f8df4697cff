"""Who may call: the account's key, and tokens that the emulator issues and `rights` limits."""

import hmac

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.errors import ArmError, GatewayError, ServiceError
from ..core.settings import Settings
from .rights import Rights
from .tokens import Tokens

# Both names of the data plane's scope are in use (S-V1, S-DOC).
DATA_AUDIENCES = ["https://cognitiveservices.azure.com", "https://ai.azure.com"]
ARM_AUDIENCES = ["https://management.azure.com"]


class AuthMiddleware:
    """Middleware: refuses calls to the two planes that have neither a key nor a token."""

    def __init__(
        self, app: ASGIApp, tokens: Tokens, rights: Rights, key: str, settings: Settings
    ) -> None:
        self._app, self._tokens, self._rights, self._key = app, tokens, rights, key
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal.response() if refusal else self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> ServiceError | None:
        path = request.url.path
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if path.startswith("/subscriptions/"):
            if identity := self._tokens.object_id(bearer, ARM_AUDIENCES):
                return self._rights.refusal(request, identity)
            return ArmError(401, "AuthenticationFailed", "Authentication failed.")  # [inferred]
        if path.startswith("/openai/"):
            keys = (request.headers.get("api-key", ""), bearer)
            if any(self._is_key(key) for key in keys):
                return self._key_refusal()
            if identity := self._tokens.object_id(bearer, DATA_AUDIENCES):
                return self._token_refusal() or self._rights.refusal(request, identity)
            # PermissionDenied with this message is what callers without a role get (S-DOC);
            # that a wrong key is answered alike is [inferred].
            return ServiceError(
                401, "PermissionDenied", "Principal does not have access to API/Operation."
            )
        return None

    def _key_refusal(self) -> ServiceError | None:
        if not self._settings.current.disable_local_auth:
            return None
        said = "Key based authentication is disabled for this resource."
        return GatewayError(403, "AuthenticationTypeDisabled", said)  # S-403

    def _token_refusal(self) -> ServiceError | None:
        if self._settings.current.custom_subdomain:
            return None
        said = (
            "Please provide a custom subdomain for token authentication, otherwise API key is"
            " required."
        )
        return GatewayError(400, "BadRequest", said)  # S-403

    def _is_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._key.encode())

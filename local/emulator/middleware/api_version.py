"""Middleware: each URL family takes its own kind of api-version. Knows no operation."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..core.errors import ServiceError, resource_not_found
from ..core.protocol import DATED, V1

V1_VERSIONS = {None, "v1", "preview"}  # S-V1


class ApiVersionMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal.response() if refusal else self._app)(scope, receive, send)


def _refusal(request: Request) -> ServiceError | None:
    version = request.query_params.get("api-version")
    if request.url.path.startswith(f"{V1}/"):
        if version in V1_VERSIONS:
            return None
        return ServiceError(400, "BadRequest", "api-version not allowed")  # S-SKILL deployment.md
    if request.url.path.startswith(f"{DATED}/") and not version:
        return resource_not_found()  # a missing version is a wrong URL (S-DOC)
    return None

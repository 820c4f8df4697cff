"""Middleware: carries out the faults of a call, around whatever operation it is.

"Before" means that nothing was done, "after" that the whole operation took place and only the
answer is lost: the difference that a client that retries has to handle. Knows no operation.
"""

import asyncio
import time
from email.utils import formatdate

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core import connection
from ..core.errors import ArmError, GatewayError, InferenceError, ServiceError
from ..core.faults import CALL_FAULTS, Fault, Faults
from ..core.journal import current_call

FAILED = "The server had an error while processing your request. Sorry about that!"  # [inferred]
THROTTLED = (
    "Requests to the service have exceeded the rate limit. Please retry later."  # [inferred]
)
# In the control plane; the reason is the policy's own title (azure-search-openai-demo#1815).
POLICY = (
    "Resource '{}' was disallowed by policy. Reasons: 'Cognitive Services Deployments should only"
    " use approved Registry Models'. See error details for policy resource IDs."
)
# One status for four things, none of which a role cures (S-403).
FORBIDDEN = {
    "firewall": ("403", "Access denied due to Virtual Network/Firewall rules."),
    "virtual-network": (
        "403",
        "A Virtual Network is configured for this resource. Please use the correct endpoint for"
        " making requests. Check https://aka.ms/cogsvc-vnet for more details.",
    ),
    "public-access-disabled": (
        "403",
        "Public access is disabled. Please configure private endpoint.",
    ),
    "resource-blocked": (
        "Forbidden",
        "Your resource has been temporarily blocked because we detected behavior that may violate"
        " our content policy. For more details on Azure OpenAI service content policy, please visit"
        " https://aka.ms/aoaicodeofconduct",
    ),
}


class FaultInjection:
    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app, self._faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = current_call()
        possible = [
            n for n, kind in CALL_FAULTS.items() if call and kind.can_strike(call.operation)
        ]
        fault = self._faults.trigger(*possible)
        if fault is None:
            await self._app(scope, receive, send)
            return
        name = fault.fault
        if name == "slow":
            await asyncio.sleep(fault.options["seconds"])
        if name in ("slow", "error-after", "reset-after"):
            await self._app(scope, receive, send if name == "slow" else _discard)
        if name.startswith("reset"):
            await connection.reset(scope, receive)
        elif name != "slow":
            await _answer(fault)(scope, receive, send)


async def _discard(message: Message) -> None:
    """A `send` for an answer that is lost."""


def _answer(fault: Fault) -> Response:
    options = fault.options
    if fault.fault in FORBIDDEN:
        return GatewayError(403, *FORBIDDEN[fault.fault]).response()
    match fault.fault:
        case "throttled":
            seconds = {"Retry-After": str(options["retry_after"])}
            return _refusal(429, "429", THROTTLED, seconds)
        case "throttled-ms":
            millis = {"retry-after-ms": str(options["retry_after_ms"])}
            return _refusal(429, "429", THROTTLED, millis)
        case "throttled-date":
            # HTTP allows it; that Azure ever does it is [inferred].
            date = {"Retry-After": formatdate(time.time() + options["retry_after"], usegmt=True)}
            return _refusal(429, "429", THROTTLED, date)
        case "unavailable":
            pause = {"Retry-After": str(options["retry_after"])}
            return _refusal(503, "serviceUnavailable", "The service is unavailable.", pause)
        case "disallowed-by-policy":
            call = current_call()
            resource = call.path.rpartition("/")[2] if call else ""
            return _refusal(403, "RequestDisallowedByPolicy", POLICY.format(resource))
        case "denied":
            sentence = "Principal does not have access to API/Operation."  # S-DOC
            return _refusal(401, "PermissionDenied", sentence)
        case _:
            return _refusal(int(options["status"]), "internalFailure", FAILED)


def _refusal(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    """In the envelope of the plane that was called."""
    call = current_call()
    kind: type[ServiceError] = ServiceError
    if call and call.family == "arm":
        kind = ArmError
    elif call and call.operation == "chat.create":
        kind = InferenceError
    response = kind(status, code, message).response()
    response.headers.update(headers or {})
    return response

"""Exceptions of SDKs as this project's errors: one ladder for every service.

    no token to send                 Denied or Unavailable: nobody vouches for the app
    no answer, or a garbled one      Unavailable
    401, 403                         Denied: it passes once somebody has given the app a right
    429                              Throttled, with the pause that was asked for
    408, 409, 423, 500 and above     Unavailable: another try may pass
    any other status                 Refused, with what the service says; of storage, Unavailable

Knows statuses, not operations.
"""

from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import ClientAuthenticationError

from shared.cloud.throttling import retry_after, throttled_for
from shared.dataset.privacy import mask
from shared.errors import Denied, Refused, ServiceError, Throttled, Unavailable

OPENAI_ROLE = (
    "Give the app's identity the role Cognitive Services OpenAI Contributor "
    "on the Azure OpenAI resource."
)
# 409 of Azure Resource Manager is RequestConflict: another write on the account is under way.
TRANSIENT = {408, 409, 423}
# An answer of storage is about the app or the network, never about a run that a refusal would end.
STORAGE = "Storage"
NEVER_FINAL = {STORAGE}


def service_error(service: str, operation: str, error: Any, *, fix: str = "") -> ServiceError:
    """What an answer with an error status means. `fix` is what helps against 401 and 403.

    `error` is an azure.core HttpResponseError or an openai APIStatusError.
    """
    status = error.status_code or 0
    # azure-identity attaches the answer of the identity's own endpoint.
    if isinstance(error, ClientAuthenticationError) and status not in (401, 403):
        return no_token(operation, error)
    if not status:
        return unreachable(service, operation, error)
    code, message = _details(error)
    named = f"{status} {code}" if code not in ("", str(status)) else str(status)
    sentence = f"{service} answered {named} to: {operation}."
    if status in (401, 403):
        return Denied(sentence, fix, code=code)
    if status == 429:
        return Throttled(sentence, code=code, retry_after=throttled_for(_headers(error)))
    garbled = status < 400  # a proxy's page, or an answer that broke off
    if status >= 500 or status in TRANSIENT or garbled or service in NEVER_FINAL:
        return Unavailable(sentence, code=code, retry_after=retry_after(_headers(error)))
    return Refused(f"{sentence} It says: {mask(message) or 'nothing more.'}", code=code)


def unreachable(service: str, operation: str, error: Exception) -> ServiceError:
    """Nobody has answered."""
    if isinstance(error, ClientAuthenticationError):
        return no_token(operation, error)
    return Unavailable(
        f"{service} could not be reached to {operation}.",
        "Check that it is up and open to the app: `tunedrop doctor` does.",
    )


def no_token(operation: str, error: Exception) -> Unavailable:
    """What went wrong before a call was even sent: nobody vouched for the app."""
    if isinstance(error, ClientAuthenticationError):
        return Denied(
            f"There is no token to {operation}: {type(error).__name__}.",
            "Give the app a managed identity or, on a laptop, sign in with `az login`.",
        )
    return Unavailable(f"Azure's identity service could not be reached to {operation}.")


def _details(error: Any) -> tuple[str, str]:
    """The service's own code and message, wherever the SDK puts them."""
    body = error.body if isinstance(getattr(error, "body", None), dict) else {}  # openai
    found = getattr(error, "error", None)  # azure.core
    code = getattr(error, "code", None) or getattr(found, "code", None)
    message = body.get("message") or getattr(found, "message", None)
    code = code or getattr(error, "error_code", None)  # azure.storage: a member of an enumeration
    return str(getattr(code, "value", code) or ""), str(message or "")


def _headers(error: Any) -> Mapping[str, str]:
    return getattr(error.response, "headers", {})

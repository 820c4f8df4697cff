"""Exceptions of SDKs as this project's errors: one ladder for every service.

    no token to send                 Denied or Unavailable: nobody vouches for the app
    no answer, or a garbled one      Unavailable
    a code of `refusals.BLOCKING`    Blocked, whatever the status: somebody has to act first
    401, 403                         Denied: it passes once somebody has given the app a right
    400 about who asks               the same: a token of another tenant, or where none are taken
    429                              Throttled, with the pause that was asked for
    408, 409, 423, 500 and above     Unavailable: another try may pass; a 409 of the control plane
                                     only by its code
    any other status                 Refused, with what the service says: the caller's to mend; of
                                     storage, Unavailable

All but a 429 and an outage pass on the service's own sentence.

Knows statuses, not operations.
"""

from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import ClientAuthenticationError

from shared.cloud import causes
from shared.cloud.causes import Cause
from shared.cloud.denials import NO_ROLE, STORAGE_FIREWALL, denial
from shared.cloud.refusals import blocking, passes
from shared.cloud.throttling import retry_after, throttled_for
from shared.dataset.privacy import mask
from shared.errors import Blocked, Denied, Refused, ServiceError, Throttled, Unavailable

CONTROL_PLANE = "Azure Resource Manager"
TRANSIENT = {408, 409, 423}
LONGEST_SENTENCE = 500  # characters of the service's own; a policy's has thousands
# An answer of storage is about the app or the network, never about a run that a refusal would end.
STORAGE = "Storage"
NEVER_FINAL = {STORAGE}
# What reading an answer raises that has another shape than it should.
MISSHAPEN = (LookupError, TypeError, AttributeError, ValueError)


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
    return _answered(service, operation, status, error, fix)


def _answered(service: str, operation: str, status: int, error: Any, fix: str) -> ServiceError:
    codes, message = _details(error)
    says = quoted(message)
    code = codes[0]
    named = f"{status} {code}" if code not in ("", str(status)) else str(status)
    sentence = f"{service} answered {named} to: {operation}."
    told: dict[str, Any] = {"code": code, "status": status, "says": says}
    if known := _blocking(service, status, codes, message):
        told["code"] = next((one for one in codes if one.lower() in known.codes), code)
        return Blocked(f"{sentence} It says: {says or 'nothing more.'}", known.cure(), **told)
    if status in (401, 403) or (status == 400 and denial(status, codes, message)):
        cure = _cure_of_denial(service, status, codes, message, fix)
        return Denied(sentence + _says(says), cure, **told)
    if status == 429:
        asked = throttled_for(_headers(error))
        return Throttled(sentence, retry_after=asked, **told)
    garbled = status < 400  # a proxy's page, or an answer that broke off
    if status >= 500 or _passes(service, status, code) or garbled or service in NEVER_FINAL:
        asked = retry_after(_headers(error))
        sentence += _says(says) if status == 409 else ""
        return Unavailable(sentence, retry_after=asked, **told)
    blame = "caller" if status < 500 else ""
    return Refused(f"{sentence} It says: {says or 'nothing more.'}", blame=blame, **told)


def _blocking(service: str, status: int, codes: list[str], message: str) -> Cause | None:
    """The data plane's own codes mean other things: its quotas are of files and jobs."""
    final = 400 <= status < 500 and status not in (401, 408, 429)
    return blocking(codes, message) if final and service == CONTROL_PLANE else None


def _cure_of_denial(service: str, status: int, codes: list[str], message: str, role: str) -> str:
    """A role is named where one is missing, and where nothing is said of the reason."""
    if service == STORAGE:
        firewall = causes.find((STORAGE_FIREWALL,), codes, message)
        return firewall.cure() if firewall else role
    known = denial(status, codes, message)
    if known is None and message:
        return f"What it says decides; where it is about a right: {role}"
    return role if known in (None, NO_ROLE) else known.cure()


def _passes(service: str, status: int, code: str) -> bool:
    """Of the control plane's conflicts only some are over soon; what no page explains is told."""
    if status == 409 and service == CONTROL_PLANE:
        return passes(code)
    return status in TRANSIENT


def _says(says: str) -> str:
    return f" It says: {says}" if says else ""


def quoted(message: str) -> str:
    """The service's own sentence: one line, masked, and not longer than somebody reads."""
    says = mask(" ".join(message.split()))
    return says if len(says) <= LONGEST_SENTENCE else f"{says[:LONGEST_SENTENCE]}…"


def unreachable(service: str, operation: str, error: Exception) -> ServiceError:
    """Nobody has answered."""
    if isinstance(error, ClientAuthenticationError):
        return no_token(operation, error)
    return Unavailable(
        f"{service} could not be reached to {operation}.",
        "Check that it is up and open to the app: `tunedrop doctor` does.",
    )


def misshapen(service: str, operation: str) -> Unavailable:
    """There was an answer, and it is not what the service's documents say: a proxy's page, a list
    without its data. Nobody here can mend that, and the next one may be right."""
    return Unavailable(
        f"{service} answered with something else than its documents say to: {operation}.",
        "Look for a proxy or a gateway in between; it is asked again.",
    )


def no_token(operation: str, error: Exception) -> Unavailable:
    """What went wrong before a call was even sent: nobody vouched for the app."""
    if isinstance(error, ClientAuthenticationError):
        return Denied(
            f"There is no token to {operation}: nobody vouches for the app.",
            "Give the app a managed identity or, on a laptop, sign in with `az login`.",
        )
    return Unavailable(f"Azure's identity service could not be reached to {operation}.")


def _details(error: Any) -> tuple[list[str], str]:
    """The service's own codes and sentences, the outermost first, wherever the SDK puts them."""
    body = error.body if isinstance(getattr(error, "body", None), dict) else {}  # openai
    found = getattr(error, "error", None)  # azure.core
    code = getattr(error, "code", None) or getattr(found, "code", None)
    message = body.get("message") or getattr(found, "message", None)
    code = code or getattr(error, "error_code", None)  # azure.storage: a member of an enumeration
    inner = getattr(found, "details", None) or []
    codes = [str(getattr(code, "value", code) or "")]
    codes += [str(getattr(detail, "code", None) or "") for detail in inner]
    told = [message, *(getattr(detail, "message", None) for detail in inner)]
    return codes, " ".join(str(one) for one in told if one)


def _headers(error: Any) -> Mapping[str, str]:
    return getattr(error.response, "headers", {})

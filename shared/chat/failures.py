"""What it means that a deployment did not answer a chat: who said what, whose move it is, and
whether another try may help.

Knows the statuses, codes and sentences of Azure OpenAI, not how often it is asked. Their source:
learn.microsoft.com, "Troubleshoot errors" of Azure OpenAI (2026-09-20), and reports of users.
"""

import json
import random
import re
from dataclasses import dataclass
from typing import Any, Self

from shared.chat import absent
from shared.chat.apis import CHAT, Api
from shared.chat.quoting import parsed, told_in
from shared.chat.routing import Backend
from shared.chat.unanswered import (
    ModelNotReady,
    ModelPaused,
    ModelRetired,
    NoAnswer,
    NoDeployment,
    OutOfTime,
)
from shared.cloud import denials
from shared.cloud.causes import Cause
from shared.cloud.completions import Reply
from shared.cloud.throttling import retry_after, throttled_for
from shared.errors import Denied, Throttled, Unavailable
from shared.model.redeploy import Asked

RETRY_PAUSE_SECONDS = 0.25  # where the backend asked for none; both with jitter
MAX_RETRY_AFTER_SECONDS = 5.0  # a longer one is not waited for

# The codes, in lower case, of refusals that are about what was asked, whatever their status.
_FILTERS = frozenset(
    ("content_filter", "contentfilter", "responsibleaipolicyviolation", "content_policy_violation")
)
# What an error in a stream calls a refusal of who asks; codes are those of `denials`.
_OF_WHO_ASKS = frozenset(("401", "403", "authentication_error", "permission_error"))
_ROLE = (
    "The app's administrators can give its identity the role Cognitive Services OpenAI User "
    "on the resource."
)
_DOCTOR = "The app's administrators can act on it; `tunedrop doctor` looks for the cause."
_ENDPOINT = "The app's administrators can correct AZURE_OPENAI_ENDPOINT: nothing is at its address."
# Whose move a refusal of the app is, as a caller is told it.
_WHOSE_MOVE = {
    denials.NO_KEYS: f"Remove AZURE_OPENAI_API_KEY from the app's settings. {_ROLE}",
    denials.FIREWALL: (
        "The app's administrators can let the app through the resource's network rules."
    ),
    denials.BLOCKED_RESOURCE: (
        "Microsoft blocks the whole resource; no caller can lift that. Whoever owns the "
        "subscription can ask Azure support to."
    ),
    denials.WRONG_KEY: (
        "The app's administrators can correct AZURE_OPENAI_API_KEY or AZURE_OPENAI_ENDPOINT."
    ),
    denials.FOREIGN_TENANT: (
        "The app's administrators can give the app an identity of the resource's own tenant."
    ),
    denials.NO_ROLE: _ROLE,
}
# What an error calls a refusal of what was asked: a response names its pictures and its prompt.
_OF_THE_REQUEST = re.compile(
    r"\b4(?!0[48]|29)\d\d\b|invalid_(request|prompt|image|base64)|context_length|image_"
)
# What a whole answer of an API has, in words.
ANSWERS = {
    "chat/completions": "choices",
    "completions": "choices",
    "embeddings": "embeddings",
    "responses": "output",
}
_TEMPORARY = {408, 409, 424, 425, 499}  # as the openai package repeats 408 and 409


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt without an answer. `retry_in` is the pause in seconds before the same backend may
    be tried again, None if that would not help; `blames`: the backend is broken."""

    error: Unavailable
    retry_in: float | None = None
    blames: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """`body` is None for a stream; of that, `first` is the first event with something of an answer:
    None if it has ended before, empty if it has not come yet. `api` is what was asked for."""

    reply: Reply
    body: bytes | None = None
    first: bytes | None = b""
    api: Api = CHAT


@dataclass(frozen=True, slots=True)
class Said:
    """An error in the service's own words; `code` is empty where it only repeats the status."""

    who: str
    status: int
    code: str
    sentence: str

    @classmethod
    def of(cls, received: Received, who: str) -> Self:
        reply = received.reply
        code, sentence = told_in(parsed(received.body))
        code = "" if code == str(reply.status) else code
        return cls(who, reply.status, code, sentence)

    def __str__(self) -> str:
        named = f"{self.status} {self.code}".strip()
        quoted = f': "{self.sentence}"' if self.sentence else "."
        return f"{self.who} was asked, and Azure OpenAI answered {named}{quoted}"

    def matches(self, words: str) -> bool:
        return words in f"{self.code} {self.sentence}".lower()

    @property
    def lacks_deployment(self) -> bool:
        """A 404 may also be about the address ("Resource not found"), or about a model that is
        not offered any more."""
        elsewhere = self.matches("resource not found") or self.is_being_made
        return (
            self.status == 404 and not elsewhere and (not self.code or self.matches("deployment"))
        )

    @property
    def is_being_made(self) -> bool:
        return 400 <= self.status < 500 and self.code.lower() == "deploymentnotready"


def failure_of(received: Received, backend: Backend, requested: Asked | None) -> Failure | None:
    """What is wrong with a reply that should not be passed on as it is. `requested`: the missing
    deployment has been asked for again, or could not be; None: the app does not do that."""
    if received.reply.status < 300:
        failure = _of_success(received, backend.name)
    else:
        failure = _of_refusal(received, backend, requested)
    if failure is not None:
        failure.error.headers = received.reply.for_callers
    return failure


def for_caller(received: Received) -> bytes | None:
    """The body that is passed on: as it came, but of a 401 or 403 only what may be quoted."""
    if received.reply.status not in (401, 403):
        return received.body
    code, sentence = told_in(parsed(received.body))
    kind = {"type": "invalid_request_error", "param": None}
    return json.dumps({"error": {"message": sentence, **kind, "code": code}}).encode()


def told(problems: list[Unavailable]) -> Unavailable:
    """One problem for the caller, with what each backend said: of the kind of the first that has
    cost time, otherwise of the first that may pass, otherwise of the first. Where it tells no
    pause, the shortest that another tells."""
    if len(problems) == 1:
        return problems[0]
    hopeless = (Denied, ModelPaused, ModelRetired, NoDeployment)
    late = (p for p in problems if isinstance(p, OutOfTime))
    may_pass = (p for p in problems if not isinstance(p, hopeless))
    first = next(late, None) or next(may_pass, problems[0])
    pauses = [one.retry_after for one in problems if one.retry_after is not None]
    soonest = first.retry_after if first.retry_after is not None else min(pauses, default=None)
    return type(first)(
        " ".join(problem.message for problem in problems),
        first.fix,
        retry_after=soonest,
        headers=first.headers,
    )


def pause(after: float | None) -> float | None:
    """Seconds until the same backend is tried again, with jitter; None if it wants more than is
    waited for."""
    if after is None:
        after = RETRY_PAUSE_SECONDS
    # A pause that many callers do not share: at least what was asked for, up to a half more.
    return after * random.uniform(1.0, 1.5) if after <= MAX_RETRY_AFTER_SECONDS else None


def _of_refusal(received: Received, backend: Backend, requested: Asked | None) -> Failure | None:
    status, headers = received.reply.status, received.reply.headers
    said = Said.of(received, backend.name)
    if status == 429:
        after = throttled_for(headers, said.sentence)
        return Failure(Throttled(str(said), "Try again.", retry_after=after), pause(after))
    if said.is_being_made:
        ready = ModelNotReady(
            str(said), "Try again in a minute.", retry_after=absent.NOT_READY_SECONDS
        )
        return Failure(ready)
    if status in (404, 410, 423):
        return Failure(_gone(said, backend, requested, received.api))
    if status in (400, 401, 403):
        return _of_who_asks(said)
    if status < 400:
        return Failure(NoAnswer(str(said), _DOCTOR), blames=True)
    if status >= 500 or status in _TEMPORARY:
        after = retry_after(headers)
        broken = Unavailable(str(said), "Try again.", retry_after=after)
        return Failure(broken, pause(after), blames=True)
    return None


def _of_success(received: Received, name: str) -> Failure | None:
    """A whole answer has something in it; a stream begins, with no error in its place."""
    if received.body is None:
        return _of_stream(received, name)
    if received.api.signs.has_answer(received.body):
        return None
    if error := received.api.signs.error_in(received.body):
        return _of_error(error, received, f"{name}: Azure OpenAI answered with the error")
    what = f"an answer without {ANSWERS[received.api.path]}"
    what = what if received.body.strip() else "an empty body"
    code, sentence = told_in(parsed(received.body))
    quoted = f': {code} "{sentence}"' if sentence else "."
    return _no_answer(f"{name}: Azure OpenAI answered {received.reply.status} with {what}{quoted}")


def _of_stream(received: Received, name: str) -> Failure | None:
    first, signs = received.first, received.api.signs
    if first is None or signs.is_end(first):
        return _no_answer(f"{name}: Azure OpenAI ended its stream before it began.")
    error = signs.error_in(first)
    if error is None:
        return None
    return _of_error(error, received, f"{name}: Azure OpenAI began its stream with the error")


def _of_error(error: dict[str, Any], received: Received, began: str) -> Failure | None:
    """What an error means that stands in the place of an answer, after a 200."""
    code, sentence = told_in({"error": error})
    kinds = [str(kind).lower() for kind in (error.get("status"), code, error.get("type"))]
    if not _FILTERS.isdisjoint(kinds):
        return None
    message = f'{began} {code or "of no code"}: "{sentence}"'
    refused = not _OF_WHO_ASKS.isdisjoint(kinds)
    cause = denials.denial(403 if refused else 400, kinds, sentence)
    if refused or cause:
        return _denied(message, cause, code)
    if _OF_THE_REQUEST.search(" ".join(kinds)):
        return None
    if re.search(r"\b429\b|rate_?limit|too_?many", " ".join(kinds)):
        after = throttled_for(received.reply.headers, sentence)
        return Failure(Throttled(message, "Try again.", retry_after=after), pause(after))
    return Failure(Unavailable(message, "Try again."), pause(None), blames=True)


def _no_answer(message: str) -> Failure:
    return Failure(NoAnswer(message, "Ask again."), pause(None), blames=True)


def _of_who_asks(said: Said) -> Failure | None:
    """Of the app, that is; with most 400s, and some others, the caller's request is meant."""
    cause = denials.denial(said.status, [said.code], said.sentence)
    if said.code.lower() in _FILTERS or (said.status == 400 and cause is None):
        return None
    return _denied(str(said), cause, said.code)


def _denied(message: str, cause: Cause | None, code: str) -> Failure:
    fix = _WHOSE_MOVE.get(cause, _DOCTOR) if cause else _DOCTOR
    return Failure(Denied(message, fix, code=code))


def _gone(said: Said, backend: Backend, requested: Asked | None, api: Api) -> Unavailable:
    if said.status == 423:
        fix = f"Whoever administers the resource can resume the deployment {backend.deployment}."
        return ModelPaused(f"{said} It is paused until somebody resumes it.", fix)
    if said.status == 410:
        return ModelRetired(f"{said} No deployment brings it back.", _successor(backend))
    if not said.lacks_deployment:
        address = said.matches("resource not found")
        return NoDeployment(str(said), _nothing_there(api) if address else _DOCTOR)
    return absent.gone(str(said), backend, requested)


def _nothing_there(api: Api) -> str:
    """The address of a resource is right where chats are answered; another API it may not have."""
    if api is CHAT:
        return _ENDPOINT
    return f"This resource, or a gateway before it, may not have {api.path}: chat without it."


def _successor(backend: Backend) -> str:
    if backend.model is None:
        return "The app's administrators can deploy another model and name that instead."
    return (
        f"Whoever owns {backend.model} can train a version of a base model that is still offered; "
        "until then chat with another version."
    )

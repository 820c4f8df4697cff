"""What is told of an answer beside it: its headers for the caller, its figures for the metrics.

Knows who answered in whose place and how long it took, not what was said.
"""

from shared import telemetry
from shared.chat.routing import Backend
from shared.chat.upstream import Answer


def headers(answer: Answer, first_choice: Backend, request_id: str, added: float) -> dict[str, str]:
    """`added`: the seconds that the relay itself took."""
    found = {"content-type": answer.reply.content_type, **answer.reply.for_callers}
    found["x-request-id"] = request_id
    found["x-tunedrop-model"] = answer.backend.name
    found["x-tunedrop-added-ms"] = f"{added * 1000:.1f}"
    if answer.backend != first_choice:
        found["x-tunedrop-fallback-for"] = first_choice.name
    return found


def count(answered: Backend, first_choice: Backend, seconds: float, added: float) -> None:
    model = answered.model or answered.deployment
    version = str(answered.version or "")
    telemetry.measure("tunedrop.chat.seconds", seconds, model=model, version=version)
    telemetry.measure("tunedrop.chat.added_ms", added * 1000, model=model, version=version)
    if answered != first_choice:
        telemetry.measure(
            "tunedrop.chat.fallbacks", model=first_choice.model or first_choice.deployment
        )

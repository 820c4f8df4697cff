"""Judges an answer of the emulator by what is published of it.

The data plane by OpenAI's description, the control plane by the models of Microsoft's SDK. Knows
HTTP, and nothing of how the emulator works.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .cut import PREFIX
from .published import DOCUMENT, Published

NOBODY_READS = (204, 499)  # no body; and whoever asked has gone
# Azure's own operations, which OpenAI does not have, and what they answer (S-AUTH).
AZURES = {("/files/import", "post"): "OpenAIFile"}


@dataclass(frozen=True)
class Answer:
    method: str
    path: str
    status: int
    kind: str  # of content
    body: bytes


@dataclass
class Judge:
    published: Published = field(default_factory=Published)

    def misfits(self, answer: Answer) -> list[str]:
        """Each with the operation; none where the answer is as described."""
        method = answer.method.lower()
        found = [*self._misfits(answer, method)]
        return [f"{answer.method} {answer.path} {answer.status}: {one}" for one in found]

    def _misfits(self, answer: Answer, method: str) -> Iterator[str]:
        if answer.path.startswith("/subscriptions"):
            yield from self._control_plane(answer)
        if not answer.path.startswith("/openai") or answer.status in NOBODY_READS:
            return
        described = _schemas(method, _inside(answer.path))
        if answer.status >= 400:
            yield from self._error(answer)
        elif described is None:
            yield "no such operation is described"
        elif answer.kind == "text/event-stream":
            for event in _events(answer.body):
                # A stream that has begun can only say its error as an event.
                name = "ErrorResponse" if "error" in event else described["text/event-stream"]
                yield from self.published.misfits(name, event)
        elif "application/json" in described:
            schema = described["application/json"]
            yield from self.published.misfits(schema, json.loads(answer.body))

    def _control_plane(self, answer: Answer) -> Iterator[str]:
        # Here: it takes a third of a second, which a process that asks nothing of it need not wait.
        from . import sdk_models

        if not answer.body:
            return
        name = "ErrorResponse" if answer.status >= 400 else sdk_models.model_of(answer.path)
        if name:
            yield from sdk_models.misfits(name, json.loads(answer.body))

    def _error(self, answer: Answer) -> Iterator[str]:
        if answer.kind != "application/json":
            yield f"an error as {answer.kind or 'nothing'}"
        else:
            yield from self.published.misfits("ErrorResponse", json.loads(answer.body))


def _inside(path: str) -> str:
    inside = re.sub(r"^/openai(/v1)?", "", path)
    return re.sub(r"^/deployments/[^/]+", "", inside)


def _schemas(method: str, path: str) -> dict[str, str] | None:
    """By content type; None for what is no operation."""
    if own := AZURES.get((path, method)):
        return {"application/json": own}
    for template, methods in DOCUMENT["paths"].items():
        if method in methods and re.fullmatch(_pattern(template), path):
            content = methods[method]["responses"]["200"].get("content", {})
            references = ((kind, one["schema"].get("$ref", "")) for kind, one in content.items())
            return {kind: ref.removeprefix(PREFIX) for kind, ref in references if ref}
    return None


def _pattern(template: str) -> str:
    # The name of a model may hold a slash.
    return re.sub(r"\{(\w+)\}", lambda it: ".+" if it[1] == "model" else "[^/]+", template)


def _events(stream: bytes) -> Iterator[Any]:
    for line in stream.decode().splitlines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))

"""One question to a model by the app's chat, and what somebody thinks of the answer.

Knows OpenAI's chat completions as a stream and the errors of the chat's routes; neither a
conversation nor a terminal.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tunedrop.app import REVOKED, App, Refused, parse_object
from tunedrop.errors import MISSHAPEN, CommandError, NotReached

DATA = b"data:"
NO_ANSWER = "the app sent something that is no part of an answer."

Message = dict[str, str]
Hear = Callable[[str], None]


@dataclass
class Reply:
    """An answer, as far as it has come. `served_by` is the version or deployment that gave it;
    `finish` why it ended: empty where it was cut off."""

    model: str
    text: str = ""
    id: str = ""
    served_by: str = ""
    finish: str = ""
    prompt_tokens: int | None = None
    tokens: int | None = None
    seconds: float = 0.0
    error: CommandError | None = field(default=None, compare=False)

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "model": self.model,
            "answer": self.text,
            "id": self.id,
            "served_by": self.served_by,
            "finish_reason": self.finish or None,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.tokens,
            "seconds": round(self.seconds, 2),
        }
        if self.error:
            told["error"] = {"message": self.error.message, "fix": self.error.fix}
        return told


def ask(
    app: App, reply: Reply, messages: list[Message], parameters: dict[str, Any], hear: Hear
) -> None:
    """Fills `reply` and calls `hear` with each piece of its text. Raises CommandError."""
    body = {"model": reply.model, "messages": messages, "stream": True, **parameters}
    body["stream_options"] = {"include_usage": True}
    began = time.monotonic()
    try:
        with app.answering("api/v1/chat/completions", body) as (headers, lines):
            reply.served_by = headers.get("x-tunedrop-model") or ""
            for event in events(lines):
                for piece in _take(event, reply):
                    hear(piece)
                reply.seconds = time.monotonic() - began
    except Refused as refused:
        raise refusal(app, refused.status, refused.body) from None
    if not reply.finish:
        raise NotReached(f"the answer of {reply.model} was cut off.", "Ask again.")


def events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON of each event of a stream; comments and `[DONE]` are left out. Raises NotReached for
    an event that is none."""
    for line in lines:
        data = line[len(DATA) :].strip() if line.startswith(DATA) else b""
        if data and data != b"[DONE]":
            event = parse_object(data)
            if not event:
                raise NotReached(NO_ANSWER, "Is it up to date?")
            yield event


def _take(event: dict[str, Any], reply: Reply) -> Iterator[str]:
    """The text in an event. Raises CommandError for one that is an error."""
    if "error" in event:
        raise _told(event["error"], NotReached)
    try:
        reply.id = str(event.get("id") or reply.id)
        if usage := event.get("usage"):
            reply.prompt_tokens = int(usage["prompt_tokens"])
            reply.tokens = int(usage["completion_tokens"])
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            text = delta.get("content") or delta.get("refusal") or ""
            reply.finish = str(choice.get("finish_reason") or reply.finish)
            if text:
                reply.text += str(text)
                yield str(text)
    except MISSHAPEN:
        raise NotReached(NO_ANSWER, "Is it up to date?") from None


def must_exist(app: App, model: str) -> None:
    """Raises CommandError for a model that this key may not use, with those like it."""
    status, body = app.request(f"api/v1/models/{quote(model, safe='@')}")
    if status >= 300:
        raise refusal(app, status, body)


def models(app: App) -> list[str]:
    """What this key may ask. Raises CommandError."""
    status, body = app.request("api/v1/models")
    if status >= 300:
        raise refusal(app, status, body)
    try:
        return [str(model["id"]) for model in json.loads(body)["data"]]
    except MISSHAPEN:
        raise app.unexpected_status(status) from None


def rate(app: App, rating: dict[str, str], pause: Callable[[float], object] = time.sleep) -> Any:
    """What the app makes of {"id", "rating", "correction", "comment"}; again for some seconds where
    it does not know the answer yet. Raises CommandError."""
    for wait in (0.5, 1.0, 2.0, None):
        status, body = app.request("api/feedback", json.dumps(rating).encode())
        if status < 300:
            return parse_object(body)
        if status != 404 or wait is None:
            break
        pause(wait)
    raise refusal(app, status, body)


def refusal(app: App, status: int, body: bytes) -> CommandError:
    """What the chat's routes say when they refuse, and whose move it is."""
    error = parse_object(body).get("error")
    revoked = isinstance(error, dict) and error.get("code") == REVOKED
    if status == 401 and not revoked:
        return NotReached(
            f"{app.url} does not chat with this key." if app.key else f"{app.url} wants a key.",
            "Chat takes a key of the app, not one of its Functions host: `tunedrop keys create "
            f"NAME` makes one, `tunedrop login {app.url}` keeps it.",
        )
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return app.unexpected_status(status)
    theirs = status in (401, 403, 408, 429) or status >= 500
    return _told(error, NotReached if theirs else CommandError)


def _told(error: Any, kind: type[CommandError]) -> CommandError:
    """The app's own sentence has the next step in it."""
    message = error.get("message") if isinstance(error, dict) else None
    return kind(str(message)) if message else kind("the model's deployment failed.", "Ask again.")

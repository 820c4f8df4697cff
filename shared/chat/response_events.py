"""The signs of the Responses API: a whole response, or the typed events of a stream.

A stream begins with events that only repeat the request, and ends with the whole response, which
tells what it has cost; or with an error. The service nests an error (`{"type": "error", "error":
{…}}`), OpenAI's documentation does not; both are read. Knows one event at a time.
https://platform.openai.com/docs/api-reference/responses-streaming (2026-11)
"""

import json
import re
from typing import Any

import msgspec

from shared.chat import cost
from shared.chat.events import EventSplitter

PREAMBLE = ("keepalive", "response.created", "response.queued", "response.in_progress")
ENDS = ("response.completed", "response.incomplete")
FAILED = "response.failed"
ERROR = "error"
MAX_PARSED_BYTES = 4 * 2**20  # of what is decoded, in milliseconds; the longest event has no more

# Where it stands first in an event, it need not be decoded.
_TYPE = re.compile(rb'^data:\s*\{\s*"type"\s*:\s*"([a-z_.]+)"', re.MULTILINE)

_ITEM = re.compile(rb"\A\s*+\[\s*+[^\s\]]")  # of a list that is not empty


class _Response(msgspec.Struct):
    """What is read of a response; all else is skipped, not built. Whatever is of another type than
    it should be must not spoil the rest."""

    status: Any = None
    error: Any = None
    usage: Any = None
    output: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def has_output(self) -> bool:
        return _ITEM.match(self.output) is not None

    @property
    def total_tokens(self) -> int | None:
        return cost.whole(self.usage.get("total_tokens")) if isinstance(self.usage, dict) else None


class _Event(msgspec.Struct):
    type: str = ""
    response: _Response | None = None
    error: Any = None
    code: Any = None
    message: Any = None


_EVENT, _RESPONSE = msgspec.json.Decoder(_Event), msgspec.json.Decoder(_Response)


class Signs:
    """See `apis.Signs`."""

    def has_answer(self, body: bytes) -> bool:
        response = _decoded(_RESPONSE, body)
        if response is None:
            return len(body) > MAX_PARSED_BYTES
        return response.status in ("completed", "incomplete") or response.has_output

    def is_preamble(self, event: bytes) -> bool:
        kind = _kind(event)
        begins = kind not in ("", *PREAMBLE) or self.error_in(event) is not None
        return not begins

    def is_end(self, event: bytes) -> bool:
        return _kind(event) in ENDS

    def error_in(self, event: bytes) -> dict[str, Any] | None:
        """Of a whole response too, if it has failed."""
        if event.lstrip()[:1] == b"{":
            response = _decoded(_RESPONSE, event)
            failed = response is not None and response.status == "failed"
            return _error(response.error) if response and failed else None
        kind = _kind(event)
        if kind not in ("", ERROR, FAILED):
            return None
        found = _event(event)
        if kind == FAILED:
            return _error(found.response.error if found.response else None)
        if kind == ERROR:
            return _error(found.error or {"code": found.code, "message": found.message})
        return _error(found.error) if found.error else None

    def tokens_in(self, event: bytes) -> int:
        """Text comes in deltas; what is said at the end of each part and item repeats it."""
        return cost.of_event(event) if _kind(event).endswith(".delta") else 0

    def counted(self, answer: bytes) -> int | None:
        """Of what ends an answer only, and not of a text within it: tools and metadata, which a
        caller has made up, stand beside the account."""
        if answer.lstrip()[:1] == b"{":
            response = _decoded(_RESPONSE, answer)
        else:
            ends = _kind(answer) in (*ENDS, FAILED)
            response = _event(answer).response if ends else None
        return response.total_tokens if response else None


def ended(stream: bytes) -> dict[str, Any] | None:
    """The response that a stream has ended with, if it is there and has not failed."""
    splitter = EventSplitter()
    events = [*splitter.feed(stream), splitter.rest()]
    whole = next((event for event in reversed(events) if _kind(event) in ENDS), None)
    found = json.loads(_data(whole)) if whole else {}
    response: dict[str, Any] | None = found.get("response")
    return response


def _error(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    return {"message": str(given or "")}


def _kind(event: bytes) -> str:
    """The type of an event; empty for a comment, and for what is none of this API's events."""
    first = _TYPE.search(event)
    return first[1].decode() if first else _event(event).type


def _data(event: bytes) -> bytes:
    lines = event.splitlines()
    return b"\n".join(line[5:] for line in lines if line.startswith(b"data:")).strip()


def _event(event: bytes) -> _Event:
    return _decoded(_EVENT, _data(event)) or _Event()


def _decoded(decoder: Any, body: bytes) -> Any:
    if len(body) > MAX_PARSED_BYTES:
        return None
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None

"""What a chat said, taken out of a request and an answer, with everything private masked.

Pure: knows OpenAI's answers, not where anything is stored nor what becomes of it. Masking and
parsing take long for long texts, so callers run `transcript` outside of the event loop.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from shared.chat.apis import CHAT, RESPONSES, Api
from shared.chat.events import EventSplitter
from shared.chat.examples import Reason
from shared.chat.messages import (
    Message,
    NotKept,
    Said,
    kept_message,
    kept_messages,
    kept_tools,
)
from shared.chat.protocol import ChatRequest
from shared.chat.response_messages import as_chat, read_response
from shared.dataset.privacy import mask, mask_number

RESPONSE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
MAX_CONVERSATION_BYTES = 2 * 2**20  # of request and answer; a longer one is no example either
NAMES = ("name", "role", "type")  # words that are masked are no names any more
ENDS = ("stop", "length", "tool_calls", "content_filter", "function_call")  # finish_reason


def transcript(chat: ChatRequest, answer: bytes) -> dict[str, Any] | None:
    """A conversation with every text in it masked: also names, keys, the definitions of tools and
    the arguments of calls. Pictures are kept as they are, byte by byte. In the place of what was
    said is `left_out`, a Reason, if no example could be made of what would be left: a sound, a
    file or an address cannot be masked, and a name that was masked is none. None if there is no
    message in the answer.
    """
    said = read_answer(answer, chat.api)
    if said is None:
        return None
    if chat.size + len(answer) > MAX_CONVERSATION_BYTES:
        return {"id": said.id, "left_out": Reason.TOO_LARGE}
    try:
        body = as_chat(chat.body) if chat.api is RESPONSES else chat.body
        return {"id": said.id, **_masked_conversation(body, said)}
    except (NotKept, RecursionError):
        return {"id": said.id, "left_out": Reason.NOT_MASKABLE}


def _masked_conversation(body: dict[str, Any], said: Said) -> dict[str, Any]:
    found: dict[str, Any] = {
        "messages": list(map(_masked_message, kept_messages(body["messages"]))),
        "answer": _masked_message(kept_message(said.message)),
        "finish_reason": said.finish_reason,
    }
    if tools := kept_tools(body.get("tools")):
        found["tools"] = _masked(tools)
    if isinstance(at_once := body.get("parallel_tool_calls"), bool):
        found["parallel_tool_calls"] = at_once
    return found


def _masked_message(message: Message) -> Message:
    return {
        key: list(map(_masked_part, value))
        if key == "content" and isinstance(value, list)
        else _masked(value, key)
        for key, value in message.items()
    }


def _masked_part(part: dict[str, Any]) -> dict[str, Any]:
    """What looks like a secret within a picture's bytes is none."""
    return part if part["type"] == "image_url" else {**part, "text": _masked(part["text"])}


def _masked(value: Any, key: str = "", names: tuple[str, ...] = NAMES) -> Any:
    """The same text becomes the same everywhere, so what belongs together stays together."""
    if isinstance(value, str):
        masked_text = _masked_arguments(value) if key == "arguments" else mask(value)
        if masked_text != value and key in names:
            raise NotKept(key)
        return masked_text
    if isinstance(value, list):
        return [_masked(inner, key, names) for inner in value]
    if isinstance(value, dict):
        masked = {mask(name): _masked(inner, name, names) for name, inner in value.items()}
        if len(masked) < len(value):
            raise NotKept("keys")
        return masked
    return value if isinstance(value, bool | None) else mask_number(value)


def _masked_arguments(text: str) -> str:
    """The arguments of a call are JSON in a text, and must be so afterwards."""
    try:
        given = json.loads(text)
    except ValueError:
        return mask(text)
    masked = _masked(given, names=())  # what is called a name in it is somebody's
    return text if masked == given else json.dumps(masked, ensure_ascii=False)


# ---- answers


def read_answer(body: bytes, api: Api = CHAT) -> Said | None:
    """The first choice of a whole answer, or of the events of a stream; or a response."""
    try:
        if api is RESPONSES:
            return _usable(read_response(body))
        whole = body.lstrip()[:1] in (b"{", b"[")
        return _assembled([json.loads(body)] if whole else list(_events(body)))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None  # an error, or a shape of tomorrow


def _events(body: bytes) -> Iterator[Any]:
    """What the events of a stream hold: of one, several lines may be one object, or none."""
    events = EventSplitter()
    for event in [*events.feed(body), events.rest()]:
        lines = (line[5:] for line in event.splitlines() if line.startswith(b"data:"))
        data = b"\n".join(lines).strip()
        if data not in (b"", b"[DONE]"):
            yield json.loads(data)


def _assembled(chunks: list[Any]) -> Said | None:
    response_id, content, refusal, reason = "", "", "", None
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        response_id = chunk.get("id") or response_id
        for choice in _first(chunk.get("choices") or []):
            reason = choice.get("finish_reason") or reason
            part = choice.get("message") or choice.get("delta") or {}
            content += part.get("content") or ""
            refusal += part.get("refusal") or ""
            for number, call in enumerate(part.get("tool_calls") or []):
                _merge_tool_call(calls.setdefault(_place(call, number), {}), call)
    message: Message = {"role": "assistant", "content": content, "refusal": refusal}
    message["tool_calls"] = [calls[index] for index in sorted(calls)]
    return _usable(Said(response_id, kept_message(message), reason if reason in ENDS else None))


def _usable(said: Said | None) -> Said | None:
    """What can be rated: it has an id, and says something."""
    if said is None or not RESPONSE_ID.fullmatch(said.id):
        return None
    return said if said.message.get("content") or said.message.get("tool_calls") else None


def _first(choices: list[Any]) -> Iterable[Any]:
    """The choice with the index 0: a stream of several sends them by turns, in any order."""
    return [choice for number, choice in enumerate(choices) if _place(choice, number) == 0]


def _place(item: dict[str, Any], number: int) -> int:
    return number if item.get("index") is None else int(item["index"])


def _merge_tool_call(merged: dict[str, Any], part: dict[str, Any]) -> None:
    """A stream sends a call's arguments in pieces and everything else once."""
    for name in ("id", "type"):
        if part.get(name):
            merged[name] = part[name]
    function = merged.setdefault("function", {"name": "", "arguments": ""})
    for name, piece in (part.get("function") or {}).items():
        if isinstance(piece, str):
            function[name] = function.get(name, "") + piece

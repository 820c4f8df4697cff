"""What a chat said, taken out of a request and an answer, and made into an example.

Pure: knows OpenAI's answers and the dataset's examples, not where anything is stored. Masking and
parsing take long for long texts, so callers run `transcript` outside of the event loop.
"""

import json
import re
from typing import Any

from shared.chat.protocol import ChatRequest
from shared.dataset.privacy import mask, mask_number

RESPONSE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
MAX_CONVERSATION_BYTES = 2 * 2**20  # of request and answer; a longer one is no example either
TEXT_PARTS = ("text", "refusal")  # of a message's content; others hold bytes or an address
PART_KEYS = {"type", *TEXT_PARTS}
MESSAGE_KEYS = {  # another may hold a picture as well
    *("role", "content", "name", "refusal", "weight"),
    *("tool_calls", "tool_call_id", "function_call"),
}
NAMES = ("name", "role", "type")  # words that are masked are no names any more
EXAMPLE_FIELDS = ("tools", "parallel_tool_calls")  # of a request; they belong to an example

Message = dict[str, Any]


def transcript(chat: ChatRequest, answer: bytes) -> dict[str, Any] | None:
    """A conversation with every text in it masked: also names, keys, the definitions of tools and
    the arguments of calls. None if there is no message in the answer, or if no example could be
    made of what is left: pictures and sounds cannot be masked, and a name that was masked is none.
    """
    parsed = read_answer(answer)
    if parsed is None or chat.size + len(answer) > MAX_CONVERSATION_BYTES:
        return None
    response_id, message = parsed
    extra = {name: chat.body[name] for name in EXAMPLE_FIELDS if name in chat.body}
    try:
        return {
            "id": response_id,
            "messages": [_masked_message(said) for said in chat.body["messages"]],
            "answer": _masked_message(message),
            **{name: _masked(value) for name, value in extra.items()},
        }
    except (Unmaskable, RecursionError):
        return None


class Unmaskable(ValueError):
    """Masked, it is no longer what it has to be."""


def _masked_message(message: Message) -> Message:
    content = message.get("content")
    for part in content if isinstance(content, list) else []:
        if not isinstance(part, dict) or part.get("type") not in TEXT_PARTS:
            raise Unmaskable("a part that is no text")
        if _used(part) - PART_KEYS:
            raise Unmaskable("a part with more than its text")
    if _used(message) - MESSAGE_KEYS:
        raise Unmaskable("a message with a key that is not known")
    masked: Message = _masked({k: value for k, value in message.items() if k in MESSAGE_KEYS})
    return masked


def _used(value: dict[str, Any]) -> set[str]:
    """Clients send an answer back with every key that it may have, most of them empty."""
    return {key for key, inner in value.items() if inner not in (None, "", [], {})}


def _masked(value: Any, key: str = "", names: tuple[str, ...] = NAMES) -> Any:
    """The same text becomes the same everywhere, so what belongs together stays together."""
    if isinstance(value, str):
        masked_text = _masked_arguments(value) if key == "arguments" else mask(value)
        if masked_text != value and key in names:
            raise Unmaskable(key)
        return masked_text
    if isinstance(value, list):
        return [_masked(inner, key, names) for inner in value]
    if isinstance(value, dict):
        masked = {mask(name): _masked(inner, name, names) for name, inner in value.items()}
        if len(masked) < len(value):
            raise Unmaskable("keys")
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


def read_answer(body: bytes) -> tuple[str, Message] | None:
    """Id and message of the first choice, from a whole answer or the events of a stream."""
    try:
        chunks = _events(body) if body.lstrip().startswith((b"data:", b":")) else [json.loads(body)]
        return _assembled(chunks)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None  # an error, or a shape of tomorrow


def _events(body: bytes) -> list[Any]:
    lines = (line[5:].strip() for line in body.splitlines() if line.startswith(b"data:"))
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def _assembled(chunks: list[Any]) -> tuple[str, Message] | None:
    response_id, content = "", ""
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        response_id = chunk.get("id") or response_id
        for choice in chunk["choices"][:1]:
            part = choice.get("message") or choice.get("delta") or {}
            content += part.get("content") or ""
            for number, call in enumerate(part.get("tool_calls") or []):
                _merge_tool_call(calls.setdefault(call.get("index", number), {}), call)
    message: Message = {"role": "assistant", "content": content or None}
    if calls:
        message["tool_calls"] = [calls[index] for index in sorted(calls)]
    usable = RESPONSE_ID.fullmatch(response_id) and (content or calls)
    return (response_id, message) if usable else None


def _merge_tool_call(merged: dict[str, Any], part: dict[str, Any]) -> None:
    """A stream sends a call's arguments in pieces and everything else once."""
    for name in ("id", "type"):
        if part.get(name):
            merged[name] = part[name]
    function = merged.setdefault("function", {"name": "", "arguments": ""})
    for name, piece in (part.get("function") or {}).items():
        if isinstance(piece, str):
            function[name] = function.get(name, "") + piece


# ---- examples


def rated_example(
    conversation: dict[str, Any], rating: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """An example and where it comes from; None if the answer was bad and nobody corrected it."""
    answer = _target_answer(conversation["answer"], rating)
    return (_example(conversation, answer), _source(conversation, rating)) if answer else None


def _target_answer(answer: Message, rating: dict[str, Any]) -> Message | None:
    if correction := rating.get("correction"):
        return {"role": "assistant", "content": correction}
    return answer if rating["rating"] == "good" else None


def _example(conversation: dict[str, Any], answer: Message) -> dict[str, Any]:
    """Only the rated answer is to be learned: nobody has rated the earlier ones."""
    context = [
        {**message, "weight": 0} if message.get("role") == "assistant" else message
        for message in conversation["messages"]
    ]
    extra = {name: conversation[name] for name in EXAMPLE_FIELDS if name in conversation}
    target = {name: value for name, value in answer.items() if value is not None}
    return {"messages": [*context, target], **extra}


def _source(conversation: dict[str, Any], rating: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": conversation["id"],
        "answered_at": conversation["at"],
        "answered_by": conversation["served_by"],
        "rating": rating["rating"],
        "corrected": "correction" in rating,
        "rated_at": rating["at"],
        "rated_by": rating["by"],
    }

"""What a chat request may contain, and with which message the rest is refused. Pure.

What the small model cannot do is refused by name rather than ignored.
"""

import json
from dataclasses import dataclass
from typing import Any

from ..core.errors import InferenceError
from ..language import grammar
from ..language.dataset import Message, to_message
from ..language.generation import SamplingOptions
from .parameters import MAX_SEED, bad, flag, number, unknown, unsupported, whole
from .tools import Tools, of_chat

# Azure sets no limit of its own; a model of this size would go on until its context is full.
DEFAULT_MAX_TOKENS = 512
LIMITS = ("max_tokens", "max_completion_tokens")  # one setting under two names
MOST_TOKENS = 1_000_000
MAX_STOPS, MAX_CHOICES, MAX_TOP_LOGPROBS = 4, 8, 20
SUPPORTED = {
    "messages", "model", "stream", "stream_options", "temperature", "top_p", "n", "stop",
    "max_tokens", "max_completion_tokens", "seed", "presence_penalty", "frequency_penalty",
    "logprobs", "top_logprobs", "response_format", "tools", "tool_choice",
    "parallel_tool_calls", "functions", "function_call",
}  # fmt: skip
# They change nothing in the answer.
WITHOUT_EFFECT = {
    "user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key",
}  # fmt: skip
# logit_bias: token numbers of another tokenizer.
UNSUPPORTED = {
    "logit_bias", "audio", "modalities", "prediction", "reasoning_effort", "verbosity",
    "web_search_options", "data_sources",
}  # fmt: skip


@dataclass(frozen=True)
class ChatRequest:
    """`limited`: whether the caller said how many tokens the answer may have."""

    messages: list[Message]
    sampling: SamplingOptions
    limited: bool
    stops: tuple[str, ...]
    choices: int
    tools: Tools
    stream: bool
    include_usage: bool


def parse(body: dict[str, Any]) -> ChatRequest:
    _refuse_unsupported(body)
    raw = body.get("messages")
    if not isinstance(raw, list) or not raw:
        raise bad("messages", "must be a list with at least one message.")
    try:
        messages = [to_message(message) for message in raw]
    except ValueError as error:
        raise bad("messages", f"{error}.") from error
    options = body.get("stream_options") or {}
    return ChatRequest(
        messages=messages,
        sampling=_sampling(body),
        limited=any(body.get(name) is not None for name in LIMITS),
        stops=stops_of(body.get("stop")),
        choices=whole(body, "n", 1, MAX_CHOICES) or 1,
        tools=of_chat(body),
        stream=flag(body, "stream"),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def _sampling(body: dict[str, Any]) -> SamplingOptions:
    given = [name for name in LIMITS if body.get(name) is not None]
    if len(given) > 1:
        raise bad("max_tokens", "it excludes max_completion_tokens.")
    top_logprobs = whole(body, "top_logprobs", 0, MAX_TOP_LOGPROBS)
    wants_logprobs = flag(body, "logprobs")
    if top_logprobs is not None and not wants_logprobs:
        raise bad("top_logprobs", "it needs logprobs to be true.")
    return SamplingOptions(
        max_tokens=whole(body, (given or LIMITS)[0], 1, MOST_TOKENS) or DEFAULT_MAX_TOKENS,
        temperature=number(body, "temperature", 0, 2),
        top_p=number(body, "top_p", 0, 1),
        seed=whole(body, "seed", -MAX_SEED - 1, MAX_SEED),
        presence_penalty=number(body, "presence_penalty", -2, 2) or 0.0,
        frequency_penalty=number(body, "frequency_penalty", -2, 2) or 0.0,
        top_logprobs=(top_logprobs or 0) if wants_logprobs else None,
        schema=_schema(body),
    )


def _schema(body: dict[str, Any]) -> str | None:
    """What the answer has to follow, if it is to be JSON."""
    given = body.get("response_format") or {"type": "text"}
    if not isinstance(given, dict):
        raise bad("response_format", "must be an object.")
    match given.get("type"):
        case "text":
            return None
        case "json_object":
            if "json" not in json.dumps(body["messages"]).lower():  # [inferred] from OpenAI's
                message = "'messages' must contain the word 'json' in some form, to use"
                message += " 'response_format' of type 'json_object'."
                raise InferenceError(400, "invalid_value", message, "messages")
            return grammar.ANY_OBJECT
        case "json_schema":
            return _given_schema(given.get("json_schema"))
    raise bad("response_format.type", "it must be text, json_object or json_schema.")


def _given_schema(given: object) -> str:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise bad("response_format.json_schema", "it must be an object with a name and a schema.")
    schema = given.get("schema")
    if reason := grammar.schema_error(schema, strict=given.get("strict") is True):
        # The message is the service's; the code is that of its newer API [inferred].
        message = f"Invalid schema for response_format '{given['name']}': {reason}"
        raise InferenceError(400, "invalid_json_schema", message, "response_format")
    return json.dumps(schema)


def _refuse_unsupported(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name in UNSUPPORTED and value and value != ["text"]:
            raise unsupported(name)
        if name not in SUPPORTED | WITHOUT_EFFECT | UNSUPPORTED:
            raise unknown(name)


def stops_of(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if (
        not isinstance(stops, list)
        or len(stops) > MAX_STOPS
        or not all(isinstance(stop, str) and stop for stop in stops)
    ):
        raise bad("stop", f"must be a string or a list of at most {MAX_STOPS} strings.")
    return tuple(stops)

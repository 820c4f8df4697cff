"""What a chat request may contain, and with which message the rest is refused. Pure.

What the small model cannot do is refused by name rather than ignored. Tools are the exception: with
`tool_choice` "auto" a model is free never to call one, and this one never does.
"""

import json
from dataclasses import dataclass
from typing import Any

from ..core.errors import InferenceError
from ..language import grammar
from ..language.dataset import Message, to_message
from ..language.generation import SamplingOptions

# Azure sets no limit of its own; a model of this size would go on until its context is full.
DEFAULT_MAX_TOKENS = 512
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
    messages: list[Message]
    sampling: SamplingOptions
    stops: tuple[str, ...]
    choices: int
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
        stops=_stops(body.get("stop")),
        choices=int(_number(body, "n", 1, MAX_CHOICES, whole=True) or 1),
        stream=_flag(body, "stream"),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
    )


def bad(param: str, reason: str) -> InferenceError:
    return InferenceError(400, "invalid_value", f"Invalid value for '{param}': {reason}", param)


def _sampling(body: dict[str, Any]) -> SamplingOptions:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise bad("max_tokens", "it excludes max_completion_tokens.")
    name = "max_tokens" if body.get("max_tokens") is not None else "max_completion_tokens"
    limit = _number(body, name, 1, 1_000_000, whole=True)
    seed = _number(body, "seed", -(2**63), 2**63 - 1, whole=True)
    top_logprobs = _number(body, "top_logprobs", 0, MAX_TOP_LOGPROBS, whole=True)
    wants_logprobs = _flag(body, "logprobs")
    if top_logprobs is not None and not wants_logprobs:
        raise bad("top_logprobs", "it needs logprobs to be true.")
    return SamplingOptions(
        max_tokens=DEFAULT_MAX_TOKENS if limit is None else int(limit),
        temperature=_number(body, "temperature", 0, 2),
        top_p=_number(body, "top_p", 0, 1),
        seed=None if seed is None else int(seed),
        presence_penalty=_number(body, "presence_penalty", -2, 2) or 0.0,
        frequency_penalty=_number(body, "frequency_penalty", -2, 2) or 0.0,
        top_logprobs=int(top_logprobs or 0) if wants_logprobs else None,
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
            raise _unsupported(name)
        if name not in SUPPORTED | WITHOUT_EFFECT | UNSUPPORTED:
            # OpenAI's message; that Azure uses the same is [inferred].
            raise InferenceError(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)
    for name in ("tool_choice", "function_call"):
        if body.get(name) not in (None, "auto", "none"):
            raise _unsupported(name)
    _check_tools(body)


def _check_tools(body: dict[str, Any]) -> None:
    functions = body.get("functions") or []
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not isinstance(functions, list):
        raise bad("tools", "must be a list.")
    inner = [tool.get("function") if isinstance(tool, dict) else None for tool in tools]
    for function in (*inner, *functions):
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise bad("tools", "every tool must have a function with a name.")


def _unsupported(name: str) -> InferenceError:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return InferenceError(400, "unsupported_parameter", message, name)


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise bad(name, f"{value!r} is neither true nor false.")
    return bool(value)


def _number(
    body: dict[str, Any], name: str, low: float, high: float, whole: bool = False
) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    kind: Any = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        number = "whole number" if whole else "number"
        raise bad(name, f"{value!r} is not a {number} between {low} and {high}.")
    return float(value) if not whole else int(value)


def _stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if (
        not isinstance(stops, list)
        or len(stops) > MAX_STOPS
        or not all(isinstance(stop, str) and stop for stop in stops)
    ):
        raise bad("stop", f"must be a string or a list of at most {MAX_STOPS} strings.")
    return tuple(stops)

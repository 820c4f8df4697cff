"""What a request for a response may contain, and with which message the rest is refused. Pure.

Knows nothing of earlier responses: `previous` is an id that somebody else looks up.
"""

import json
from dataclasses import dataclass
from typing import Any

from ..core.errors import InferenceError
from ..language import grammar
from ..language.generation import SamplingOptions
from .chat_request import DEFAULT_MAX_TOKENS, MAX_TOP_LOGPROBS, MOST_TOKENS
from .parameters import bad, flag, number, required, text, unknown, unsupported, whole
from .tools import Tools, of_response

MIN_TOKENS = 16
LOGPROBS = "message.output_text.logprobs"  # what `include` has to name to get them
SUPPORTED = {
    "model", "input", "instructions", "stream", "stream_options", "temperature", "top_p",
    "max_output_tokens", "text", "tools", "tool_choice", "parallel_tool_calls", "store",
    "previous_response_id", "metadata", "include", "top_logprobs", "truncation",
}  # fmt: skip
# They change nothing in the answer; what an answer would cost to think is no part of it.
WITHOUT_EFFECT = {
    "user", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
    "max_tool_calls",
}  # fmt: skip
# Asked for with a value that means "no", they are no reason to refuse anything.
UNSUPPORTED = {"background", "conversation", "prompt", "reasoning", "context_management"}


@dataclass(frozen=True)
class ResponseRequest:
    """`limited`: whether the caller said how many tokens the answer may have. `echoed`: what the
    response repeats of the request."""

    input: Any
    instructions: str | None
    previous: str | None
    sampling: SamplingOptions
    limited: bool
    stream: bool
    store: bool
    tools: Tools
    echoed: dict[str, Any]


def parse(body: dict[str, Any]) -> ResponseRequest:
    _refuse_unsupported(body)
    if body.get("input") is None:
        raise required("input")
    instructions, previous = text(body, "instructions"), text(body, "previous_response_id")
    _check_metadata(body.get("metadata"))
    return ResponseRequest(
        input=body["input"],
        instructions=instructions,
        previous=previous,
        sampling=_sampling(body),
        limited=body.get("max_output_tokens") is not None,
        stream=flag(body, "stream"),
        store=flag(body, "store", default=True),
        tools=of_response(body),
        echoed=_echoed(body),
    )


def _refuse_unsupported(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name in UNSUPPORTED and _is_wanted(value):
            raise unsupported(name)
        if name not in SUPPORTED | WITHOUT_EFFECT | UNSUPPORTED:
            raise unknown(name)


def _is_wanted(value: Any) -> bool:
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _sampling(body: dict[str, Any]) -> SamplingOptions:
    include = body.get("include") or []
    if not isinstance(include, list):
        raise bad("include", "must be a list.")
    top_logprobs = whole(body, "top_logprobs", 0, MAX_TOP_LOGPROBS)
    return SamplingOptions(
        max_tokens=_max_tokens(body),
        temperature=number(body, "temperature", 0, 2),
        top_p=number(body, "top_p", 0, 1),
        top_logprobs=(top_logprobs or 0) if LOGPROBS in include else None,
        schema=_schema(body),
    )


def _max_tokens(body: dict[str, Any]) -> int:
    name = "max_output_tokens"
    given = whole(body, name, -MOST_TOKENS, MOST_TOKENS)
    if given is not None and given < MIN_TOKENS:
        # OpenAI's words; who asks for one token to see whether a model answers meets them.
        message = f"Invalid '{name}': integer below minimum value. Expected a value >="
        message += f" {MIN_TOKENS}, but got {given} instead."
        raise InferenceError(400, "integer_below_min_value", message, name)
    return given or DEFAULT_MAX_TOKENS


def _schema(body: dict[str, Any]) -> str | None:
    """What the answer has to follow, if it is to be JSON."""
    given = body.get("text") or {}
    if not isinstance(given, dict):
        raise bad("text", "must be an object.")
    wanted = given.get("format") or {"type": "text"}
    match wanted.get("type") if isinstance(wanted, dict) else None:
        case "text":
            return None
        case "json_object":
            said = json.dumps([body["input"], body.get("instructions")])
            if "json" not in said.lower():
                message = "Response input messages must contain the word 'json' in some form to"
                message += " use 'text.format' of type 'json_object'."
                raise InferenceError(400, "invalid_value", message, "input")
            return grammar.ANY_OBJECT
        case "json_schema":
            return _given_schema(wanted)
    raise bad("text.format.type", "it must be text, json_object or json_schema.")


def _given_schema(wanted: dict[str, Any]) -> str:
    for name in ("name", "schema"):
        if not wanted.get(name):
            raise required(f"text.format.{name}")
    if reason := grammar.schema_error(wanted["schema"], strict=wanted.get("strict") is True):
        message = f"Invalid schema for response_format '{wanted['name']}': {reason}"
        raise InferenceError(400, "invalid_json_schema", message, "text.format.schema")
    return json.dumps(wanted["schema"])


def _check_metadata(metadata: Any) -> None:
    pairs = metadata.items() if isinstance(metadata, dict) else () if metadata is None else None
    if pairs is None or not all(isinstance(value, str) for _, value in pairs):
        raise bad("metadata", "must be an object of strings.")


def _echoed(body: dict[str, Any]) -> dict[str, Any]:
    """With the service's values for what was not said (S-OAI)."""
    given = body.get("text") or {}
    said: dict[str, Any] = {
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }
    said |= {name: body[name] for name in said if body.get(name) is not None}
    format = given.get("format") or {"type": "text"}
    return {
        **said,
        "background": False,
        "reasoning": {"effort": None, "summary": None},
        "text": {"verbosity": "medium", **given, "format": format},
        "service_tier": "default",
    }

"""Azure's events of a stream put into OpenAI's plain form, for clients that know no other.

Azure adds chunks without choices, choices without a delta, and what its content filter found: many
clients take the first choice of each chunk and its delta, and break. Knows one event at a time.
"""

import json
from typing import Any

FILTER_OF_CHUNK = ("prompt_filter_results", "prompt_annotations")
FILTER_OF_CHOICE = (
    "content_filter_results",
    "content_filter_result",
    "content_filter_offsets",
    "content_filter_error",
)
ALL = "*"


def is_plain(model: str, names: tuple[str, ...]) -> bool:
    """Whether the setting names the model; a model's name is that of all its versions."""
    return ALL in names or model in names or model.partition("@")[0] in names


def plain(event: bytes) -> bytes:
    """The event in OpenAI's form; empty for one that OpenAI would not send. Whatever is no chunk,
    or is one already, comes back as it is."""
    lines = event.splitlines()
    data = b"\n".join(line[5:] for line in lines if line.startswith(b"data:"))
    try:
        chunk: Any = json.loads(data)
    except (ValueError, RecursionError):
        return event  # a comment, [DONE], or nothing that is known here
    if not isinstance(chunk, dict) or "error" in chunk:
        return event
    made = _chunk(chunk)
    if made == chunk:
        return event
    others = [line + b"\n" for line in lines if line and not line.startswith(b"data:")]
    written = json.dumps(made, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return b"".join([*others, b"data: ", written, b"\n\n"]) if made else b""


def _chunk(chunk: dict[str, Any]) -> dict[str, Any]:
    """Empty where nothing is left of it."""
    given = chunk.get("choices")
    choices = [_choice(c) for c in given if _says(c)] if isinstance(given, list) else []
    if not choices and not chunk.get("usage"):
        return {}
    kept = {name: value for name, value in chunk.items() if name not in FILTER_OF_CHUNK}
    if kept.get("usage", "") is None:  # Azure's, because the relay asks for the usage at the end
        del kept["usage"]
    return {**kept, "choices": choices}


def _says(choice: Any) -> bool:
    """Whether a choice says something: a filter's note has neither a delta nor a reason."""
    known = isinstance(choice, dict)
    return known and bool(isinstance(choice.get("delta"), dict) or choice.get("finish_reason"))


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in choice.items() if name not in FILTER_OF_CHOICE}
    return kept if isinstance(kept.get("delta"), dict) else {**kept, "delta": {}}

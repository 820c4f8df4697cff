"""Parameters of a request to a model, checked one by one, and the sentences that refuse them. Pure.

Knows no operation: each says itself which parameters it takes.
"""

from typing import Any

from ..core.errors import InferenceError

MAX_SEED = 2**63 - 1


def bad(param: str, reason: str) -> InferenceError:
    return InferenceError(400, "invalid_value", f"Invalid value for '{param}': {reason}", param)


def unsupported(name: str) -> InferenceError:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return InferenceError(400, "unsupported_parameter", message, name)


def unknown(name: str) -> InferenceError:
    # OpenAI's message; that Azure uses the same is [inferred].
    return InferenceError(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)


def required(name: str) -> InferenceError:
    message = f"Missing required parameter: '{name}'."
    return InferenceError(400, "missing_required_parameter", message, name)


def flag(body: dict[str, Any], name: str, default: bool = False) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad(name, f"{value!r} is neither true nor false.")
    return value


def number(body: dict[str, Any], name: str, low: float, high: float) -> float | None:
    return _number(body, name, low, high, (int, float), "number")


def whole(body: dict[str, Any], name: str, low: int, high: int) -> int | None:
    value = _number(body, name, low, high, int, "whole number")
    return None if value is None else int(value)


def _number(
    body: dict[str, Any], name: str, low: float, high: float, kind: Any, called: str
) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        raise bad(name, f"{value!r} is not a {called} between {low} and {high}.")
    found: float = value if kind is int else float(value)  # a float has not every whole number
    return found


def text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise bad(name, "must be a string.")

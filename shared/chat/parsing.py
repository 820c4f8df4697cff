"""JSON from strangers: parsed within bounds of depth, values and digits, or refused by name.

The parser holds the interpreter for a whole body, so what would take it long is found before.
"""

import json
from math import isinf
from typing import Any

from shared.chat.bodies import LARGE_BYTES
from shared.errors import CallerError

MAX_DEPTH = 64  # levels of nesting; a tool's schema has a dozen
# The parser holds the interpreter for a whole body: 4 MiB of empty lists would take a second.
MAX_VALUES = 100_000
FORM = 'Send one object of JSON: {"model": …} with the fields of the API that is asked.'
MAX_DIGITS = 100  # of a whole number


class BadRequest(CallerError):
    """The request is not a chat request. `param` names the field that is wrong."""

    def __init__(self, message: str, fix: str, *, param: str | None = None, status: int = 400):
        super().__init__(message, fix)
        self.param = param
        self.status = status


def parse_object(body: bytes) -> dict[str, Any]:
    try:
        text = text_of(body)
        if len(body) > LARGE_BYTES and has_more_values(text, MAX_VALUES):
            raise BadRequest(f"The request has more than {MAX_VALUES:,} values.", "Send fewer.")
        chat = json.loads(
            text, parse_int=_short_int, parse_float=_finite, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise BadRequest("The request is nested too deeply.", "Send less depth.") from None
    except ValueError:
        raise BadRequest("The body is not JSON.", FORM) from None
    if not isinstance(chat, dict):
        raise BadRequest("The body is not a JSON object.", FORM)
    _refuse_depth(chat)
    return chat


def text_of(body: bytes) -> str:
    return body.decode(json.detect_encoding(body), "surrogatepass")


def has_more_values(text: str, limit: int) -> bool:
    """Whether JSON has more lists, objects and members of them than that; known without parsing,
    by the signs outside of strings."""
    unescaped = text.replace(r"\\", "").replace(r"\"", "")
    if unescaped.count('"') > 4 * limit + 2:  # a member has a name and a value
        return True
    outside = "".join(unescaped.split('"')[::2])
    return sum(map(outside.count, "[{,")) > limit


def _short_int(digits: str) -> int:
    """To read and write a number takes a time that grows with the square of its digits."""
    if len(digits) > MAX_DIGITS:
        message = f"The request has a number of {len(digits):,} digits."
        raise BadRequest(message, f"At most {MAX_DIGITS} are taken: send it as a text.")
    return int(digits)


def _finite(number: str) -> float:
    """1e999 would be sent on as Infinity, which is no JSON."""
    if isinf(found := float(number)):
        message = f"The number {number[:20]} is too large for a computer's fractions."
        raise BadRequest(message, "Send a smaller one.")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _refuse_depth(value: Any) -> None:
    layer, depth = [value], 0
    while layer := [
        inner
        for outer in layer
        for inner in (outer.values() if isinstance(outer, dict) else outer)
        if isinstance(inner, dict | list)
    ]:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadRequest(
                f"The request is nested more than {MAX_DEPTH} levels deep.", "Send less depth."
            )

"""Who commands something of a run or a model, and with what words: read out of a request.

Knows bodies and headers, no command.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from shared.access import person_of
from shared.chat.protocol import read_body
from shared.errors import CallerError
from shared.printable import printable, shown
from shared.settings import Settings

MAX_COMMENT = 1000  # characters of who and why
MAX_COMMAND_BYTES = 32 * 2**10  # of a command's body: who and why, escaped
BY_WHOM = ("who", "why")  # may stand in every body
LARGEST_NUMBER = 10**6  # of a version


@dataclass(frozen=True, slots=True)
class Given:
    """An order as it came: what its body says, and in whose name."""

    body: Mapping[str, Any]
    who: str
    why: str


async def given(request: Request, action: str, keys: tuple[str, ...], settings: Settings) -> Given:
    """An order whose body may have these keys. Raises CallerError."""
    sent = await body(request)
    allowed = (*keys, *BY_WHOM)
    if unknown := sent.keys() - set(allowed):
        raise CallerError(
            f"{shown(min(unknown), 40)} is not a key of {action}.",
            f"Keys are {', '.join(allowed)}.",
        )
    return Given(sent, *who_and_why(sent, request, settings))


async def body(request: Request) -> dict[str, Any]:
    """The body of a command. Raises CallerError for one that is no use."""
    sent = await read_body(request, MAX_COMMAND_BYTES)
    try:
        given = json.loads(sent) if sent.strip() else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise _no_use()
    return given


def who_and_why(given: dict[str, Any], request: Request, settings: Settings) -> tuple[str, str]:
    """Who gives a command: the person whom the app or the platform vouches for; with a key of the
    host, which has no name, whoever its holder says to be. Raises CallerError."""
    try:
        who, why = (given.get(name, "").strip() for name in ("who", "why"))
        f"{who}{why}".encode()  # half of a surrogate pair cannot be written
    except (ValueError, AttributeError):
        raise _no_use() from None
    person = person_of(request, settings.entra_tenant)
    if any(len(text) > MAX_COMMENT for text in (who, why)):
        raise CallerError(f"who and why have at most {MAX_COMMENT} characters.", "Say it in short.")
    # It will be shown in terminals and in logs.
    who, why = printable(who), printable(why)
    if person:
        return person.called, why
    return f"{who} (with the app's key)" if who else "a holder of the app's key", why


def _no_use() -> CallerError:
    return CallerError(
        "The body is not a JSON object with who and why as texts.",
        'Send {"who": "…", "why": "…"}, or nothing.',
    )


def number(body: Mapping[str, Any], key: str) -> int | None:
    """The number of a version; None for null, or where the key is missing. Raises CallerError."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LARGEST_NUMBER:
        raise CallerError(
            f"{key} is {shown(str(value), 40)}, which is no number of a version.",
            "Write a whole number: 2 for MODEL@2.",
        )
    return value

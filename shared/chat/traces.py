"""Finds a chat in the trace by an id: its request's, as the caller was told it, or its answer's.

An id that was made here tells its hour. Any other is looked for from the newest hour back, within
MAX_BYTES. Knows the lines, not what is known of the versions in them.
"""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.chat.request_ids import REQUEST_ID, came_at
from shared.cloud.container import Container
from shared.errors import CallerError
from shared.printable import shown

MAX_FOUND = 10  # chats of one id: a caller may give many requests the same one
MAX_BYTES = 256 << 20  # that one search reads
MAX_LINE = 1 << 20  # bytes; the lines that are written have some hundred
_HOUR = re.compile(r"trace/(\d{4}-\d\d-\d\d/\d\d)\.(?:\d+\.)?jsonl")

Line = dict[str, object]


@dataclass(frozen=True)
class Found:
    """The chats of an id, the newest first; `back_to` is the oldest hour that was read, None where
    there is none; `whole` whether all that is kept was read, of the one hour that was `named` where
    one was. `older`: hours before it that were not read, and may have chats of the same id."""

    chats: tuple[Line, ...]
    back_to: str | None = None
    whole: bool = True
    named: bool = False
    older: bool = False


async def find(container: Container, id: str, at: datetime | None = None) -> Found:
    """`at`: look in this hour alone. Raises CallerError for what can be no id."""
    if not REQUEST_ID.fullmatch(id):
        raise CallerError(
            f"{shown(id)!r} is no id of a chat.",
            "Take the x-request-id of an answer, or the `id` within it.",
        )
    if at:
        return replace(await _search(container, id, [_hour(at)]), named=True)
    if told := came_at(id):
        found = await _search(container, id, [_hour(told)])
        if found.chats:
            return found
    names = [blob.name async for blob in container.list("trace/")]
    hours = {match[1] for name in names if (match := _HOUR.fullmatch(name))}
    return await _search(container, id, sorted(hours, reverse=True))


def _hour(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d/%H}"


async def _search(container: Container, id: str, hours: list[str]) -> Found:
    """Hour by hour, until one has it."""
    needle, read = f'"{id}"'.encode(), 0
    hour: str | None = None
    for number, hour in enumerate(hours, 1):
        lines: set[bytes] = set()  # one may stand there twice
        async for blob in container.list(f"trace/{hour}."):
            read += blob.size
            lines.update([line async for line in _lines_with(container, blob.name, needle)])
        if chats := _chats(lines, id):
            return Found(chats, hour, older=number < len(hours))
        if read > MAX_BYTES:
            return Found((), hour, whole=number == len(hours))
    return Found((), hour)


async def _lines_with(container: Container, name: str, needle: bytes) -> AsyncIterator[bytes]:
    """Other requests have their turn after each chunk: most are passed over without a look at
    their lines."""
    rest = b""
    async for chunk in container.grown(name):
        whole, _, begun = (rest + chunk).rpartition(b"\n")
        rest = begun if len(begun) <= MAX_LINE else b""
        if needle in whole:
            for line in whole.splitlines():
                if needle in line:
                    yield line


def _chats(lines: set[bytes], id: str) -> tuple[Line, ...]:
    chats = [chat for line in lines if (chat := _parsed(line)) and id in _ids(chat)]
    return tuple(sorted(chats, key=lambda chat: str(chat["at"]), reverse=True)[:MAX_FOUND])


def _parsed(line: bytes) -> Line | None:
    """None for one that was torn by an older version put back, or written by hand."""
    try:
        chat = json.loads(line)
        moment(chat)
    except (ValueError, LookupError, TypeError):
        return None
    return dict(chat)


def moment(chat: Line) -> datetime:
    """When its request came. Raises ValueError, LookupError and TypeError for what is no chat's."""
    at = datetime.fromisoformat(chat["at"])  # type: ignore[arg-type]
    if at.tzinfo is None:
        raise ValueError("it names no zone")
    return at


def _ids(chat: Line) -> set[object]:
    return {chat.get("request"), chat.get("answer")}


def parse_hour(text: str) -> datetime:
    """A day and an hour, or more of a time, in UTC where no zone is named; in UTC. Raises
    CallerError."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise CallerError(
            f"{shown(text)!r} is no time.", "Write it as 2026-11-28T03 or 2026-11-28T03:15:00Z."
        ) from None


def told_of_none(found: Found) -> str:
    """The fix where nothing was found."""
    if found.back_to is None:
        return "No chat is in the trace yet; one is there some seconds after its answer began."
    since = f"{found.back_to.replace('/', ' ')}:00 UTC"
    if found.named and found.whole:
        return f"The hour from {since} alone was read: without ?at= all hours are."
    if not found.whole:
        return f"The search ended at {since}, with what it may read: name the hour with ?at=."
    return (
        f"All that is kept since {since} was read. A chat is there some seconds after its answer "
        "began, for TUNEDROP_REMEMBER_DAYS; one that was refused or not answered is not."
    )


def told_of_older(found: Found) -> str:
    """Of chats that an id may have beside those that were found; empty where it can have none."""
    if not found.older:
        return ""
    return (
        "Hours before it were not read: where a caller has given this id to other requests too, "
        "?at= names their hour."
    )

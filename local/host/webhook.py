"""Event Grid's webhook: checks each request and turns each event into a queue message.

Runs no function; `blobs.py` takes the messages from the queue. No path pattern is applied here, as
in the real host: the subscription's own filter decides what arrives.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from azure.core.exceptions import AzureError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from local.host.accounts import first_line

log = logging.getLogger("Host.Triggers.Blobs")

MAX_BODY_BYTES = 2**20  # Event Grid's own limit of a request
# A message in a queue has at most 64 KB; a blob's name has at most 1,024 characters.
MAX_FIELD = 4096


class EventError(Exception):
    """The request holds no event that a blob trigger can use."""


async def receive(
    request: Request, enqueue: Callable[[dict[str, str]], Awaitable[None]]
) -> Response:
    kind = request.headers.get("aeg-event-type", "")
    try:
        if kind == "SubscriptionValidation":
            return JSONResponse({"validationResponse": _validation_code(await body_of(request))})
        if kind == "Notification":
            name = request.query_params.get("functionName", "")
            for message in [_message(event, name) for event in _events(await body_of(request))]:
                await enqueue(message)
            return Response(status_code=202)
    except EventError as error:
        return PlainTextResponse(str(error), 400)
    except AzureError as error:
        # Event Grid delivers again after a 5xx, so nothing is lost.
        log.error("An event was not queued: %s", first_line(error))
        return Response(status_code=500)
    return Response(status_code=202 if kind == "Unsubscribe" else 400)


async def body_of(request: Request) -> bytes:
    """Bounded, also where no length is announced. Raises EventError."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise EventError(f"The body has more than {MAX_BODY_BYTES} bytes.")
    return body


def _events(body: bytes) -> list[dict[str, Any]]:
    """Event Grid's schema comes as an array, CloudEvents one at a time or as an array."""
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair is in no name
    except (ValueError, RecursionError):
        raise EventError("The body is not JSON, or nests too deeply.") from None
    events = content if isinstance(content, list) else [content]
    if not all(isinstance(event, dict) for event in events):
        raise EventError("Each event must be a JSON object.")
    return events


def _data(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    if isinstance(data, str):  # so it is when a CloudEvents subscription is validated
        try:
            data = json.loads(data)
            json.dumps(data, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            data = None
    if not isinstance(data, dict):
        raise EventError("The event has no data.")
    return data


def _validation_code(body: bytes) -> str:
    events = _events(body)
    code = _data(events[0]).get("validationCode") if events else None
    if not isinstance(code, str):
        raise EventError("The event has no data.validationCode.")
    return code


def _message(event: dict[str, Any], function_id: str) -> dict[str, str]:
    data = _data(event)
    container, name = _blob_of(str(data.get("url", "")))
    etag = str(data.get("eTag", "")).strip('"')
    message = {
        "Type": "BlobTrigger",
        "FunctionId": function_id,
        "BlobType": str(data.get("blobType", "BlockBlob")),
        "ContainerName": container,
        "BlobName": name,
        "ETag": f'"{etag}"',
    }
    if long := [key for key, value in message.items() if len(value) > MAX_FIELD]:
        raise EventError(f"{long[0]} has more than {MAX_FIELD} characters.")
    return message


def _blob_of(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise EventError(f"The event's data.url is no address: {url[:200]!a}.") from None
    path = parts.path.lstrip("/")
    host = parts.hostname or ""
    if host == "localhost" or host.replace(".", "").isdigit() or ":" in host:
        path = path.partition("/")[2]  # an emulator's address begins with the account's name
    container, _, name = path.partition("/")
    if not container or not name:
        raise EventError(f"The event's data.url is not a blob's address: {url[:200]!a}.")
    return container, unquote(name)

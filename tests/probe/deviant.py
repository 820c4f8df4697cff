"""What stands in front of the emulator and answers otherwise: one deviation, or several at once.

Knows how a call is changed on its way there and its answer on the way back; no deviation.
"""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHAPE, CODE, ORDER, TIMING, HEADER, LIMIT = "shape", "code", "order", "timing", "header", "limit"


@dataclass
class Exchange:
    """One call: `query` and `sent` may be changed before, the rest after it. `sent` and `body` are
    JSON or bytes."""

    method: str
    path: str
    query: dict[str, str]
    sent: Any
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    body: Any = None

    @property
    def error(self) -> dict[str, Any]:
        found = self.body.get("error") if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else {}

    def data(self) -> list[dict[str, Any]]:
        return self.body["data"] if isinstance(self.body, dict) else []


Change = Callable[[Exchange], None]


def nothing(_: Exchange) -> None: ...


@dataclass(frozen=True)
class Deviation:
    """`finds`: of these questions at least the first has to be answered otherwise; no other may."""

    name: str
    kind: str
    call: str  # a pattern of method and path
    finds: tuple[str, ...]
    after: Change = nothing
    before: Change = nothing
    alone: bool = False

    @property
    def area(self) -> str:
        found = self.finds[0].partition(".")[0]
        return "deployments" if found == "chat" else found


class Deviant:
    """The app, with deviations around it."""

    def __init__(self, app: ASGIApp, deviations: Sequence[Deviation]) -> None:
        self._app, self._deviations = app, deviations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = f"{scope['method']} {scope['path']}"
        struck = [one for one in self._deviations if re.search(one.call, call)]
        if not struck or scope["path"].startswith("/_emulator"):
            await self._app(scope, receive, send)
            return
        query = dict(parse_qsl(scope["query_string"].decode()))
        exchange = Exchange(scope["method"], scope["path"], query, _read(await _body(receive)))
        for one in struck:
            one.before(exchange)
        await self._ask(scope, exchange)
        for one in struck:
            one.after(exchange)
        await _answer(exchange, send)

    async def _ask(self, scope: Scope, exchange: Exchange) -> None:
        content, heard = _written(exchange.sent), bytearray()

        given = iter((content,))

        async def receive() -> Message:
            for body in given:
                return {"type": "http.request", "body": body, "more_body": False}
            await asyncio.Event().wait()  # the caller stays
            raise AssertionError("nobody sets it")

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = message["headers"]
                exchange.status = message["status"]
                exchange.headers = {name.decode().lower(): one.decode() for name, one in told}
            else:
                heard.extend(message.get("body", b""))

        length = str(len(content)).encode()
        kept = [(name, one) for name, one in scope["headers"] if name != b"content-length"]
        asked = {**scope, "query_string": urlencode(exchange.query).encode()}
        await self._app({**asked, "headers": [*kept, (b"content-length", length)]}, receive, send)
        exchange.body = _read(bytes(heard))


async def _body(receive: Receive) -> bytes:
    content, more = b"", True
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    return content


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content


def _written(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


async def _answer(exchange: Exchange, send: Send) -> None:
    content = b"" if exchange.status == 204 else _written(exchange.body)
    headers = {**exchange.headers, "content-length": str(len(content))}
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    if exchange.status == 204:
        told = [(name, value) for name, value in told if name != b"content-length"]
    await send({"type": "http.response.start", "status": exchange.status, "headers": told})
    await send({"type": "http.response.body", "body": content})

"""An upstream that follows a script: a bare TCP server, so that it can do what no library would.

Each deployment has a queue of behaviours; when the queue is empty it answers properly.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[["Call"], Awaitable[None]]


@dataclass
class Call:
    """One request as it arrived. `ended` is set once the relay has hung up."""

    deployment: str
    body: dict[str, Any]
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


@dataclass
class Upstream:
    url: str = ""
    calls: list[Call] = field(default_factory=list)
    script: dict[str, list[Behaviour]] = field(default_factory=dict)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    parse: bool = True  # whether bodies are read out; a large one takes the loop's time

    def plan(self, deployment: str, *behaviours: Behaviour) -> None:
        self.script.setdefault(deployment, []).extend(behaviours)

    def asked(self) -> list[str]:
        return [call.deployment for call in self.calls]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {k.lower(): v for k, _, v in (h.partition(": ") for h in head[1:] if h)}
            sent = await reader.readexactly(int(headers["content-length"]))
            body = json.loads(sent) if self.parse else {}
            call = Call(body.get("model", ""), body, headers, reader, writer)
            self.calls.append(call)
            self.called.set()
            watching = asyncio.create_task(_watch(call))
            planned = self.script.get(call.deployment)
            await (planned.pop(0) if planned else answer())(call)
            watching.cancel()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _watch(call: Call) -> None:
    await call.reader.read(1)
    call.ended.set()


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    server = Upstream()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()


# ---- behaviours


def reply(status: int, body: bytes, *headers: str, length: int | None = None) -> Behaviour:
    async def behave(call: Call) -> None:
        size = len(body) if length is None else length
        lines = [f"HTTP/1.1 {status} Said", f"content-length: {size}", "connection: close"]
        lines += headers or ("content-type: application/json",)
        await call.send("\r\n".join([*lines, "", ""]).encode() + body)

    return behave


def answer(content: str = "Hello", **more: object) -> Behaviour:
    message = {"role": "assistant", "content": content}
    return reply(
        200,
        json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "some-base-model",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
            }
            | more
        ).encode(),
    )


def error(status: int, code: str = "", *headers: str) -> Behaviour:
    body = json.dumps({"error": {"code": code, "message": f"upstream says {code}"}}).encode()
    return reply(status, body, "content-type: application/json", *headers)


async def reset(call: Call) -> None:
    call.writer.transport.abort()


def silence(hold: asyncio.Event) -> Behaviour:
    async def behave(call: Call) -> None:
        await hold.wait()

    return behave


def stream(*parts: bytes | asyncio.Event, done: bool = True) -> Behaviour:
    """Events one by one; an asyncio.Event among them is waited for. Without `done`: cut off."""

    async def behave(call: Call) -> None:
        await call.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        )
        for part in (*parts, *([b"data: [DONE]\n\n"] if done else [])):
            if isinstance(part, asyncio.Event):
                await part.wait()
            else:
                await call.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if done:
            await call.send(b"0\r\n\r\n")

    return behave


def event(text: str, finish_reason: str | None = None, index: int = 0) -> bytes:
    delta = {"index": index, "delta": {"content": text}, "finish_reason": finish_reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**chunk, "choices": [delta]}).encode() + b"\n\n"

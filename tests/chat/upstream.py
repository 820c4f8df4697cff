"""An upstream that follows a script: a bare TCP server, so that it can do what no library would.

Each deployment has a queue of behaviours; when the queue is empty it answers properly.
"""

import asyncio
import base64
import json
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Behaviour = Callable[["Call"], Awaitable[None]]


@dataclass
class Call:
    """One request as it arrived. `ended` is set once the relay has hung up."""

    deployment: str
    path: str
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
            path = head[0].split()[1].removeprefix("/openai/v1/")
            call = Call(body.get("model", ""), path, body, headers, reader, writer)
            self.calls.append(call)
            self.called.set()
            watching = asyncio.create_task(_watch(call))
            planned = self.script.get(call.deployment)
            await (planned.pop(0) if planned else PROPERLY[path]())(call)
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


def stream(
    *parts: bytes | asyncio.Event, done: bool = True, end: bytes = b"data: [DONE]\n\n"
) -> Behaviour:
    """Events one by one; an asyncio.Event among them is waited for. Without `done`: cut off."""

    async def behave(call: Call) -> None:
        await call.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        )
        for part in (*parts, *([end] if done and end else [])):
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


def completion(text: str = "Hello") -> Behaviour:
    """Of a prompt, as /completions answers it."""
    choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
    body = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    return reply(200, json.dumps({**body, "choices": [choice], "usage": USAGE}).encode())


def embeddings(*vectors: list[float]) -> Behaviour:
    """As texts of base64 where they are asked for so, as clients do without being told."""

    async def behave(call: Call) -> None:
        packed = call.body.get("encoding_format") == "base64"
        data = [
            {"object": "embedding", "index": index, "embedding": _packed(vector, packed)}
            for index, vector in enumerate(vectors or ([0.5, 0.25],))
        ]
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        body = {"object": "list", "data": data, "model": "m", "usage": usage}
        await reply(200, json.dumps(body).encode())(call)

    return behave


def _packed(vector: list[float], packed: bool) -> list[float] | str:
    written = struct.pack(f"<{len(vector)}f", *vector)
    return base64.b64encode(written).decode() if packed else vector


# ---- the Responses API: https://platform.openai.com/docs/api-reference/responses


def message_item(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    head = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
    return {**head, "content": [part]}


def call_item(name: str, arguments: str) -> dict[str, Any]:
    head = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1"}
    return {**head, "name": name, "arguments": arguments}


def response_object(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 7,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": "some-base-model",
        "output": list(items),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "metadata": {},
        **more,
    }


def response(*items: dict[str, Any], **more: Any) -> Behaviour:
    body = response_object(*(items or (message_item("Hello"),)), **more)
    return reply(200, json.dumps(body).encode())


def typed(kind: str, number: int = 0, **fields: Any) -> bytes:
    """One event of a response's stream, as the service writes it."""
    data = json.dumps({"type": kind, "sequence_number": number, **fields})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def response_events(*words: str, **more: Any) -> list[bytes]:
    """The events of an answer of one message, in their order."""
    begun = response_object(status="in_progress", usage=None)
    empty = {**message_item(""), "status": "in_progress", "content": []}
    whole, part = message_item("".join(words)), message_item("")["content"][0]
    of_item = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    said = whole["content"][0]
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        ("response.output_item.added", {"output_index": 0, "item": empty}),
        ("response.content_part.added", {**of_item, "part": part}),
        *[
            ("response.output_text.delta", {**of_item, "delta": word, "logprobs": []})
            for word in words
        ],
        ("response.output_text.done", {**of_item, "text": said["text"], "logprobs": []}),
        ("response.content_part.done", {**of_item, "part": said}),
        ("response.output_item.done", {"output_index": 0, "item": whole}),
        ("response.completed", {"response": response_object(whole, **more)}),
    ]
    return [typed(kind, number, **fields) for number, (kind, fields) in enumerate(events)]


def response_stream(*words: str, **more: Any) -> Behaviour:
    """It ends with the connection: there is no [DONE]."""
    return stream(*response_events(*words, **more), end=b"")


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
PROPERLY: dict[str, Callable[[], Behaviour]] = {
    "chat/completions": answer,
    "completions": completion,
    "embeddings": embeddings,
    "responses": response,
}

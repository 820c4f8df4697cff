"""The last look before "create job" goes out, with the real client: as late as there is a place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

from shared.cloud.finetuning import FineTuning
from shared.cloud.remote import JobRequest
from shared.errors import NotSent
from tests.support.settings import SETTINGS


@dataclass
class Wire:
    """A service that answers every whole request; what it has received."""

    received: bytes = b""
    whole: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)  # the client has hung up

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            self.received += data
            if self.received.endswith(b"}"):
                self.whole += 1
                answer = b'{"id":"ftjob-1","status":"pending"}'
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
                writer.write(head + str(len(answer)).encode() + b"\r\n\r\n" + answer)
                await writer.drain()
        writer.close()
        self.left.set()


REQUEST = JobRequest("gpt-4.1", "supervised", "F1", None, "Standard", "m", None, {}, {})


@asynccontextmanager
async def opened(wire: Wire, key: str = "k") -> AsyncIterator[FineTuning]:
    """The real client of that service."""
    async with await asyncio.start_server(wire.serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = replace(SETTINGS, openai_endpoint=url, openai_key=key)
        client = FineTuning.connect(settings, NoToken)
        yield client
        await client.close()
        await wire.left.wait()


class NoToken(AsyncTokenCredential):
    async def get_token(self, *_: Any, **__: Any) -> AccessToken:
        raise NotImplementedError

    async def close(self) -> None:
        pass


async def test_the_look_comes_after_the_token_and_before_every_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []

    async def token(*_: Any, **__: Any) -> AccessToken:
        order.append("token")
        return AccessToken("t", 2**40)

    async def look() -> None:
        order.append("look")

    monkeypatch.setattr(NoToken, "get_token", token)
    wire = Wire()
    async with opened(wire, key="") as client:
        job = await client.submit(REQUEST, look)
    assert (job.id, wire.whole) == ("ftjob-1", 1)
    assert order == ["token", "look", "look"], "before the first bytes and before the last"


@pytest.mark.parametrize("looks", [0, 1], ids=["before the headers", "before the body"])
async def test_nothing_is_asked_for_when_the_look_fails(looks: int) -> None:
    seen: list[int] = []

    async def look() -> None:
        seen.append(1)
        if len(seen) > looks:
            raise NotSent("too late")

    wire = Wire()
    async with opened(wire) as client:
        with pytest.raises(NotSent, match="too late"):
            await client.submit(REQUEST, look)
    assert wire.whole == 0
    assert b"training_file" not in wire.received
    assert bool(wire.received) == bool(looks)
    assert len(seen) == looks + 1, "and it is not tried again"


async def test_other_calls_of_the_same_client_are_not_looked_at() -> None:
    looked: list[int] = []

    async def look() -> None:
        looked.append(1)

    wire = Wire()
    async with opened(wire) as client:
        await client.submit(REQUEST, look)
        await client.submit(REQUEST)
    assert (wire.whole, len(looked)) == (2, 2)

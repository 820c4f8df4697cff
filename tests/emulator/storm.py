"""Many chats at once against one emulator, by plain HTTP: what became of each."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass

import httpx

from .harness import KEY, QUESTION, Running

# How one chat ended.
COMPLETE, GONE = "complete", "gone"


@dataclass(frozen=True)
class Storm:
    streams: int
    wholes: int
    leaving: float = 0.0  # the share of clients that hang up in the middle
    tokens: int = 12
    seconds: float = 120.0  # within which all have to end


def unleash(emulator: Running, storm: Storm) -> Counter[str]:
    """Every chat at once; how many ended how. Fails if one of them does not end."""
    return asyncio.run(_all(emulator, storm))


async def _all(emulator: Running, storm: Storm) -> Counter[str]:
    chance = random.Random(storm.streams)
    async with client(emulator) as session:
        kinds = [True] * storm.streams + [False] * storm.wholes
        chats = [
            _chat(session, stream, storm.tokens, leaves=chance.random() < storm.leaving)
            for stream in kinds
        ]
        return Counter(await asyncio.wait_for(asyncio.gather(*chats), storm.seconds))


def client(emulator: Running) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=emulator.url,
        headers={"api-key": KEY},
        timeout=None,
        limits=httpx.Limits(max_connections=None),
    )


async def _chat(session: httpx.AsyncClient, stream: bool, tokens: int, leaves: bool) -> str:
    wanted = {"model": "always", "messages": QUESTION, "max_tokens": tokens, "stream": stream}
    if not stream:
        answering = session.post("/openai/v1/chat/completions", json=wanted)
        try:
            answer = await asyncio.wait_for(answering, 0.5 if leaves else None)
        except TimeoutError:
            return GONE
        return COMPLETE if answer.json()["choices"][0]["finish_reason"] else answer.text
    async with session.stream("POST", "/openai/v1/chat/completions", json=wanted) as answer:
        last = ""
        async for line in answer.aiter_lines():
            if leaves:
                return GONE
            last = line or last
        return COMPLETE if last == "data: [DONE]" else last


def load(emulator: Running) -> dict[str, int]:
    """How many answers are generated, and how many wait for it."""
    return dict(emulator.control("state")["chats"])


def until_idle(emulator: Running, seconds: float) -> float:
    """How long it takes until nothing is generated any more."""
    began = time.monotonic()
    while load(emulator) != {"generating": 0, "waiting": 0}:
        assert time.monotonic() - began < seconds, f"still at it: {load(emulator)}"
        time.sleep(0.05)
    return time.monotonic() - began

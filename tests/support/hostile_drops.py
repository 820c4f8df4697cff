"""What strangers drop to take time or memory, and how an event loop bears it.

    TUNEDROP_HOSTILE=10 TUNEDROP_STALL=0.2 .venv/bin/python -m pytest -k hostile -s

makes each of them ten times as long, and allows no stall of more than 0.2 s by the clock.
"""

import asyncio
import gzip
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.support.datasets import dataset

# Seconds of its own that a loop's thread may work without a turn; others may use the processor too,
# so the time by the clock is held strictly only where a test runs alone.
MOST_WORK = 0.2
MOST_STALL = float(os.environ.get("TUNEDROP_STALL", "2"))
SIZE = int(os.environ.get("TUNEDROP_HOSTILE", "1"))


def _talk(content: str = "a", **more: object) -> bytes:
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "b"}]
    return json.dumps({"messages": messages, **more}).encode() + b"\n"


def _twice(count: int) -> bytes:
    keys = b",".join(b'"k%d":0' % number for number in range(count))
    return b'{"a":0,"a":1,' + keys + b"}\n"


def _any_of(count: int) -> bytes:
    """A call with many arguments, none of which fits any of many schemas."""
    lists = {"type": "array", "items": {"anyOf": [{"type": "string"}] * count}}
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": lists}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    call = {"name": "f", "arguments": json.dumps({"a": [[0] * 20] * 20})}
    calls = [{"id": "1", "type": "function", "function": call}]
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": calls}]
    return json.dumps({"messages": messages, "tools": [tool]}).encode() + b"\n"


def _tools(count: int) -> bytes:
    """Lines with many tools, each of them different: whoever remembers them all runs out."""
    return b"".join(
        _talk(
            tools=[
                {"type": "function", "function": {"name": f"f{line}_{n}", "description": "d" * 40}}
                for n in range(500)
            ]
        )
        for line in range(count)
    )


# What makes each of them, so many times as long.
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "blanks-and-a-letter": lambda n: b" " * 8_000 * n + b"x\n",
    "a-key-twice": lambda n: _twice(4_000 * n),
    "arguments-that-fit-nothing": lambda n: _any_of(100 * n),
    "deep": lambda n: b"[" * 100_000 * n + b"\n",
    "deep-objects": lambda n: b'{"a":' * 50_000 * n + b"\n",
    "a-long-line": lambda n: _talk("word " * 200_000 * n),
    "one-letter": lambda n: _talk("a" * 300_000 * n),
    "no-line-end": lambda n: b"x" * 3_000_000 * n,
    "blank-lines": lambda n: b"\n" * 100_000 * n,
    "small-examples": lambda n: _talk() * 10_000 * n,
    "compressed": lambda n: gzip.compress(bytes(30_000_000 * n)),
    "tools": lambda n: _tools(10 * n),
    "tokens": lambda n: _talk("-eyJaaaaaaaaaa" * 1_000 * n),
    "mails": lambda n: _talk("a.b@c.de " * 5_000 * n),
    "cards": lambda n: _talk("4111 1111 1111 1111 " * 3_000 * n),
    "no-text": lambda n: bytes(range(256)) * 500 * n,
    "half-characters": lambda n: _talk("x").replace(b'"x"', b'"\\ud800"') * 1_000 * n,
    "a-number": lambda n: b'{"messages": ' + b"9" * 100_000 * n + b"}\n",
}

HOSTILE_YAML: dict[str, Callable[[int], bytes]] = {
    "brackets": lambda n: b"seed: " + b"[" * 20_000 * n,
    "closed-brackets": lambda n: b"seed: " + b"[" * 20_000 * n + b"]" * 20_000 * n,
    "braces": lambda n: b"{a: " * 15_000 * n,
    "indents": lambda n: b"".join(b" " * level + b"a:\n" for level in range(340 * n)),
    "lists-in-lists": lambda n: b"- " * 30_000 * n,
    "many-keys": lambda n: b"".join(b"k%d: 1\n" % number for number in range(6_000 * n)),
    "a-long-key": lambda n: b"base_modl" * 7_000 * n + b": 1\n",
    "a-long-model": lambda n: b"base_model: " + b"gpt-4.1-nano" * 5_000 * n,
    "aliases": lambda n: b"a: &a [1]\nb: [" + b"*a," * 10_000 * n + b"1]\n",
    "a-number": lambda n: b"seed: " + b"9" * 60_000 * n,
    "quotes": lambda n: b"'\"" * 30_000 * n,
    "tags": lambda n: b"!!x " * 15_000 * n,
    "huge": lambda n: b"seed: 1 #" + b"x" * 50_000_000 * n,
}


def hostile(name: str) -> bytes:
    """Behind some good lines: the file is not refused for its first."""
    made = HOSTILE[name](SIZE)
    return made if name == "compressed" else dataset(12) + made


@dataclass
class Stalls:
    """The longest time that the loop made no turn: by the clock, and of its own thread's work."""

    clock: float = 0.0
    work: float = 0.0


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Stalls]:
    stalls = Stalls()
    watching = asyncio.create_task(_watch(stalls))
    try:
        yield stalls
    finally:
        watching.cancel()


async def _watch(stalls: Stalls) -> None:
    pause = 0.005
    while True:
        clock, work = time.monotonic(), time.thread_time()
        await asyncio.sleep(pause)
        stalls.clock = max(stalls.clock, time.monotonic() - clock - pause)
        stalls.work = max(stalls.work, time.thread_time() - work)

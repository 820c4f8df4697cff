"""Chat through the relay, beside a direct call and the LiteLLM proxy: `dev.py bench chat`.

Client, upstream and proxies share one machine and take turns within one run, one worker each, so
only differences and ratios mean anything. `--long` adds 100,000 requests to watch memory.
"""

import asyncio
import contextlib
import json
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import psutil

from bench.chat_servers import KEY, MODEL, ROOT, app_command, litellm_command, settings
from local import processes, supervised

RESULT = ROOT / "bench/results/chat.json"
ROUNDS = 5  # in each, every path has its turn
ALONE = 100  # requests of a round at concurrency 1
TOGETHER, CROWD = 400, 16  # requests of a round at concurrency 16
STREAMS = 40  # of a round, for the time to the first token
HELD, HELD_PAUSE = 1000, 500  # slow streams at the same time; milliseconds between their events
HEADERS = {"authorization": f"Bearer {KEY}", "api-key": KEY, "content-type": "application/json"}


@dataclass
class Way:
    """One way from the client to the upstream."""

    name: str
    url: str
    pid: int
    alone: list[float]
    first_token: list[float]
    per_second: list[float]


def chat(**more: Any) -> bytes:
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What is a ship? " * 10},
    ]
    return json.dumps({"model": MODEL, "messages": messages, **more}).encode()


# ---- what is measured


async def ask(session: aiohttp.ClientSession, url: str, body: bytes) -> float:
    began = time.perf_counter()
    async with session.post(url, data=body, headers=HEADERS) as answer:
        said = await answer.read()
        assert answer.status == 200, said
    return time.perf_counter() - began


async def first_token(session: aiohttp.ClientSession, url: str) -> float:
    began = time.perf_counter()
    async with session.post(url, data=chat(stream=True, seed=1), headers=HEADERS) as answer:
        assert answer.status == 200
        await answer.content.readany()
        seconds = time.perf_counter() - began
        while await answer.content.readany():
            pass
    return seconds


async def crowd(session: aiohttp.ClientSession, url: str, requests: int) -> float:
    """Requests per second at concurrency CROWD."""
    left = iter(range(requests))

    async def worker() -> None:
        for _ in left:
            await ask(session, url, chat())

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CROWD)))
    return requests / (time.perf_counter() - began)


async def hold(session: aiohttp.ClientSession, path: Way) -> dict[str, Any]:
    """HELD slow streams at once: do all arrive whole, and what does the process weigh then?"""
    before = megabytes(path.pid)

    async def one() -> bool:
        body = chat(stream=True, seed=HELD_PAUSE)
        async with session.post(path.url, data=body, headers=HEADERS) as answer:
            return (await answer.read()).endswith(b"data: [DONE]\n\n")

    streams = [asyncio.create_task(one()) for _ in range(HELD)]
    heaviest = before
    while not all(stream.done() for stream in streams):
        heaviest = max(heaviest, megabytes(path.pid))
        await asyncio.sleep(0.2)
    whole = sum(stream.result() for stream in streams)
    return {"streams": HELD, "whole": whole, "mb_before": before, "mb_at_most": heaviest}


async def endure(session: aiohttp.ClientSession, path: Way, requests: int) -> dict[str, Any]:
    """Memory along many requests: flat, or growing?"""
    weights = {}
    for done in range(0, requests + 1, requests // 5):
        if done:
            await crowd(session, path.url, requests // 5)
        weights[done] = megabytes(path.pid)
    return {"requests": requests, "mb_after": weights}


def megabytes(pid: int) -> float:
    """Of a process with its children: a launcher is not what is measured."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return round(sum(process.memory_info().rss for process in family) / 1e6, 1)


# ---- the run


async def measure(long: bool) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        paths = stack.enter_context(running())
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        for path in paths:
            await ready(session, path)
        for _ in range(ROUNDS):
            for path in paths:
                path.alone += [await ask(session, path.url, chat()) for _ in range(ALONE)]
                path.first_token += [await first_token(session, path.url) for _ in range(STREAMS)]
                path.per_second.append(await crowd(session, path.url, TOGETHER))
        direct, *proxies = paths
        handler = proxies[0]
        return {
            "command": "python3 dev.py bench chat" + (" --long" if long else ""),
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.machine()}, {psutil.cpu_count()} cores shared by all parts",
            "load_before": psutil.getloadavg()[0],
            "python": platform.python_version(),
            "paths": [figures(path, direct) for path in paths],
            "requests_per_second_against_litellm": {
                path.name: round(
                    statistics.median(path.per_second) / statistics.median(paths[-1].per_second), 1
                )
                for path in proxies[:-1]
            },
            "slow_streams": await hold(session, handler),
            "memory": await endure(session, handler, 100_000 if long else 5_000),
        }


def latencies(path: Way) -> dict[str, float]:
    def ms(values: list[float], share: float) -> float:
        return round(statistics.quantiles(values, n=100)[round(share * 100) - 1] * 1000, 2)

    return {
        "p50_ms": ms(path.alone, 0.5),
        "p99_ms": ms(path.alone, 0.99),
        "first_token_p50_ms": ms(path.first_token, 0.5),
    }


def figures(path: Way, direct: Way) -> dict[str, Any]:
    times, base = latencies(path), latencies(direct)
    added = {f"added_{name}": round(times[name] - base[name], 2) for name in times}
    return {
        "path": path.name,
        **times,
        **(added if path is not direct else {}),
        "requests_per_second_at_16": round(statistics.median(path.per_second)),
        "mb": megabytes(path.pid),
    }


@contextlib.contextmanager
def running() -> Iterator[list[Way]]:
    """The upstream and everything in front of it; all of it is stopped at the end."""
    ports = {name: processes.free_port() for name in ("stub", "handler", "app", "litellm")}
    upstream = f"http://127.0.0.1:{ports['stub']}"
    server = supervised.module("bench.chat_servers")
    commands = {
        "stub": [*server, "stub", str(ports["stub"])],
        "handler": [*server, "handler", str(ports["handler"]), "--upstream", upstream],
        "app": app_command(ports["app"]),
        "litellm": litellm_command(ports["litellm"], upstream),
    }
    tails = {
        "stub": "/openai/v1/chat/completions",
        "handler": "/api/v1/chat/completions",
        "app": "/api/v1/chat/completions",
        "litellm": "/v1/chat/completions",
    }
    names = {
        "stub": "direct",
        "handler": "relay behind uvicorn",
        "app": "app in the local host",
        "litellm": "LiteLLM proxy",
    }
    children = []
    try:
        for name, command in commands.items():
            log = ROOT / ".local/bench" / f"{name}.log"
            env = settings(upstream) if name == "app" else {}
            children.append(processes.start(name, command, env, ROOT, log))
        yield [
            Way(
                names[c.name],
                f"http://127.0.0.1:{ports[c.name]}{tails[c.name]}",
                c.process.pid,
                [],
                [],
                [],
            )
            for c in children
        ]
    finally:
        alive = [c.process.pid for c in children if c.process.poll() is None]
        processes.stop([processes.Pid.of(pid) for pid in alive])


async def ready(session: aiohttp.ClientSession, path: Way) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            await ask(session, path.url, chat())
            return
        except (aiohttp.ClientError, AssertionError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)


def main() -> None:
    result = asyncio.run(measure("--long" in sys.argv))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    print(f"written to {RESULT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

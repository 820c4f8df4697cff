"""Chat through the relay, beside a direct call and the LiteLLM proxy: `dev.py bench chat`.

Client, upstream and proxies share one machine, one worker each, and are measured in turn, so only
differences and ratios mean anything.
"""

import asyncio
import contextlib
import json
import platform
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import psutil

from bench import options
from bench.chat_servers import KEY, MODEL, ROOT, app_command, litellm_command, settings
from local import processes, supervised

ROUNDS = 5  # in each round every path is measured once
SEQUENTIAL = 100  # requests of a round at concurrency 1
CONCURRENT, CONCURRENCY = 400, 16  # requests of a round at concurrency 16
STREAMS = 40  # of a round, for the time to the first token
SLOW_STREAMS = 1000  # at the same time
SLOW_INTERVAL_MS = 500  # between their events
HEADERS = {"authorization": f"Bearer {KEY}", "api-key": KEY, "content-type": "application/json"}


@dataclass
class Path:
    """One way from the client to the upstream."""

    name: str
    url: str
    pid: int
    latencies: list[float]
    first_tokens: list[float]
    rates: list[float]


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
        content = await answer.read()
        assert answer.status == 200, content
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


async def throughput(session: aiohttp.ClientSession, url: str, requests: int) -> float:
    """Requests per second at concurrency CONCURRENCY."""
    left = iter(range(requests))

    async def worker() -> None:
        for _ in left:
            await ask(session, url, chat())

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return requests / (time.perf_counter() - began)


async def slow_streams(session: aiohttp.ClientSession, path: Path) -> dict[str, Any]:
    """SLOW_STREAMS at once: do all end properly, and how much memory does the process have then?"""
    before = megabytes(path.pid)

    async def one() -> bool:
        body = chat(stream=True, seed=SLOW_INTERVAL_MS)
        async with session.post(path.url, data=body, headers=HEADERS) as answer:
            return (await answer.read()).endswith(b"data: [DONE]\n\n")

    streams = [asyncio.create_task(one()) for _ in range(SLOW_STREAMS)]
    most = before
    while not all(stream.done() for stream in streams):
        most = max(most, megabytes(path.pid))
        await asyncio.sleep(0.2)
    whole = sum(stream.result() for stream in streams)
    return {"streams": SLOW_STREAMS, "whole": whole, "mb_before": before, "mb_at_most": most}


async def memory_along_requests(
    session: aiohttp.ClientSession, path: Path, requests: int
) -> dict[str, Any]:
    """Memory along many requests: flat, or growing?"""
    memory = {}
    for done in range(0, requests + 1, requests // 5):
        if done:
            await throughput(session, path.url, requests // 5)
        memory[done] = megabytes(path.pid)
    return {"requests": requests, "mb_after": memory}


def megabytes(pid: int) -> float:
    """Of a process with its children: the process itself may be a launcher only."""
    tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return round(sum(process.memory_info().rss for process in tree) / 1e6, 1)


# ---- one measurement


async def measure(long: bool) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        paths = stack.enter_context(running())
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        for path in paths:
            await ready(session, path)
        for _ in range(ROUNDS):
            for path in paths:
                path.latencies += [await ask(session, path.url, chat()) for _ in range(SEQUENTIAL)]
                path.first_tokens += [await first_token(session, path.url) for _ in range(STREAMS)]
                path.rates.append(await throughput(session, path.url, CONCURRENT))
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
                    statistics.median(path.rates) / statistics.median(paths[-1].rates), 1
                )
                for path in proxies[:-1]
            },
            "slow_streams": await slow_streams(session, handler),
            "memory": await memory_along_requests(session, handler, 100_000 if long else 5_000),
        }


def percentiles(path: Path) -> dict[str, float]:
    def ms(values: list[float], share: float) -> float:
        return round(statistics.quantiles(values, n=100)[round(share * 100) - 1] * 1000, 2)

    return {
        "p50_ms": ms(path.latencies, 0.5),
        "p99_ms": ms(path.latencies, 0.99),
        "first_token_p50_ms": ms(path.first_tokens, 0.5),
    }


def figures(path: Path, direct: Path) -> dict[str, Any]:
    times, base = percentiles(path), percentiles(direct)
    added = {f"added_{name}": round(times[name] - base[name], 2) for name in times}
    return {
        "path": path.name,
        **times,
        **(added if path is not direct else {}),
        "requests_per_second_at_16": round(statistics.median(path.rates)),
        "mb": megabytes(path.pid),
    }


@contextlib.contextmanager
def running() -> Iterator[list[Path]]:
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
            Path(
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


async def ready(session: aiohttp.ClientSession, path: Path) -> None:
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
    wanted = options.parser("chat").parse_args()
    options.tell("chat", asyncio.run(measure(wanted.long)), wanted.save)


if __name__ == "__main__":
    main()

"""Chats that do the work of a dead timer: `dev.py bench timer`.

Two servers take turns on one machine: one that never looks at the timer, and one whose chats find
it dead, with 20 active runs to look after in shares. A tick is due every five seconds there, 12
times as often as in Azure. Real storage (Azurite) and the emulated service, and one machine for
all: only differences mean anything.
"""

import asyncio
import contextlib
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bench import options
from bench.chat import ask, chat
from bench.tick import ACTIVE, arm_stuck_jobs, context_of, fill, training_jobs
from local import processes, supervised
from local.known import Stack
from local.stack import running
from shared.run import heartbeat
from shared.run.context import Context, utc_now

ROOT = Path(__file__).resolve().parents[1]
NAME = "timer"
CHATS = 400  # of a round, one after the other
ROUNDS, SHORT_ROUNDS = 20, 4
PAUSE = 0.005  # seconds between two chats


def app_of(storage: str, service: str, name: str) -> Context:
    """An app whose timer should tick every five seconds."""
    return context_of(storage, service, name, TUNEDROP_TICK="*/5 * * * * *")


async def measure(stack: Stack, rounds: int) -> dict[str, Any]:
    ctx = app_of(stack.storage, stack.openai_url, NAME)
    await fill(ctx, 0, await training_jobs(ctx))
    silent = utc_now() - timedelta(hours=1)
    await heartbeat.write(
        ctx.clients.runs, heartbeat.Heartbeat(last=silent, awake_since=silent, swept=utc_now())
    )
    with servers(stack) as urls:
        async with aiohttp.ClientSession() as session:
            times: dict[str, list[float]] = {name: [] for name in urls}
            for url in urls.values():
                await ready(session, url)
            shares = 0
            for _ in range(rounds):
                for name, url in urls.items():
                    before = await heartbeat.latest(ctx.clients.runs)
                    times[name] += await chats(session, url)
                    shares += await heartbeat.latest(ctx.clients.runs) != before
    await ctx.clients.close()
    figures = {name: percentiles(seconds) for name, seconds in times.items()}
    well, dead = figures["never looks"], figures["stands in"]
    return {
        "chats": {name: len(seconds) for name, seconds in times.items()},
        "rounds_with_shares": shares,
        **figures,
        "added": {name: round(dead[name] - well[name], 2) for name in dead},
    }


async def chats(session: aiohttp.ClientSession, url: str) -> list[float]:
    seconds = []
    for _ in range(CHATS):
        seconds.append(await ask(session, url, chat()))
        await asyncio.sleep(PAUSE)
    return seconds


async def ready(session: aiohttp.ClientSession, url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            await ask(session, url, chat())
            return
        except (aiohttp.ClientError, AssertionError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


def percentiles(seconds: list[float]) -> dict[str, float]:
    cut = statistics.quantiles(seconds, n=1000)
    parts = {"p50_ms": 500, "p99_ms": 990, "p99.9_ms": 999}
    return {name: round(cut[part - 1] * 1000, 2) for name, part in parts.items()}


@contextlib.contextmanager
def servers(stack: Stack) -> Iterator[dict[str, str]]:
    """The addresses of both, with the upstream behind them; all is stopped at the end."""
    ports = {name: processes.free_port() for name in ("stub", "never looks", "stands in")}
    upstream = f"http://127.0.0.1:{ports['stub']}"
    module = supervised.module("bench.timer_server")
    common = ["--upstream", upstream, "--storage", stack.storage, "--service", stack.openai_url]
    commands = {
        "stub": [*supervised.module("bench.chat_servers"), "stub", str(ports["stub"])],
        "never looks": [*module, str(ports["never looks"]), *common],
        "stands in": [*module, str(ports["stands in"]), *common, "--name", NAME],
    }
    children = []
    try:
        for name, command in commands.items():
            log = ROOT / ".local/bench" / f"{name.replace(' ', '-')}.log"
            children.append(processes.start(name, command, {}, ROOT, log))
        yield {
            name: f"http://127.0.0.1:{ports[name]}/api/v1/chat/completions"
            for name in ("never looks", "stands in")
        }
    finally:
        alive = [c.process.pid for c in children if c.process.poll() is None]
        processes.stop([processes.Pid.of(pid) for pid in alive])


def main() -> None:
    wanted = options.parser("timer").parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), model="tiny", port=processes.free_port()) as stack,
    ):
        arm_stuck_jobs(stack)
        found = asyncio.run(measure(stack, SHORT_ROUNDS if wanted.short else ROUNDS))
    result = {
        "command": "python3 dev.py bench timer" + (" --short" if wanted.short else ""),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "active_runs": ACTIVE,
        **found,
    }
    options.tell("timer", result, wanted.save)


if __name__ == "__main__":
    main()

"""Text that was written to cost time or memory: `python3 dev.py bench hostile`.

Each kind is tried at a size and at four times that size, each in a process of its own; what is
linear takes four times as long, what is quadratic sixteen times. Seconds are of the processor. The
memory of a process is its highest, all imports included.

Beside them stand, as `before`, the figures of commit af43f51, on another machine, from the attack
by which these kinds were found.
"""

import argparse
import asyncio
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import options
from bench.checkers.hostile_texts import (
    USER,
    any_of,
    empty_lists,
    key_twice,
    line,
    long_name,
    many_tools,
    token_chain,
)

ROUNDS = 3  # of which the least counts
ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    "AZURE_SUBSCRIPTION_ID": "x",
    "AZURE_RESOURCE_GROUP": "x",
    "AZURE_OPENAI_ACCOUNT": "x",
}


@dataclass(frozen=True)
class Kind:
    """`make` gives the text for a size, `work` is what the app does with it; `before` is what was
    seen of it."""

    make: Callable[[int], bytes]
    work: Callable[[bytes], object]
    size: int
    before: str


# ---- what the app does with them


def check(text: bytes) -> object:
    from datetime import date

    from shared.dataset.measure.cost import TrainingPlan
    from shared.dataset.report import document, page
    from shared.dataset.scan import Scan
    from shared.dataset.verdict import judge

    scan = Scan("training.jsonl", plan=TrainingPlan())
    for start in range(0, len(text), 1 << 20):
        scan.feed(text[start : start + (1 << 20)])
    verdict = judge([scan.finish()], TrainingPlan(), date(2026, 11, 27))
    return page.as_html("r", verdict), document.as_json("r", verdict)


def read_spec(text: bytes) -> object:
    from shared.errors import DropError
    from shared.run.spec import effective
    from shared.settings import Settings

    try:
        return effective(text, Settings.load(SETTINGS))
    except DropError as error:
        return error


def chat(text: bytes) -> object:
    """A request as far as the app understands it, and the search for its model."""
    from starlette.requests import Request

    from shared.chat.relay import Relay
    from shared.cloud import AzureClients
    from shared.settings import Settings
    from tests.support.clock import Clock
    from tests.support.runs import MemoryClients
    from tests.support.service_state import MemoryService

    key = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of "secret"
    deployments = ",".join(f"captain-{number}" for number in range(100))
    environ = {"TUNEDROP_APP_KEYS": f"bench:{key}", "TUNEDROP_BASE_DEPLOYMENTS": deployments}

    async def answer() -> object:
        settings = Settings.load(SETTINGS | environ)
        clients: AzureClients = MemoryClients(settings, MemoryService(Clock()))
        parts = iter([{"type": "http.request", "body": text, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(parts)

        headers = [(b"api-key", b"secret"), (b"content-type", b"application/json")]
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/"}
        scope |= {"headers": headers, "path_params": {}, "query_string": b""}
        return await Relay(clients).complete(Request(scope, receive))

    return asyncio.run(answer())


def drop(name: str, **how: Any) -> Callable[[bytes], object]:
    """What the app does with a blob of that name, in real storage. Stored by another process."""

    def taken(text: bytes) -> object:
        from shared.cloud import AzureClients
        from shared.errors import TunedropError
        from shared.run import intake
        from shared.run.context import Context
        from shared.settings import Settings

        async def take() -> object:
            settings = Settings.load({**SETTINGS, **os.environ, "TUNEDROP_QUIET_SECONDS": "0"})
            async with AzureClients(settings) as clients:
                ctx = Context.of(clients)
                async with ctx.with_copies() as with_copies:
                    try:
                        return await intake.take(name, with_copies)
                    except TunedropError as error:
                        return error

        return asyncio.run(take())

    return taken


KINDS: dict[str, Kind] = {
    "blanks and a letter": Kind(lambda n: b" " * n + b"x\n", check, 40_000, "40 KB: 25 s"),
    "a key twice among many": Kind(key_twice, check, 20_000, "209 KB: 11 s"),
    "arguments against anyOf": Kind(any_of, check, 3_000, "61 KB: 51 s"),
    "chains like web tokens": Kind(token_chain, check, 16_000, "224 KB: 19 s"),
    "a run.yaml of brackets": Kind(
        lambda n: b"seed: " + b"[" * n, read_spec, 15_000, "20 KB: 47 s"
    ),
    "a chat of empty lists": Kind(empty_lists, chat, 340_000, "4 MB: 3 s"),
    "a model's name": Kind(long_name, chat, 1_000_000, "4 MB: 3 s"),
    "different tools": Kind(many_tools, check, 3_000, "59 MB: 1 GB"),
}
STORED: dict[str, tuple[Kind, dict[str, Any]]] = {
    "a run.yaml": (
        Kind(lambda n: b"#" * n, drop("yaml/training.jsonl"), 100_000_000, "400 MB: 1 GB"),
        {"blob": "yaml/run.yaml"},
    ),
    "a compressed upload": (
        Kind(
            lambda n: gzip.compress(b" " * n),
            drop("bomb/training.jsonl"),
            150_000_000,
            "3 MB: 599 MB were read",
        ),
        {"blob": "bomb/training.jsonl", "encoding": "gzip"},
    ),
}


# ---- one try, in a process of its own


def measure(name: str, size: int) -> dict[str, float]:
    kind = KINDS[name] if name in KINDS else STORED[name][0]
    text = kind.make(size)
    if name in KINDS:
        kind.work(kind.make(1))  # imports and vocabularies are loaded once
    times = []
    for _ in range(ROUNDS if name in KINDS else 1):
        began = time.process_time()
        kind.work(text)
        times.append(time.process_time() - began)
    status = Path("/proc/self/status").read_text()  # getrusage counts who has started it as well
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return {
        "bytes": len(text),
        "seconds": round(min(times), 4),
        "peak_mb": round(int(peak.split()[1]) / 1024),
    }


def tried(name: str, size: int, environ: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.hostile", "--kind", name, "--size", str(size)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ, **environ}
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def result_of(kind: Kind, few: dict[str, float], many: dict[str, float]) -> dict[str, Any]:
    return {
        "before": kind.before,
        "kb": round(few["bytes"] / 1000),
        "seconds": few["seconds"],
        "four_times_kb": round(many["bytes"] / 1000),
        "four_times_seconds": many["seconds"],
        "growth": round(many["seconds"] / max(few["seconds"], 0.001), 1),
        "peak_mb": many["peak_mb"],
    }


def main() -> int:
    parser = options.parser("hostile")
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.kind:
        print(json.dumps(measure(wanted.kind, wanted.size)))
        return 0
    results = {}
    for name, kind in KINDS.items():
        size = kind.size // 10 if wanted.short else kind.size
        results[name] = result_of(kind, tried(name, size, {}), tried(name, 4 * size, {}))
        print(f"· {name}: {results[name]}", file=sys.stderr)
    results |= stored(wanted.short)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    document = {"command": "python3 dev.py bench hostile", "machine": machine, "kinds": results}
    options.tell("hostile", document, wanted.save)
    return 0


def stored(short: bool) -> dict[str, Any]:
    """Drops in real storage: in memory, the storage's own would count as well."""
    from azure.storage.blob import BlobServiceClient, ContentSettings

    from local.stack import running

    results = {}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), model="tiny", port=0) as it:
        blobs = BlobServiceClient.from_connection_string(it.storage)
        environ = {"TunedropStorage": it.storage}
        for part in ("datasets", "runs"):
            environ[f"TUNEDROP_{part.upper()}_CONTAINER"] = f"{part}-hostile"
            blobs.create_container(f"{part}-hostile")
        container = blobs.get_container_client("datasets-hostile")
        container.upload_blob("yaml/training.jsonl", line(USER) * 10)
        for name, (kind, how) in STORED.items():
            found = []
            for size in (kind.size, 4 * kind.size):
                text = kind.make(size // 10 if short else size)
                settings = ContentSettings(content_encoding=how.get("encoding"))
                container.upload_blob(how["blob"], text, overwrite=True, content_settings=settings)
                found.append({**tried(name, 0, environ), "bytes": len(text)})
            results[name] = result_of(kind, *found)
            print(f"· {name}: {results[name]}", file=sys.stderr)
    return results


if __name__ == "__main__":
    sys.exit(main())

"""Text that was written to cost time or memory: `python3 dev.py bench hostile`.

Each kind is tried at a size and at four times that size, each in a process of its own; what is
linear takes four times as long, what is quadratic sixteen times. Seconds are of the processor. The
memory of a process is its highest, all imports included. `--short` tries small sizes only.

Beside them stand, as `before`, the figures of commit af43f51, on another machine, from the attack
by which these kinds were found.
"""

import argparse
import asyncio
import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench/results/hostile.json"
USER = {"role": "user", "content": "x"}
ANSWER = {"role": "assistant", "content": "y"}
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


# ---- the texts


def line(example: object) -> bytes:
    return json.dumps(example).encode() + b"\n"


def key_twice(count: int) -> bytes:
    keys = b",".join(b'"k%d":0' % number for number in range(count))
    return b'{"a":0,"a":1,' + keys + b"}\n"


def any_of(count: int) -> bytes:
    nested = {"type": "array", "items": {"anyOf": [{"type": "string"}] * count}}
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": nested}}}
    arguments = json.dumps({"a": [[0] * 20] * 20})
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    asks = {"role": "assistant", "tool_calls": [call]}
    return line({"messages": [USER, asks], "tools": [tool]})


def token_chain(count: int) -> bytes:
    return line({"messages": [{**USER, "content": "-eyJaaaaaaaaaa" * count}, ANSWER]})


def many_tools(count: int) -> bytes:
    """64 lines, each with as many tools that no other line has."""
    return b"".join(
        line(
            {
                "messages": [USER, ANSWER],
                "tools": [
                    {"type": "function", "function": {"name": f"f{n}_{number}", "parameters": {}}}
                    for n in range(count)
                ],
            }
        )
        for number in range(64)
    )


def empty_lists(count: int) -> bytes:
    body: dict[str, Any] = {"model": "m", "messages": [USER], "x": []}
    return json.dumps(body).encode().replace(b"[]", b"[" + b"[]," * (count - 1) + b"[]]")


def long_name(count: int) -> bytes:
    return json.dumps({"model": "m" * count, "messages": [USER]}).encode()


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
    from tests.support.runs import MemoryClients

    key = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of "secret"
    deployments = ",".join(f"captain-{number}" for number in range(100))
    environ = {"TUNEDROP_APP_KEYS": f"bench:{key}", "TUNEDROP_BASE_DEPLOYMENTS": deployments}

    async def answer() -> object:
        from tests.support.clock import Clock
        from tests.support.service_state import MemoryService

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
    text = kind.make(size) if name in KINDS else b""
    if name in KINDS:
        kind.work(kind.make(1))  # imports and vocabularies are loaded once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    kind.work(text)
    return {
        "bytes": len(text),
        "seconds": round(time.process_time() - began, 4),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "of_these_before": round(before / 1024),
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
    parser = argparse.ArgumentParser("dev.py bench hostile", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the sizes")
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        print(json.dumps(measure(options.kind, options.size)))
        return 0
    results = {}
    for name, kind in KINDS.items():
        size = kind.size // 10 if options.short else kind.size
        results[name] = result_of(kind, tried(name, size, {}), tried(name, 4 * size, {}))
        print(f"· {name}: {results[name]}", file=sys.stderr)
    results |= stored(options.short)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    document = {"command": "python3 dev.py bench hostile", "machine": machine, "kinds": results}
    if not options.short:
        RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=2))
    return 0


def stored(short: bool) -> dict[str, Any]:
    """Drops in real storage: in memory, the storage's own would count as well."""
    from azure.storage.blob import BlobServiceClient, ContentSettings

    from local.stack import running

    results = {}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), model="tiny", port=0) as it:
        blobs = BlobServiceClient.from_connection_string(it.storage)
        for container_name in ("datasets-hostile", "runs-hostile"):
            blobs.create_container(container_name)
        environ = {"TunedropStorage": it.storage}
        environ |= {f"TUNEDROP_{k}_CONTAINER": f"{k.lower()}-hostile" for k in ("DATASETS", "RUNS")}
        for name, (kind, how) in STORED.items():
            found = []
            for size in (kind.size, 4 * kind.size):
                text = kind.make(size // 10 if short else size)
                settings = ContentSettings(content_encoding=how.get("encoding"))
                container = blobs.get_container_client("datasets-hostile")
                if not how["blob"].endswith("training.jsonl"):
                    container.upload_blob("yaml/training.jsonl", line(USER) * 10, overwrite=True)
                container.upload_blob(how["blob"], text, overwrite=True, content_settings=settings)
                found.append({**tried(name, 0, environ), "bytes": len(text)})
            results[name] = result_of(kind, *found)
            print(f"· {name}: {results[name]}", file=sys.stderr)
    return results


if __name__ == "__main__":
    sys.exit(main())

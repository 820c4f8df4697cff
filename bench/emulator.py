"""The emulator as a process of its own: what it takes in memory and time: `dev.py bench emulator`.

SmolLM2-135M learns from examples and from pairs, answers in a stream, and does both at once; each
kind of numbers that the processor can do has its own process. There is no peer to run beside it: no
other emulator of Azure OpenAI fine-tunes (docs/emulator.md). Memory is the resident set, sampled
every few milliseconds and, where the system keeps it, its own record of the highest.
"""

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from openai import OpenAI

from bench import options
from local import supervised

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / ".local/weights"
COMMAND = "python3 dev.py bench emulator"
KEY = "bench"
BASE = "gpt-4.1-nano-2025-04-14"
EXAMPLES = ROOT / "examples/captain/training_set.jsonl"
STEPS = 4  # of a training, which is then cancelled
GOAL_MB = 2000
LOOK_EVERY = 0.005
QUESTION: Any = [{"role": "user", "content": "What is artificial intelligence?"}]
TOKENS = 64  # of an answer
CHATS = 16  # at once


class Watched:
    """A process and its highest resident set since it was last asked for."""

    def __init__(self, pid: int) -> None:
        self._process, self._peak, self._over = psutil.Process(pid), 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def peak_mb(self) -> int:
        peak, self._peak = self._peak, 0
        return round(peak / 1e6)

    def record_mb(self) -> int | None:
        """Of its whole life, by the system's own account."""
        status = Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) * 1024 / 1e6)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            self._peak = max(self._peak, self._process.memory_info().rss)


# ---- what is measured


def measure(dtype: str, folder: Path) -> dict[str, Any]:
    with started(folder, dtype) as (url, pid, start):
        watched = Watched(pid)
        with OpenAI(base_url=f"{url}/openai/v1/", api_key=KEY) as client:
            deploy(url, client)
            idle = watched.peak_mb()
            chat, chat_peak = stream(client), watched.peak_mb()
            many, many_peak = at_once(client), watched.peak_mb()
            examples = EXAMPLES.read_bytes()
            supervised = train(client, watched, examples)
            pairs = train(client, watched, as_pairs(EXAMPLES), "dpo")
            longest = train(client, watched, long_examples(), batch_size=1)
            together = train(client, watched, examples, meanwhile=stream)
        watched.stop()
        return {
            "dtype": dtype,
            "peak_mb": watched.record_mb(),
            "below_goal": (watched.record_mb() or 0) < GOAL_MB,
            "start": start,
            "idle": {"peak_mb": idle},
            "chat": {"peak_mb": chat_peak, **chat},
            "chats_at_once": {"peak_mb": many_peak, **many},
            "sft": supervised,
            "dpo": pairs,
            "sft_1024_tokens": longest,
            "sft_while_chatting": together,
        }


def train(
    client: OpenAI,
    watched: Watched,
    content: bytes,
    method: str = "supervised",
    batch_size: int = 4,
    meanwhile: Callable[[OpenAI], object] | None = None,
) -> dict[str, Any]:
    file = client.files.create(file=("train.jsonl", content), purpose="fine-tune")
    client.files.wait_for_processing(file.id, poll_interval=0.05)
    section = {"hyperparameters": {"n_epochs": 2, "batch_size": batch_size}}
    wanted: Any = {"type": method, method: section}
    watched.peak_mb()
    job = client.fine_tuning.jobs.create(
        model=BASE, training_file=file.id, method=wanted, seed=1
    ).id
    until(lambda: bool(steps(client, job)), 600)
    began, before = time.perf_counter(), len(steps(client, job))
    while len(steps(client, job)) < STEPS:
        if meanwhile:
            meanwhile(client)
        time.sleep(0.05)
    seconds, done = time.perf_counter() - began, len(steps(client, job)) - before
    client.fine_tuning.jobs.cancel(job)
    until(lambda: str(client.fine_tuning.jobs.retrieve(job).status) == "cancelled", 600)
    return {
        "peak_mb": watched.peak_mb(),
        "batch_size": batch_size,
        "seconds_per_example": round(seconds / done / batch_size, 3),
    }


def steps(client: OpenAI, job: str) -> list[str]:
    events = client.fine_tuning.jobs.list_events(job, limit=100)
    return [event.message for event in events if event.type == "metrics"]


def stream(client: OpenAI) -> dict[str, float]:
    began = time.perf_counter()
    chunks = client.chat.completions.create(
        model="base", messages=QUESTION, max_tokens=TOKENS, stream=True, seed=1
    )
    spoken = (one for one in chunks if one.choices and one.choices[0].delta.content)
    moments = [time.perf_counter() for _ in spoken]
    return {
        "first_token_seconds": round(moments[0] - began, 3),
        "tokens_per_second": round((len(moments) - 1) / (moments[-1] - moments[0]), 1),
    }


def at_once(client: OpenAI) -> dict[str, float]:
    """Tokens of all answers together; the batch holds half of them at a time."""
    with ThreadPoolExecutor(CHATS) as pool:
        began = time.perf_counter()
        asked = [pool.submit(whole, client, seed) for seed in range(CHATS)]
        tokens = sum(one.result() for one in asked)
        seconds = time.perf_counter() - began
    return {"chats": CHATS, "tokens_per_second": round(tokens / seconds, 1)}


def whole(client: OpenAI, seed: int) -> int:
    answer = client.chat.completions.create(
        model="base", messages=QUESTION, max_tokens=TOKENS, seed=seed
    )
    return answer.usage.completion_tokens if answer.usage else 0


# ---- what it learns from


def as_pairs(examples: Path) -> bytes:
    """The example's answer, and its question repeated as the worse answer."""
    lines = []
    for line in examples.read_text(encoding="utf-8").splitlines()[:16]:
        messages = json.loads(line)["messages"]
        repeated = {"role": "assistant", "content": messages[-2]["content"]}
        pair = {"preferred_output": messages[-1:], "non_preferred_output": [repeated]}
        lines.append(json.dumps({"input": {"messages": messages[:-1]}, **pair}))
    return "\n".join(lines).encode()


def long_examples() -> bytes:
    """As long as the emulator takes them, most of it to be learned."""
    answer = "the old ship sails on and the wind is with her " * 88
    messages = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": answer}]
    return "\n".join([json.dumps({"messages": messages})] * 10).encode()


# ---- the process


@contextmanager
def started(folder: Path, dtype: str) -> Iterator[tuple[str, int, dict[str, float]]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = supervised.module("local.emulator", "--port", str(port), "--key", KEY)
    command += ["--state", str(folder / dtype), "--weights", str(WEIGHTS), "--dtype", dtype]
    began = time.perf_counter()
    with supervised.start(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: health(url) is not None or process.poll() is not None)
            answers = time.perf_counter() - began
            until(lambda: bool((health(url) or {"ready": process.poll()})["ready"]))
            ready = time.perf_counter() - began
            start = {"answers_seconds": round(answers, 2), "model_ready_seconds": round(ready, 2)}
            yield url, process.pid, start
        finally:
            process.terminate()


def health(url: str) -> dict[str, Any] | None:
    try:
        return dict(ask(f"{url}/_emulator/health"))
    except (urllib.error.URLError, ConnectionError):
        return None


def deploy(url: str, client: OpenAI) -> None:
    identity = f"{url}/_emulator/identity?resource=https://management.azure.com"
    token = ask(identity, headers={"X-IDENTITY-HEADER": "local"})["access_token"]
    model = {"format": "OpenAI", "name": "gpt-4.1-nano", "version": "2025-04-14"}
    body = {"sku": {"name": "Standard", "capacity": 1}, "properties": {"model": model}}
    path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a"
    ask(f"{url}{path}/deployments/base", "PUT", body, {"Authorization": f"Bearer {token}"})
    time.sleep(2)


def ask(url: str, method: str = "GET", body: Any = None, headers: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def until(happened: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def main() -> int:
    wanted = options.parser("emulator").parse_args()
    from local.emulator.language.weights import model_folder, native_dtype, tokenizer_folder

    dtypes = list(dict.fromkeys((native_dtype(), "float32")))
    for dtype in dtypes:  # made once, and no part of a start
        tokenizer_folder(WEIGHTS)
        model_folder(WEIGHTS, dtype)
    load = [round(one, 2) for one in os.getloadavg()]
    with tempfile.TemporaryDirectory(prefix="tunedrop-bench-") as folder:
        measured = [measure(dtype, Path(folder)) for dtype in dtypes]
    machine = {
        "cores": os.cpu_count(),
        "load_before": load,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "peft")},
    }
    result = {"command": COMMAND, "machine": machine, "goal_mb": GOAL_MB, "runs": measured}
    for run in measured:
        print(f"{run['dtype']}: at most {run['peak_mb']} MB, answers after "
              f"{run['start']['answers_seconds']} s")  # fmt: skip
        for name in ("sft", "dpo", "sft_1024_tokens", "sft_while_chatting"):
            print(f"  {name:<20} {run[name]['peak_mb']:>5} MB "
                  f"{run[name]['seconds_per_example']:.2f} s per example")  # fmt: skip
        for name in ("chat", "chats_at_once"):
            print(f"  {name:<20} {run[name]['peak_mb']:>5} MB "
                  f"{run[name]['tokens_per_second']} tokens per second")  # fmt: skip
    options.tell("emulator", result, wanted.save)
    return 0


if __name__ == "__main__":
    sys.exit(main())

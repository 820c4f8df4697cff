"""The emulator as a process: how it starts, what it says when it cannot, and how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from openai import OpenAI

from local.emulator.__main__ import Server
from local.emulator.app import Emulator
from local.emulator.language.model import LanguageModel

from .harness import (
    BASE_MODEL,
    KEY,
    QUESTION,
    ROOT,
    Running,
    account_path,
    answer_once_ready,
    dataset,
    started,
    upload,
    wait_until,
)

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
SECONDS = 2  # within which a signal ends it


def allowed() -> float:
    """On a busy machine everything takes longer, by about the load of a core."""
    return SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@needs_signals
def test_a_signal_ends_it_soon_while_it_trains_and_answers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with started(tmp_path) as (emulator, process), emulator.v1() as client:
        endless_job(client)
        deploy_base(emulator)
        answer_once_ready(client, "base")
        wait_until(lambda: steps_of(client) > 1)
        with open_stream(emulator), unanswered_call(emulator, "slow-first-token", seconds=3600):
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=30)
            seconds = time.monotonic() - began
    assert code == 0
    assert seconds < allowed()
    assert "Traceback" not in capfd.readouterr().err


@needs_signals
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_it_also_when_it_has_hardly_begun(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """Its port is open before it serves; a client that knows the port may stop it then."""
    with started(tmp_path) as (_, process):
        process.send_signal(getattr(signal, name))
        assert process.wait(timeout=30) == 0
    assert "Traceback" not in capfd.readouterr().err


# A model that takes an hour to load.
SLOW_MODEL = """
import time
from local.emulator.language import model
model._load = lambda *_: time.sleep(3600)
from local.emulator.__main__ import main
main()
"""


@needs_signals
def test_a_signal_ends_it_soon_while_calls_wait_for_the_model(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with started(tmp_path, program=(sys.executable, "-c", SLOW_MODEL)) as (emulator, process):
        emulator.settings(creating_seconds=0, readiness_gap_seconds=0)
        deploy_base(emulator)
        with unanswered_call(emulator, "stream-cut"):
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
            assert time.monotonic() - began < allowed()
    assert "Traceback" not in capfd.readouterr().err


def test_the_training_is_stopped_at_the_signal_and_not_after_the_answers() -> None:
    stopping = threading.Event()
    server = Server(uvicorn.Config("none"), stopping)
    server.handle_exit(signal.SIGTERM, None)
    assert stopping.is_set() and server.should_exit


def test_an_import_that_was_interrupted_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/train.jsonl"
        body = {"purpose": "fine-tune", "filename": "train.jsonl", "content_url": url}
        with started(tmp_path) as (emulator, _), emulator.http() as client:
            file = client.post("/openai/v1/files/import", json=body).json()
            assert file["status"] == "pending"
    with started(tmp_path) as (emulator, _), emulator.http() as client:
        file = client.get(f"/openai/v1/files/{file['id']}").json()
    assert file["status"] == "error"
    assert "interrupted" in file["status_details"]


@needs_signals
def test_a_closed_terminal_ends_nothing_that_nohup_started(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited by the child
    try:
        with started(tmp_path) as (emulator, process):
            assert httpx.get(f"{emulator.url}/_emulator/health").status_code == 200
            process.send_signal(signal.SIGHUP)
            time.sleep(0.5)  # longer than an idle one needs to end
            assert httpx.get(f"{emulator.url}/_emulator/health").status_code == 200
    finally:
        signal.signal(signal.SIGHUP, before)


def test_many_trainings_are_not_waited_for_one_after_the_other(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, LanguageModel("tiny", tmp_path, tmp_path), "key", warm=False)
    emulator.worker.start()
    never = threading.Event()
    emulator.worker.threads = [threading.Thread(target=never.wait, daemon=True) for _ in range(20)]
    for thread in emulator.worker.threads:
        thread.start()
    began = time.monotonic()
    emulator.worker.stop(0.1)
    never.set()
    assert time.monotonic() - began < 1.5
    emulator.context.store.close()


def endless_job(client: OpenAI) -> None:
    hyperparameters: Any = {"n_epochs": 10_000}
    client.fine_tuning.jobs.create(
        model=BASE_MODEL, training_file=upload(client, dataset()), hyperparameters=hyperparameters
    )


def steps_of(client: OpenAI) -> int:
    """Of the one job, the number of the last step."""
    job = next(iter(client.fine_tuning.jobs.list()))
    events = client.fine_tuning.jobs.list_events(job.id, limit=5).data
    numbers = [event.data["step"] for event in events if event.type == "metrics"]  # type: ignore[index]
    return max(numbers, default=0)


def deploy_base(emulator: Running) -> None:
    model = {"format": "OpenAI", "name": "gpt-4.1-nano", "version": "2025-04-14"}
    body = {"sku": {"name": "Standard"}, "properties": {"model": model}}
    with emulator.arm_http() as arm:
        arm.put(account_path("/deployments/base"), json=body).raise_for_status()


@contextmanager
def open_stream(emulator: Running) -> Iterator[None]:
    """An answer of which only the beginning has been read."""
    body = {"model": "base", "messages": QUESTION, "stream": True, "max_tokens": 1000}
    with (
        emulator.http() as client,
        client.stream("POST", "/openai/v1/chat/completions", json=body) as answer,
    ):
        next(answer.iter_lines())
        yield


@contextmanager
def unanswered_call(emulator: Running, fault: str, **options: Any) -> Iterator[None]:
    """A chat without an answer; the fault that is armed for it shows when it has arrived."""
    emulator.fault(fault, **options)
    port = int(emulator.url.rpartition(":")[2])
    body = json.dumps({"model": "base", "messages": QUESTION}).encode()
    head = (
        "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        f"api-key: {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + body)
        wait_until(lambda: emulator.control("faults")["armed"][0]["struck"] == 1)
        yield


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "local.emulator", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_a_taken_port_is_one_sentence(emulator: Running, tmp_path: Path) -> None:
    port = emulator.url.rpartition(":")[2]
    ended = run("--port", port, "--state", str(tmp_path))
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "take another port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run("--port", "0", "--state", str(tmp_path / "file" / "state"))
    assert ended.returncode == 1
    assert "cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_goes_on_when_its_output_is_no_longer_read(tmp_path: Path) -> None:
    """A step of a pipeline that started it may be over: its end of the pipe is then closed."""
    with started(tmp_path) as (emulator, process):
        assert process.stdout is not None
        process.stdout.close()
        for _ in range(3):
            assert httpx.get(f"{emulator.url}/_emulator/health").status_code == 200
        broken = httpx.post(f"{emulator.url}/_emulator/clock", content=json.dumps([]))
        assert broken.status_code == 400
        assert process.poll() is None


def test_what_it_prints_can_be_used(tmp_path: Path) -> None:
    with started(tmp_path) as (emulator, process):
        assert process.stdout is not None
        assert f"OpenAI(base_url='{emulator.url}/openai/v1/'" in process.stdout.readline()
        assert f"{emulator.url}/_emulator" in process.stdout.readline()
        assert httpx.get(f"{emulator.url}/_emulator").status_code == 200

"""The app under two hosts, asked in the same words: Microsoft's worker engine, and this project's.

Each has containers of its own and shares storage and the service with the other, so that both begin
in the same state. Knows how a function is reached, not what it is to answer.
"""

import json
import queue
import re
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from local import supervised
from local.host.routes import compile_route, decoded_path
from tests.processes import ROOT

PATIENCE = 300.0  # seconds; only so that a hang is reported
FUNCTION_KEY = "the-key-of-the-functions-host"
SUCCEEDED = "Success"
Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A request of an HTTP function; `path` is below /api and may have a query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class Host(Protocol):
    """What both can do. `model` is the name under which this host's runs are found."""

    model: str

    def functions(self) -> dict[str, list[Json]]:
        """The bindings of each function."""

    def blob(self, function: str, container: str, name: str) -> str:
        """The result of a blob trigger's invocation for a blob that is there."""

    def timer(self, function: str) -> str: ...

    def ask(self, function: str, call: Call) -> httpx.Response: ...


# ---- Microsoft's


class Engine:
    """worker.py in the environment of the engine."""

    model = "at-microsoft"

    def __init__(self, python: Path, folder: Path, environ: Mapping[str, str], log: Path) -> None:
        worker = Path(__file__).with_name("worker.py")
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                [str(python), str(worker), str(folder)],
                env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        self._log = log
        self._results: dict[str, queue.Queue[Json]] = {}
        self.indexed: Json = json.loads(self._line() or "{}")
        assert self.indexed, self._log.read_text(encoding="utf-8")
        self._by_name = {f["name"]: f for f in self.indexed.get("functions", [])}
        # The engine's server ends a connection after a failure; each request has one of its own.
        alone = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(timeout=PATIENCE, limits=alone)
        threading.Thread(target=self._read, daemon=True).start()

    def functions(self) -> dict[str, list[Json]]:
        return {name: function["bindings"] for name, function in self._by_name.items()}

    def blob(self, function: str, container: str, name: str) -> str:
        (trigger,) = self.functions()[function]
        told = {"Connection": trigger["connection"], "ContainerName": container, "BlobName": name}
        return self.status(self.begin(function, told))

    def timer(self, function: str) -> str:
        """As the host tells of a timer that is in time and monitored."""
        moment = "2026-11-28T00:00:00+00:00"
        status = dict.fromkeys(("Last", "Next", "LastUpdated"), moment)
        told = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}
        return self.status(self.begin(function, told))

    def ask(self, function: str, call: Call) -> httpx.Response:
        return self.asked(function, call)[0]

    def asked(self, function: str, call: Call) -> tuple[httpx.Response, str]:
        """The answer, and what the host is told of the invocation."""
        invocation = self.begin(function, self.route_values(function, call.path))
        response = self._client.send(self.request(invocation, call))
        return response, self.status(invocation)

    def stream(self, function: str, call: Call) -> tuple[str, httpx.Response]:
        """The invocation, and an answer whose body is read by whoever asks."""
        invocation = self.begin(function, self.route_values(function, call.path))
        return invocation, self._client.send(self.request(invocation, call), stream=True)

    @contextmanager
    def raw(self, invocation: str, call: Call) -> Iterator[None]:
        """A request whose sender leaves at the end of the block, whatever has come by then."""
        request = self.request(invocation, call)
        lines = [f"{call.method} {request.url.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        with socket.create_connection((request.url.host, request.url.port or 80)) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + call.body)
            yield

    def begin(self, function: str, data: Json) -> str:
        """The id of an invocation that runs from now on."""
        trigger, *_ = (b for b in self.functions()[function] if b["type"].endswith("Trigger"))
        command = {
            "invocation": str(uuid.uuid4()),
            "function": self._by_name[function]["id"],
            "parameter": trigger["name"],
            "kind": trigger["type"],
            "data": data,
        }
        self._results[command["invocation"]] = queue.Queue()
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return str(command["invocation"])

    def result(self, invocation: str) -> Json:
        found = self._results[invocation].get(timeout=PATIENCE)
        assert found, self._log.read_text(encoding="utf-8")
        return found

    def status(self, invocation: str) -> str:
        result = self.result(invocation)
        return str(result["error"] or result["status"])

    def request(self, invocation: str, call: Call) -> httpx.Request:
        """As the host's proxy passes it on: the caller's, with one header more."""
        headers = {**call.headers, "x-ms-invocation-id": invocation}
        url = f"{self.indexed['capabilities']['HttpUri']}/api/{call.path}"
        return self._client.build_request(call.method, url, headers=headers, content=call.body)

    def route_values(self, function: str, path: str) -> dict[str, str]:
        trigger, *_ = self.functions()[function]
        bare = decoded_path(path.partition("?")[0].encode())
        values = compile_route(trigger["route"]).match(bare)
        assert values is not None, f"{path} is not {trigger['route']}"
        return values

    def close(self) -> None:
        self._client.close()
        self._process.communicate(timeout=PATIENCE)

    def _line(self) -> bytes:
        assert self._process.stdout
        return self._process.stdout.readline()

    def _read(self) -> None:
        while line := self._line():
            result = json.loads(line)
            self._results[result["invocation"]].put(result)
        for waiting in self._results.values():
            waiting.put({})  # the engine has ended


# ---- this project's


class LocalHost:
    """`python -m local.host` with keys, as in Azure."""

    model = "at-home"

    def __init__(self, folder: Path, environ: Mapping[str, str], log: Path) -> None:
        command = supervised.module("local.host", "--app", str(folder), "--port", "0")
        environ = {**environ, "FUNCTIONS_MASTER_KEY": FUNCTION_KEY}
        with log.open("ab") as said:
            self._process = supervised.start(
                command, cwd=ROOT, env=environ, stdout=said, stderr=subprocess.STDOUT
            )
        self._log = log
        self.url = self._waited(r"Host started: (\S+)", 1)
        self._client = httpx.Client(
            base_url=self.url, headers={"x-functions-key": FUNCTION_KEY}, timeout=PATIENCE
        )

    def functions(self) -> dict[str, list[Json]]:
        listed = self._client.get("/admin/functions").json()
        return {function["name"]: function["config"]["bindings"] for function in listed}

    def blob(self, function: str, container: str, name: str) -> str:
        return self._invoked(function, f"{container}/{name}")

    def timer(self, function: str) -> str:
        return self._invoked(function, "")

    def ask(self, function: str, call: Call) -> httpx.Response:
        path = f"/api/{call.path}"
        return self._client.request(
            call.method, path, headers=dict(call.headers), content=call.body
        )

    def close(self) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait(PATIENCE)

    def _invoked(self, function: str, told: str) -> str:
        gone = rf"The blob '{re.escape(told)}' is "  # before the function was called
        ended = rf"(?:Executed 'Functions\.{function}' \(|{gone})(Succeeded|Failed|gone)"
        before = len(re.findall(ended, self._said()))
        accepted = self._client.post(f"/admin/functions/{function}", json={"input": told})
        assert accepted.status_code == 202
        found = self._waited(ended, before + 1)
        return SUCCEEDED if found == "Succeeded" else found

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def _waited(self, pattern: str, number: int) -> str:
        """What the log says for the so-manieth time, once it does."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = re.findall(pattern, self._said())
            if len(found) >= number:
                return str(found[number - 1])
            assert self._process.poll() is None, self._said()
            time.sleep(0.02)
        last = "\n".join(self._said().splitlines()[-20:])
        raise AssertionError(f"waited {PATIENCE:.0f} s in vain for {pattern}; it said:\n{last}")


@contextmanager
def closing(host: Engine | LocalHost) -> Iterator[None]:
    try:
        yield
    finally:
        host.close()

"""The real emulator with its tiny model, as a process of its own, and how tests talk to it."""

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import openai
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.mgmt.cognitiveservices.models import (
    Deployment,
    DeploymentModel,
    DeploymentProperties,
    Sku,
)
from openai import AzureOpenAI, OpenAI

from local import supervised

ROOT = Path(__file__).parents[2]
KEY = "a-key-for-tests"
ARM_SCOPE = "https://management.azure.com"
BASE_MODEL = "gpt-4.1-nano-2025-04-14"
MISFITS = "misfits.txt"
JUDGED = "tests.emulator.judged"  # the emulator's own command, with a judge of its answers


@dataclass(frozen=True)
class Running:
    url: str

    def v1(self, key: str = KEY) -> OpenAI:
        return OpenAI(base_url=f"{self.url}/openai/v1/", api_key=key, max_retries=0)

    def dated(self) -> AzureOpenAI:
        return AzureOpenAI(
            azure_endpoint=self.url,
            api_version="2025-04-01-preview",
            api_key=KEY,
            max_retries=0,
        )

    def token(self, resource: str) -> str:
        request = urllib.request.Request(
            f"{self.url}/_emulator/identity?resource={resource}&api-version=2019-08-01",
            headers={"X-IDENTITY-HEADER": "local"},
        )
        with urllib.request.urlopen(request) as answer:
            return str(json.load(answer)["access_token"])

    def arm(self) -> CognitiveServicesManagementClient:
        return CognitiveServicesManagementClient(
            credential=_Unused(),
            subscription_id="sub",
            base_url=self.url,
            polling_interval=1,
            authentication_policy=_PlainBearer(self.token(ARM_SCOPE)),
        )

    def health(self) -> dict[str, Any]:
        return self.control("health")

    def control(self, path: str, method: str = "GET", body: Any = None) -> dict[str, Any]:
        """One of the emulator's own controls."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return dict(json.load(answer))

    def fault(self, name: str, operation: str = "*", **more: Any) -> dict[str, Any]:
        return self.control("faults", "POST", {"fault": name, "operation": operation, **more})

    def settings(self, **wanted: Any) -> None:
        self.control("settings", "PATCH", wanted)

    def advance(self, seconds: float) -> None:
        self.control("clock", "POST", {"advance_seconds": seconds})

    def effects(self, kind: str, subject: str = "") -> list[str]:
        """What became of one thing, or of all things of a kind, oldest first."""
        found = self.control(f"journal?effect={kind}" + (f"&id={subject}" if subject else ""))
        every = [effect for entry in found["data"] for effect in entry["effects"]]
        return [e["change"] for e in every if e["kind"] == kind and subject in ("", e["id"])]

    def last_call(self, operation: str) -> dict[str, Any]:
        return dict(self.control(f"journal?operation={operation}&limit=1")["data"][0])

    def http(self, bearer: str = KEY) -> httpx.Client:
        """A client that adds nothing and explains nothing away."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {bearer}"}, timeout=300
        )

    def arm_http(self) -> httpx.Client:
        return self.http(self.token(ARM_SCOPE))


class _PlainBearer(SansIOHTTPPolicy[Any, Any]):
    """The SDK's own policy sends no token over plain http."""

    def __init__(self, token: str) -> None:
        self._token = token

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.http_request.headers["Authorization"] = f"Bearer {self._token}"


class _Unused:
    def get_token(self, *scopes: str, **options: Any) -> Any:
        raise AssertionError("the authentication policy should have come first")


@contextmanager
def started(
    state: Path, *more: str, program: Sequence[str] = tuple(supervised.module(JUDGED))
) -> Iterator[tuple[Running, "subprocess.Popen[str]"]]:
    """An emulator as a process, on a port that it takes itself: one that was only looked up could
    be taken by another process meanwhile."""
    weights = ROOT / ".local" / "models"
    command = [*program, "--port", "0", "--state", str(state)]
    command += ["--model", "tiny", "--lazy", "--weights", str(weights), "--key", KEY, *more]
    # The tiny model is too small to share among threads.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = cast(
        "subprocess.Popen[str]",
        supervised.start(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True),
    )
    with process:
        try:
            yield Running(url_of(process)), process
        finally:
            stop(process)
    misfits = state / MISFITS
    said = misfits.read_text(encoding="utf-8") if misfits.exists() else ""
    assert not said, f"answers that are not as published:\n{said}"


def stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def url_of(process: "subprocess.Popen[str]") -> str:
    """Where it listens, as it says itself; it accepts connections from then on."""
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r"http://\S+", first)
    assert found, f"the emulator did not start; it printed: {first!r}"
    return found.group()


@contextmanager
def running_emulator(state: Path, *more: str) -> Iterator[Running]:
    with started(state, *more) as (emulator, _):
        yield emulator


def wait_until(happened: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def deploy(
    arm: CognitiveServicesManagementClient,
    name: str,
    model: str,
    version: str = "1",
    sku: str = "Standard",
    capacity: int = 1,
    format: str = "OpenAI",
) -> Deployment:
    body = Deployment(
        sku=Sku(name=sku, capacity=capacity),
        properties=DeploymentProperties(
            model=DeploymentModel(format=format, name=model, version=version)
        ),
    )
    return arm.deployments.begin_create_or_update("rg", "account", name, body).result()


QUESTION: Any = [{"role": "user", "content": "Who be ye?"}]


def answer_once_ready(client: OpenAI, deployment: str) -> Any:
    """A deployment that ARM calls Succeeded may still be unknown to chat for a while."""
    answers = []

    def ready() -> bool:
        try:
            answers.append(
                client.chat.completions.create(model=deployment, messages=QUESTION, max_tokens=5)
            )
        except openai.NotFoundError as error:
            assert error.code == "DeploymentNotFound"
            return False
        return True

    wait_until(ready)
    return answers[0]


@dataclass(frozen=True)
class Tuned:
    """A job as it was created, and as it ended."""

    created: Any
    finished: Any


def account_path(rest: str = "") -> str:
    return (
        "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.CognitiveServices"
        f"/accounts/account{rest}?api-version=2025-09-01"
    )


def dataset(examples: int = 10) -> bytes:
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"Question {number}?"},
                {"role": "assistant", "content": f"Arr, that be {number}."},
            ]
        }
        for number in range(examples)
    ]
    return "\n".join(json.dumps(line) for line in lines).encode()


def upload(client: OpenAI, content: bytes, name: str = "train.jsonl") -> str:
    """The id of a file that the service has looked at."""
    uploaded = client.files.create(file=(name, content), purpose="fine-tune")
    client.files.wait_for_processing(uploaded.id, poll_interval=0.1, max_wait_seconds=300)
    return uploaded.id


def finished(client: OpenAI, job_id: str) -> Any:
    """The job, once it is over."""

    def over() -> bool:
        return client.fine_tuning.jobs.retrieve(job_id).status in (
            "succeeded",
            "failed",
            "cancelled",
        )

    wait_until(over)
    return client.fine_tuning.jobs.retrieve(job_id)

"""Starts the real emulator, with the tiny model, as a process of its own."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from openai import AzureOpenAI, OpenAI

ROOT = Path(__file__).parents[2]
KEY = "a-key-for-tests"
ARM_SCOPE = "https://management.azure.com"
BASE_MODEL = "gpt-4.1-nano-2025-04-14"


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
        with urllib.request.urlopen(f"{self.url}/_emulator/health") as answer:
            return dict(json.load(answer))


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
def running_emulator(state: Path) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    weights = ROOT / ".local" / "models"
    command = [sys.executable, "-m", "local.emulator", "--port", str(port), "--state", str(state)]
    command += ["--model", "tiny", "--weights", str(weights), "--key", KEY]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            emulator = Running(f"http://127.0.0.1:{port}")
            wait_until(lambda: _answers(emulator) or process.poll() is not None)
            assert process.poll() is None, "the emulator did not start"
            yield emulator
        finally:
            process.terminate()
            process.wait(timeout=10)


def _answers(emulator: Running) -> bool:
    try:
        return bool(emulator.health()["status"] == "ok")
    except (urllib.error.URLError, ConnectionError):
        return False


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


StartEmulator = Callable[[Path], Running]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def v1(emulator: Running) -> Iterator[OpenAI]:
    with emulator.v1() as client:
        yield client


@pytest.fixture
def dated(emulator: Running) -> Iterator[AzureOpenAI]:
    with emulator.dated() as client:
        yield client


@pytest.fixture
def arm(emulator: Running) -> Iterator[CognitiveServicesManagementClient]:
    with ExitStack() as stack:
        yield stack.enter_context(emulator.arm())


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
    client.files.wait_for_processing(uploaded.id, poll_interval=0.1)
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

"""The emulator within the test's process, without its worker and its model: for all that needs
neither a training nor an answer, in milliseconds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.testclient import TestClient

from local.emulator.app import Emulator, build_app
from local.emulator.language.model import LanguageModel

from .harness import ARM_SCOPE, BASE_MODEL, KEY, account_path, dataset
from .judge import Judge
from .judged import Judged, refuse

ADDRESS = "http://127.0.0.1"
LOCATIONS = "/subscriptions/s/providers/Microsoft.CognitiveServices/locations"
VERSION = "2025-04-14"
JUDGE = Judge()


class Inside:
    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        judged = Judged(build_app(emulator, "127.0.0.1", []), JUDGE, refuse)
        self.control = TestClient(judged, base_url=ADDRESS)
        self.data = self._client(KEY)
        self.arm = self._client(emulator.tokens.issue(ARM_SCOPE)[0])

    def _client(self, bearer: str) -> TestClient:
        app = self.control.app
        return TestClient(app, ADDRESS, headers={"Authorization": f"Bearer {bearer}"})

    def with_token(self) -> TestClient:
        return self._client(self.emulator.tokens.issue("https://cognitiveservices.azure.com")[0])

    def settings(self, **wanted: Any) -> None:
        self.emulator.context.settings.change(wanted)

    def fault(self, name: str, operation: str = "*", **more: Any) -> None:
        answer = self.control.post(
            "/_emulator/faults", json={"fault": name, "operation": operation, **more}
        )
        assert answer.status_code in (200, 201), answer.text

    def advance(self, seconds: float) -> None:
        self.emulator.context.clock.advance(seconds)
        self.emulator.summary()  # what has expired by now is deleted now

    def it_is(self, year: int, month: int, day: int) -> None:
        """At noon; also in the past, so that a test of a date goes on after it."""
        clock = self.emulator.context.clock
        clock.advance(datetime(year, month, day, 12, tzinfo=UTC).timestamp() - clock.now())

    def file(self) -> str:
        form = {"file": ("t.jsonl", dataset())}
        made = self.data.post("/openai/v1/files", files=form, data={"purpose": "fine-tune"})
        return str(made.json()["id"])

    def job(self, file: str) -> str:
        return str(self.train(BASE_MODEL, file).json()["id"])

    def train(self, model: str, file: str, kind: str = "Standard") -> Any:
        """The answer to a job."""
        body = {"model": model, "training_file": file, "trainingType": kind}
        return self.data.post("/openai/v1/fine_tuning/jobs", json=body)

    def tuned(self, base: str) -> str:
        """A model as a job would have made it, without its weights."""
        name = f"{base}.ft-{uuid4().hex}"
        self.emulator.registry.add(name, base, "ftjob-of-a-test", "nowhere", 0)
        return name

    def put(
        self,
        name: str,
        model: str = "gpt-4.1",
        capacity: int = 1,
        *,
        sku: str = "Standard",
        format: str | None = "OpenAI",
        version: str | None = None,
    ) -> Any:
        """The answer to a PUT of a deployment, and time for it to be made."""
        version = version or ("1" if ".ft-" in model else VERSION)
        named = {"format": format, "name": model, "version": version}
        body = {"sku": {"name": sku, "capacity": capacity}, "properties": {"model": named}}
        answer = self.arm.put(account_path(f"/deployments/{name}"), json=body)
        self.advance(5)
        return answer

    def state(self, name: str) -> str:
        shown = self.arm.get(account_path(f"/deployments/{name}")).json()
        return str(shown["properties"]["provisioningState"])


@contextmanager
def inside(folder: Path) -> Iterator[Inside]:
    emulator = Emulator(folder, LanguageModel("tiny", folder, folder), KEY, warm=False)
    emulator.context.settings.change({"file_seconds": 0})
    try:
        yield Inside(emulator)
    finally:
        emulator.context.store.close()


def refusal(answer: Any) -> tuple[int, str, str]:
    """Status, code and sentence."""
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def in_location(location: str, rest: str, query: str = "") -> str:
    """An address of the control plane that is of a region and of no account."""
    return f"{LOCATIONS}/{location}/{rest}?api-version=2025-09-01&{query}"

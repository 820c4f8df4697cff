"""Where telemetry goes, and what goes there: from a process of its own."""

import gzip
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared import exporters
from shared.telemetry import root_of

ROOT = Path(__file__).resolve().parents[2]
KEY = "00000000-0000-0000-0000-000000000000"

LOADED = "import sys, function_app; print(*sorted(sys.modules))"

EMIT = """
import asyncio, logging, os
from shared import exporters, telemetry

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("shared.run")
exporters.start(os.environ)

async def make_run():
    return "captain-1"

class Outcome:
    event = "dataset is good"

async def good():
    return Outcome()

async def bad():
    raise ValueError("-".join(["a", "very", "private", "line"]))

@telemetry.about_run
async def advance(run_id):
    log.warning("run %s waits", run_id)
    await telemetry.step(run_id, "captain", "received", good())
    try:
        await telemetry.step(run_id, "captain", "checked", bad())
    except ValueError:
        log.exception("%s went wrong", run_id)

async def main():
    async with telemetry.event("keep_moving"):
        await telemetry.drop(make_run())
        await advance("captain-1")
        log.info("nobody's")
        library = logging.getLogger("library")
        library.info("chatty")
        library.warning("could not read %s", "-".join(["a", "very", "private", "line"]))
        library.error("-".join(["a", "very", "private", "line"]))
        telemetry.measure("tunedrop.ticks")
        telemetry.measure("tunedrop.runs.ended", stage="failed")
        telemetry.measure("tunedrop.runs.ended", stage="failed")
        telemetry.measure("tunedrop.stage.seconds", 12.5, stage="training")
        telemetry.measure("tunedrop.runs", 3, stage="training")

asyncio.run(main())
"""


def python(script: str, **environ: str) -> str:
    clean = {k: v for k, v in os.environ.items() if "TELEMETRY" not in k}
    clean |= {"PYTHON_ENABLE_INIT_INDEXING": "1"} | environ
    run = [sys.executable, "-c", script]
    done = subprocess.run(run, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Ingestion(BaseHTTPRequestHandler):
    """Application Insights, as far as an exporter sees it: takes everything."""

    received: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        items = json.loads(body)
        self.received += items
        answer = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """The folder with the files, and what Application Insights was sent."""
    received: list[dict[str, Any]] = []
    handler = type("Handler", (Ingestion,), {"received": received})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = f"http://127.0.0.1:{server.server_port}/"
        folder = tmp_path_factory.mktemp("sent")
        python(
            EMIT,
            TUNEDROP_TELEMETRY_FOLDER=str(folder),
            APPLICATIONINSIGHTS_CONNECTION_STRING=f"InstrumentationKey={KEY};IngestionEndpoint={here}",
        )
        server.shutdown()
    yield folder, received


def of_kind(received: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for item in received if item["data"]["baseType"] == kind]


def test_an_app_without_a_destination_loads_no_sdk() -> None:
    loaded = python(LOADED).split()
    assert "shared.telemetry" in loaded
    extra = ("opentelemetry.sdk", "azure.monitor", "opentelemetry.exporter")
    assert not [name for name in loaded if name.startswith(extra)]


def test_an_app_with_wrong_destinations_starts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wrong = {
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=not-one",
        "TUNEDROP_TELEMETRY_FOLDER": str(tmp_path / "file"),
    }
    assert "function_app" in python(LOADED, **wrong).split()


def test_a_destination_that_is_none_is_not_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its address may hold a key; a folder's name may too, where settings were mixed up."""
    (tmp_path / "sk-secret").touch()
    wrong = {"TUNEDROP_TELEMETRY_FOLDER": str(tmp_path / "sk-secret")}
    assert list(exporters._destinations(wrong)) == []
    assert "Nothing is sent to the address in TUNEDROP_TELEMETRY_FOLDER" in caplog.text
    assert "sk-secret" not in caplog.text


def test_application_insights_gets_the_metrics_that_alerts_ask_for(sent: Any) -> None:
    metrics = [item["data"]["baseData"] for item in of_kind(sent[1], "MetricData")]
    values = {m["metrics"][0]["name"]: (m["metrics"][0]["value"], m["properties"]) for m in metrics}
    assert values["tunedrop.ticks"] == (1, {})
    assert values["tunedrop.runs.ended"] == (2, {"stage": "failed"})
    assert values["tunedrop.stage.seconds"] == (12.5, {"stage": "training"})
    assert values["tunedrop.runs"] == (3, {"stage": "training"})
    assert all(name.startswith("tunedrop.") for name in values)


def test_application_insights_gets_one_operation_for_a_run(sent: Any) -> None:
    trace = f"{root_of('captain-1').trace_id:032x}"
    of_run = [item for item in sent[1] if item["tags"].get("ai.operation.id") == trace]
    (begin,) = of_kind(of_run, "RequestData")
    assert begin["data"]["baseData"]["name"] == "run.drop"
    steps = [item["data"]["baseData"] for item in of_kind(of_run, "RemoteDependencyData")]
    assert [(s["name"], s["success"]) for s in steps] == [
        ("run.received", True),
        ("run.checked", False),
    ]
    assert steps[0]["properties"]["event"] == "dataset is good"
    assert "keep_moving" in [i["data"]["baseData"].get("name") for i in sent[1]]


def test_application_insights_gets_the_log_with_the_run(sent: Any) -> None:
    lines = [item["data"]["baseData"] for item in of_kind(sent[1], "MessageData")]
    assert {line["message"]: line["properties"].get("run") for line in lines} == {
        "run captain-1 waits": "captain-1",
        "nobody's": None,
        "could not read %s": None,
        exporters.WITHHELD: None,
    }
    (broken,) = of_kind(sent[1], "ExceptionData")
    (exception,) = broken["data"]["baseData"]["exceptions"]
    assert exception["typeName"] == "ValueError"
    assert "in bad" in exception["stack"]
    assert broken["data"]["baseData"]["properties"]["run"] == "captain-1"


def test_messages_of_exceptions_and_libraries_are_sent_nowhere(sent: Any) -> None:
    """It may hold what went wrong with whom."""
    folder, received = sent
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert set(files) == {"spans.jsonl", "metrics.jsonl", "logs.jsonl"}
    for text in (*files.values(), json.dumps(received)):
        assert "a-very-private-line" not in text
    (failed,) = [
        span for span in map(json.loads, files["spans.jsonl"].splitlines())
        if span["name"] == "run.checked"
    ]  # fmt: skip
    assert failed["status"] == {"status_code": "ERROR", "description": "ValueError"}
    assert failed["events"] == []


def test_a_collector_without_its_package_is_logged_and_not_fatal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    exporters.start({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    assert "Add opentelemetry-exporter-otlp-proto-http" in caplog.text

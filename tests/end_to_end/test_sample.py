"""The app by the sample settings, as `func start` alone runs it: it looks for drops by itself."""

import json
import re
from pathlib import Path

import httpx

from tests.host.conftest import Process, eventually
from tests.processes import ROOT
from tests.support.datasets import dataset
from tests.support.stack import StackHarness, wait_for

SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text(encoding="utf-8"))["Values"]


def test_a_drop_is_found_without_any_event(stack: StackHarness, tmp_path: Path) -> None:
    """No part delivers events here; storage, resource and containers are those of the test."""
    settings = {
        **SAMPLE,
        **stack.apart("sample", TUNEDROP_APP_KEYS="", TUNEDROP_TICK="* * * * * *"),
    }
    settings |= {"AzureWebJobsStorage": stack.addresses.storage}
    settings |= {"AzureFunctionsWebHost__hostid": "sample"}
    stack.container("datasets-sample").upload_blob("wren/training_set.jsonl", dataset(12))
    options = ("--app", str(ROOT), "--port", "0", "--no-auth")
    with Process(tmp_path / "host.log", "local.host", *options, environment=settings) as host:
        found = eventually(lambda: re.search(r"Host started: (\S+)", host.text), "the host starts")
        assert "blobTrigger   datasets-sample/{name} (LogsAndContainerScan)" in host.text

        def serving() -> bool:
            runs = httpx.get(f"{found[1]}/api/runs?model=wren", timeout=120).json()["runs"]
            assert not runs or runs[0]["stage"] not in ("failed", "rejected"), runs
            return bool(runs) and runs[0]["stage"] == "serving"

        wait_for(serving)
        assert "New blob detected(LogsAndContainerScan): datasets-sample/wren/" in host.text
        assert host.stop() == 0
    stack.clear_service("wren")

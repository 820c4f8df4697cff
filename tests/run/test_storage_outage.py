"""Storage alone is out, for a while: nothing can be read or written, and nothing is lost."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local import storage, supervised
from local.stack import AZURITE
from shared.cloud import AzureClients
from shared.run import reconciler
from shared.run.stages import Stage
from shared.settings import Settings
from tests.support.control import StackControl
from tests.support.runs import RunHarness
from tests.support.stack import StackHarness


class Azurite:
    """One of the test's own, that can be stopped and started again with what it holds."""

    def __init__(self, folder: Path) -> None:
        node = os.environ.get("TUNEDROP_NODE") or shutil.which("node")
        assert node, "dev.py finds or installs one"
        self.ports = storage.free_ports()
        self.command = storage.azurite_command(node, AZURITE, folder, self.ports)
        self.start()

    def start(self) -> None:
        self.process = supervised.start(self.command)
        storage.wait_ready(self.ports)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def azurite(tmp_path: Path) -> Iterator[Azurite]:
    own = Azurite(tmp_path)
    try:
        yield own
    finally:
        own.stop()


async def test_a_run_goes_on_when_storage_is_back(
    stack: StackHarness,
    azurite: Azurite,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = f"m{uuid.uuid4().hex[:8]}"
    environ = stack.apart(model, TUNEDROP_SWEEP_SECONDS="0")
    environ["TunedropStorage"] = storage.connection_string(azurite.ports)
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, environ[name])
    with BlobServiceClient.from_connection_string(environ["TunedropStorage"]) as blobs:
        for name in ("datasets", "runs", "models"):
            blobs.create_container(f"{name}-{model}")
    async with AzureClients(Settings.load(environ)) as clients:
        harness = RunHarness.on_stack(clients, model, StackControl(stack))
        await harness.drop()
        run = await harness.received()
        await reconciler.tick(harness.ctx)
        azurite.stop()
        await reconciler.tick(harness.ctx)
        assert "no run could be looked after: Storage could not be reached" in caplog.text
        azurite.start()
        run = await harness.until(run, Stage.SERVING, Stage.FAILED)
    assert run.stage is Stage.SERVING, run.failure
    assert stack.jobs_of(run.id) == [run.job_id]
    stack.clear_deployments(f"{model}-")

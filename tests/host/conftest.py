"""Real Azurite and the real host process for the tests beside this file.

Azurite's npm package is looked for in `$TUNEDROP_AZURITE` (the folder that holds node_modules),
then in `.venv/azurite` of the checkout; node in `$TUNEDROP_NODE`, then on the PATH.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar

import pytest
from azure.storage.blob import BlobServiceClient

from local import supervised
from local.storage import azurite_command, connection_string, free_ports, wait_ready

CHECKOUT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
PATIENCE = 120.0  # a machine may be busy with other things
T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str) -> T:
    """Poll until `look` returns something true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {PATIENCE:.0f} s in vain: {what}")


class Process:
    """A `python -m ...` of this checkout, with its output in a file, or in `output`, a descriptor.
    `launcher` is a command that starts it."""

    def __init__(
        self,
        log: Path,
        *arguments: str,
        launcher: Sequence[str] = (),
        output: int | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.log = log
        clean = {k: v for k, v in os.environ.items() if not k.startswith("AzureWebJobs")}
        with log.open("ab") as file:
            self.process = supervised.start(
                [*launcher, *supervised.module(*arguments)],
                cwd=CHECKOUT,
                env={**clean, **environment},
                stdout=output or file,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Whatever a test has made of it, the process does not outlive the test."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)


class Host(Process):
    """The host with one of the apps; its functions write what happens into the journal. It asks
    for keys where it is given any."""

    def __init__(
        self,
        folder: Path,
        app: str,
        storage: str,
        *options: str,
        port: int = 0,
        launcher: Sequence[str] = (),
        output: int | None = None,
        **environment: str,
    ) -> None:
        self._journal = folder / "journal.jsonl"
        log = folder / f"host-{uuid.uuid4().hex[:6]}.log"
        open_to_all = () if any(name.endswith("_KEY") for name in environment) else ("--no-auth",)
        arguments = ("--app", str(APPS / app), "--port", str(port), *open_to_all, *options)
        settings = {
            "JOURNAL": str(self._journal),
            "PYTHON_ENABLE_INIT_INDEXING": "1",
            "AzureWebJobsStorage": storage,
            "DataStorage": storage,
            "AzureFunctionsWebHost__hostid": f"test-{uuid.uuid4().hex[:12]}",
            **environment,
        }
        self.host_id = settings["AzureFunctionsWebHost__hostid"]
        super().__init__(
            log, "local.host", *arguments, launcher=launcher, output=output, environment=settings
        )

    @property
    def url(self) -> str:
        def ready() -> str | None:
            assert self.process.poll() is None, self.text
            found = re.search(r"Host started: (\S+)", self.text)
            return found and found[1]

        return eventually(ready, "the host starts")

    def journal(self, key: str, about: str = "") -> list[dict[str, Any]]:
        """What the app's functions have noted under the key, of the blobs of one container only
        where `about` names it."""
        if not self._journal.exists():
            return []
        lines = self._journal.read_text(encoding="utf-8").splitlines()
        noted = [entry for entry in map(json.loads, lines) if key in entry]
        return [entry for entry in noted if str(entry[key]).startswith(about)]


SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "DataStorage": "UseDevelopmentStorage=true",
    "JOURNAL": "unused",
}


def check(app: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON_ENABLE_INIT_INDEXING": "1", **SETTINGS, **settings}
    command = [sys.executable, "-m", "local.host", "--app", str(app), *(options or ("--check",))]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert "Traceback" not in done.stderr
    return done


def watch(folder: Path, container: str, url: str, function: str, storage: str) -> Process:
    """`local.events`, subscribed for one function."""
    return Process(
        folder / f"events-{uuid.uuid4().hex[:6]}.log",
        "local.events",
        *("--container", container, "--state", str(folder / f"{function}.json")),
        *("--webhook", f"{url}/runtime/webhooks/blobs?functionName=Host.Functions.{function}"),
        *("--connection-setting", "DataStorage"),
        environment={"DataStorage": storage},
    )


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A connection string to an Azurite of our own."""
    prefix = Path(os.environ.get("TUNEDROP_AZURITE", CHECKOUT / ".venv" / "azurite"))
    package = prefix / "node_modules" / "azurite"
    node = os.environ.get("TUNEDROP_NODE") or shutil.which("node")
    if not package.exists() or not node:
        pytest.fail("Azurite is missing: set TUNEDROP_AZURITE to the folder of its node_modules.")
    ports = free_ports()
    command = azurite_command(node, package, tmp_path_factory.mktemp("azurite"), ports)
    process = supervised.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(ports)
        yield connection_string(ports)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture(scope="session")
def blobs(storage: str) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(storage) as client:
        yield client


@pytest.fixture(scope="session")
def host(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The streaming app, running."""
    running = Host(tmp_path_factory.mktemp("host"), "streaming", storage)
    try:
        assert running.url
        yield running
    finally:
        running.stop()


@pytest.fixture
def container(blobs: BlobServiceClient) -> str:
    name = f"drops-{uuid.uuid4().hex[:8]}"
    blobs.create_container(name)
    return name

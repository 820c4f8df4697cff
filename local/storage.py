"""Azurite, the storage emulator: how to start it, how to reach it, when it is ready.

Starts nothing itself and installs nothing: callers run the command and own the process.
"""

import http.client
import time
from dataclasses import dataclass
from pathlib import Path

from local.processes import free_port

HOST = "127.0.0.1"
ACCOUNT = "devstoreaccount1"
# Loaded into Azurite before its own code; each says what for.
BEFORE = [
    Path(__file__).parent / f"azurite/{name}.cjs" for name in ("supervised", "origin", "names")
]
# Every storage emulator's key, public by design: https://learn.microsoft.com/azure/storage/common/
# storage-use-azurite#well-known-storage-account-and-key
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Ports:
    blob: int
    queue: int
    table: int


class NotReady(Exception):
    """Azurite does not answer."""


def free_ports() -> Ports:
    """Three ports that nobody listens on right now."""
    found: set[int] = set()
    while len(found) < 3:
        found.add(free_port())
    return Ports(*found)


def azurite_command(node: str, package: Path, location: Path, ports: Ports) -> list[str]:
    """The command; `package` is the folder of the npm package, `<prefix>/node_modules/azurite`.

    Started by `supervised.start`, it ends when the process that started it is gone.
    """
    services = {"blob": ports.blob, "queue": ports.queue, "table": ports.table}
    addresses = [
        option
        for service, port in services.items()
        for option in (f"--{service}Host", HOST, f"--{service}Port", str(port))
    ]
    return [
        node,
        *(word for path in BEFORE for word in ("--require", str(path))),
        str(package / "dist" / "src" / "azurite.js"),
        "--location",
        str(location),
        *addresses,
        # Today's SDKs ask for an API version newer than the newest Azurite knows, and get a 400.
        "--skipApiVersionCheck",
        "--loose",
        "--silent",
        "--disableTelemetry",
    ]


def connection_string(ports: Ports) -> str:
    return ";".join(
        (
            "DefaultEndpointsProtocol=http",
            f"AccountName={ACCOUNT}",
            f"AccountKey={KEY}",
            f"BlobEndpoint=http://{HOST}:{ports.blob}/{ACCOUNT}",
            f"QueueEndpoint=http://{HOST}:{ports.queue}/{ACCOUNT}",
            f"TableEndpoint=http://{HOST}:{ports.table}/{ACCOUNT}",
        )
    )


def wait_ready(ports: Ports, timeout: float = 300.0) -> None:
    """Return once all three services answer HTTP; raise NotReady after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not ready(ports):
        if time.monotonic() > deadline:
            raise NotReady(f"Azurite did not answer on {ports} within {timeout:.0f} seconds.")
        time.sleep(0.05)


def ready(ports: Ports) -> bool:
    """Whether all three services answer HTTP."""
    return all(map(_answers, (ports.blob, ports.queue, ports.table)))


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True

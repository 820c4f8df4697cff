"""Event Grid on a laptop: `python -m local.events --container C --webhook URL --state FILE`.

Azurite raises no events. This watches one container and delivers BlobCreated events to a webhook as
Event Grid does: handshake first, then at least once each, with growing pauses after a failure. It
does not know what answers the webhook; this project's host and Core Tools serve alike.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.blob import BlobProperties
from azure.storage.blob.aio import ContainerClient

from local import private
from local.errors import sentence, shown

log = logging.getLogger("local.events")

LONGEST_PAUSE = 10.0
KEY_SETTING = "FUNCTIONS_SYSTEM_KEY"  # where the host that is called asks for keys
TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/"
    "Microsoft.Storage/storageAccounts/devstoreaccount1"
)


class Delivered:
    """Which etag of each blob has been delivered, kept in a file that is always whole. Each method
    raises OSError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._etags = _read(path)
        self._save()  # at once: what cannot be kept is not to be found out with a drop

    def __contains__(self, blob: BlobProperties) -> bool:
        return self._etags.get(blob.name) == blob.etag

    def add(self, blob: BlobProperties) -> None:
        self._etags[blob.name] = blob.etag
        self._save()

    def keep_only(self, names: set[str]) -> None:
        if gone := self._etags.keys() - names:
            for name in gone:
                del self._etags[name]
            self._save()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        private.write_text(self._path, json.dumps(self._etags))


def _read(path: Path) -> dict[str, str]:
    """Empty for what is no such file: all that is there is then delivered again."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        known = None
    if not isinstance(known, dict) or not all(isinstance(etag, str) for etag in known.values()):
        log.warning("%s cannot be read: every blob is delivered again.", path)
        return {}
    return known


@dataclass
class Backoff:
    """When to try again: 0.5 s after the first failure, then twice as long each time."""

    failures: int = 0
    not_before: float = 0.0

    def failed(self) -> None:
        pause = min(LONGEST_PAUSE, 0.5 * 2**self.failures)
        self.failures += 1
        self.not_before = time.monotonic() + pause

    @property
    def waits(self) -> bool:
        return time.monotonic() < self.not_before


@dataclass
class Subscription:
    container: ContainerClient
    webhook: str
    session: aiohttp.ClientSession
    delivered: Delivered
    validated: bool = False
    handshake: Backoff = field(default_factory=Backoff)
    backoffs: dict[str, Backoff] = field(default_factory=dict)  # by etag

    async def step(self) -> None:
        """Validate if need be, then try every event that is due."""
        if not self.validated:
            if not self.handshake.waits:
                await self._validate()
            return
        try:
            blobs = [blob async for blob in self.container.list_blobs()]
        except ResourceNotFoundError:
            return  # not created yet
        self.delivered.keep_only({blob.name for blob in blobs})
        due = [blob for blob in blobs if blob not in self.delivered]
        for blob in sorted(due, key=lambda item: item.last_modified):
            backoff = self.backoffs.setdefault(blob.etag, Backoff())
            if not backoff.waits:
                await self._deliver(blob, backoff)

    async def _validate(self) -> None:
        code = str(uuid.uuid4())
        event = _event("Microsoft.EventGrid.SubscriptionValidationEvent", "", {})
        event["data"] = {"validationCode": code}
        status, body = await self._post("SubscriptionValidation", event)
        if status == 200 and body.get("validationResponse") == code:
            self.validated = True
            log.info("Subscribed %s", self.webhook)
            return
        if not self.handshake.failures:
            log.warning("The webhook does not confirm yet (%s); trying on.", status or "no answer")
        self.handshake.failed()

    async def _deliver(self, blob: BlobProperties, backoff: Backoff) -> None:
        url = self.container.get_blob_client(blob.name).url
        status, _ = await self._post("Notification", _blob_created(blob, url))
        if 200 <= status < 300:
            self.delivered.add(blob)
            del self.backoffs[blob.etag]
            log.info("Delivered %s", shown(blob.name))
            return
        log.warning(
            "Not delivered: %s (%s); trying again.", shown(blob.name), status or "no answer"
        )
        backoff.failed()

    async def _post(self, kind: str, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status (0: nobody answered) and the JSON object that came back, if any."""
        try:
            async with self.session.post(
                self.webhook, json=[event], headers={"aeg-event-type": kind}
            ) as response:
                text = await response.text()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, {}
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        return status, body if isinstance(body, dict) else {}


def _event(kind: str, subject: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "topic": TOPIC,
        "subject": subject,
        "eventType": kind,
        "eventTime": datetime.now(UTC).isoformat(),
        "data": data,
        "dataVersion": "",
        "metadataVersion": "1",
    }


def _blob_created(blob: BlobProperties, url: str) -> dict[str, Any]:
    etag = blob.etag.strip('"')
    data = {
        "api": "PutBlob",
        "clientRequestId": str(uuid.uuid4()),
        "requestId": str(uuid.uuid4()),
        "eTag": etag,
        "contentType": blob.content_settings.content_type,
        "contentLength": blob.size,
        "blobType": getattr(blob.blob_type, "value", blob.blob_type),
        "url": url,
        # Event Grid's orders the events of one blob, as text; so does this.
        "sequencer": f"{int(blob.last_modified.timestamp() * 1000):032x}",
        "storageDiagnostics": {"batchId": str(uuid.uuid4())},
    }
    subject = f"/blobServices/default/containers/{blob.container}/blobs/{blob.name}"
    return _event("Microsoft.Storage.BlobCreated", subject, data)


async def watch(options: argparse.Namespace, connection: str, delivered: Delivered) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            handler = lambda *_: loop.call_soon_threadsafe(stopping.set)  # noqa: E731
            signal.signal(getattr(signal, name), handler)
    container = ContainerClient.from_connection_string(
        connection, options.container, retry_total=0, connection_timeout=5
    )
    key = os.environ.get(KEY_SETTING)
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=30),  # so long does Event Grid wait for an answer
        headers={"x-functions-key": key} if key else {},
    )
    async with container, session:
        watching = asyncio.create_task(
            _watch(
                Subscription(container, options.webhook, session, delivered),
                options.interval,
            )
        )
        watching.add_done_callback(lambda _: stopping.set())
        await stopping.wait()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def _watch(subscription: Subscription, interval: float) -> None:
    well = True
    while True:
        try:
            await subscription.step()
            well = True
        except AzureError as error:
            if well:
                log.warning("Storage does not answer: %s", str(error).splitlines()[0])
            well = False
        except OSError as error:  # a full disk; after a restart, it is delivered again
            if well:
                log.warning("%s", sentence(error))
            well = False
        await asyncio.sleep(interval)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m local.events", description="Deliver blob events.")
    parser.add_argument("--container", required=True)
    parser.add_argument("--webhook", required=True, help="where to POST the events")
    parser.add_argument("--state", required=True, type=Path, help="remembers what was delivered")
    parser.add_argument("--interval", type=float, default=0.3, help="seconds between two looks")
    parser.add_argument("--connection-setting", default="TunedropStorage")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="[%(asctime)s] %(message)s", level=logging.INFO)
    logging.getLogger("azure").setLevel(logging.WARNING)
    connection = os.environ.get(options.connection_setting)
    if not connection:
        parser.error(f"set {options.connection_setting} to a storage connection string")
    try:
        delivered = Delivered(options.state)
    except OSError as error:
        sys.exit(f"error: {sentence(error)}")
    asyncio.run(watch(options, connection, delivered))
    return 0


if __name__ == "__main__":
    sys.exit(main())

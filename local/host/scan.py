"""The blob trigger's other source, LogsAndContainerScan: looks for blobs and queues what it finds.

What has been found is remembered by receipts, blobs in the host's own storage and in the real
host's form, so that either host can go on where the other has ended. Knows no function but by its
name and path. Reads no storage logs, by which the real host finds blobs between its looks.
"""

import logging
import re
from collections.abc import Awaitable, Callable

from azure.core.exceptions import AzureError, ResourceNotFoundError

from local.host.accounts import HOST_CONTAINER, first_line
from local.host.index import SCAN, BlobTrigger, Function
from local.host.runtime import Runtime

log = logging.getLogger("Host.Triggers.Blobs")

PERIOD_SECONDS = 10.0  # the real host's


class BlobScan:
    def __init__(
        self, runtime: Runtime, enqueue: Callable[[dict[str, str]], Awaitable[None]]
    ) -> None:
        self._runtime, self._enqueue = runtime, enqueue
        self.functions = [row for row in runtime.blobs() if row[1].source == SCAN]

    async def run(self) -> None:
        """Until the host stops."""
        invoker = self._runtime.invoker
        while not invoker.stopping.is_set():
            for function, trigger in self.functions:
                try:
                    await self._look(function, trigger)
                except AzureError as error:
                    log.error("'%s' cannot look for blobs: %s", trigger.path, first_line(error))
            await invoker.pause(PERIOD_SECONDS)

    async def _look(self, function: Function, trigger: BlobTrigger) -> None:
        container, fits = trigger.path.partition("/")[0], pattern(trigger.path)
        known = await self._receipts(function)
        blobs = self._runtime.accounts.blobs(trigger.connection).get_container_client(container)
        try:
            found = [blob async for blob in blobs.list_blobs() if fits.fullmatch(blob.name)]
        except ResourceNotFoundError:
            return  # the container is still to be made
        for blob in sorted(found, key=lambda blob: blob.last_modified):
            etag = f'"{blob.etag.strip(chr(34))}"'
            receipt = f"{self._folder(function)}{etag}/{container}/{blob.name}"
            if receipt not in known:
                await self._enqueue(message(function, container, blob.name, etag))
                await self._keep(receipt)  # afterwards: rather twice than never

    async def _receipts(self, function: Function) -> set[str]:
        host = self._runtime.accounts.blobs().get_container_client(HOST_CONTAINER)
        folder = self._folder(function)
        return {blob.name async for blob in host.list_blobs(name_starts_with=folder)}

    async def _keep(self, receipt: str) -> None:
        host = self._runtime.accounts.blobs()
        await host.get_blob_client(HOST_CONTAINER, receipt).upload_blob(b"", overwrite=True)

    def _folder(self, function: Function) -> str:
        return f"blobreceipts/{self._runtime.settings.host_id}/{function.full_name}/"


def message(function: Function, container: str, name: str, etag: str) -> dict[str, str]:
    """What the queue's side of the trigger reads, from whichever source."""
    return {
        "Type": "BlobTrigger",
        "FunctionId": function.full_name,
        "BlobType": "BlockBlob",
        "ContainerName": container,
        "BlobName": name,
        "ETag": etag,
    }


def pattern(path: str) -> re.Pattern[str]:
    """Of the names that a path such as `datasets/{name}.jsonl` means: `{x}` is anything, slashes
    as well; a path of a container alone means all."""
    _, _, name = path.partition("/")
    parts = re.split(r"\{\w+\}", name or "{all}")
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)

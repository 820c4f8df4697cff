"""The storage accounts behind connection strings: clients, and waiting for the host's own.

Retrying is the callers' business: the SDK's own policy would block for half a minute before a word.
"""

import logging
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue import TextBase64DecodePolicy, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from local.host.invoke import Invoker
from local.host.settings import connection_string

log = logging.getLogger("Host.Storage")

HOST_CONNECTION = "AzureWebJobsStorage"
HOST_CONTAINER = "azure-webjobs-hosts"
RETRY_SECONDS = 5.0

_CLIENT_OPTIONS: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5}


class Accounts:
    """Blob and queue clients by connection name, made once each."""

    def __init__(self) -> None:
        self._blobs: dict[str, BlobServiceClient] = {}
        self._queues: dict[str, QueueServiceClient] = {}

    def blobs(self, connection: str = HOST_CONNECTION) -> BlobServiceClient:
        if connection not in self._blobs:
            self._blobs[connection] = BlobServiceClient.from_connection_string(
                connection_string(connection), **_CLIENT_OPTIONS
            )
        return self._blobs[connection]

    def queue(self, name: str, connection: str = HOST_CONNECTION) -> QueueClient:
        if connection not in self._queues:
            self._queues[connection] = QueueServiceClient.from_connection_string(
                connection_string(connection), **_CLIENT_OPTIONS
            )
        return self._queues[connection].get_queue_client(
            name,
            message_encode_policy=TextBase64EncodePolicy(),
            message_decode_policy=TextBase64DecodePolicy(),
        )

    async def wait_for_host_storage(self, invoker: Invoker) -> bool:
        """Keep trying to reach the host's account; False when the host stops first."""
        while not invoker.stopping.is_set():
            try:
                await self.blobs().create_container(HOST_CONTAINER)
            except ResourceExistsError:
                return True
            except AzureError as error:
                log.error(
                    "Cannot reach the storage of '%s' at %s: %s. Timers and blob triggers wait; "
                    "trying again in %d seconds.",
                    HOST_CONNECTION,
                    self.blobs().url,
                    first_line(error),
                    RETRY_SECONDS,
                )
                await invoker.pause(RETRY_SECONDS)
            else:
                return True
        return False

    async def close(self) -> None:
        for blobs in self._blobs.values():
            await blobs.close()
        for queues in self._queues.values():
            await queues.close()


def first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")

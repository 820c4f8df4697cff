"""The blob trigger's queue: takes messages, calls functions, retries, moves the rest to poison.

The messages are the real host's own, in its queues, so either host can finish what the other began.
"""

import asyncio
import contextlib
import json
import logging

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.host.accounts import HOST_CONNECTION, RETRY_SECONDS, first_line
from local.host.bindings import blob_argument
from local.host.index import SCAN, BlobTrigger, Function
from local.host.runtime import Runtime
from local.host.settings import SettingsError, connection_string

log = logging.getLogger("Host.Triggers.Blobs")

POISON_QUEUE = "webjobs-blobtrigger-poison"
SHORTEST_WAIT, LONGEST_WAIT = 0.1, 2.0
# The real host hides a message for 10 minutes. After a hard kill nobody wants to wait that long on
# a laptop, so it is hidden for one, renewed while the function runs.
HIDDEN_SECONDS = 60
RENEW_SECONDS = 20


class BlobQueue:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._functions = {item.full_name: item for item, _ in runtime.blobs()}
        self._name = f"azure-webjobs-blobtrigger-{runtime.settings.host_id}"
        self._wake = asyncio.Event()

    @property
    def _queue(self) -> QueueClient:
        return self._runtime.accounts.queue(self._name)

    async def enqueue(self, message: dict[str, str]) -> None:
        await _send(self._queue, json.dumps(message, separators=(",", ":")))
        self._wake.set()

    async def run(self) -> None:
        """Until the host stops; then wait for the messages in hand."""
        wait = SHORTEST_WAIT
        in_hand: set[asyncio.Task[None]] = set()
        try:
            while not self._runtime.invoker.stopping.is_set():
                self._wake.clear()
                free = self._runtime.settings.max_degree_of_parallelism - len(in_hand)
                messages = await self._receive(min(32, free)) if free else []
                for message in messages:
                    task = asyncio.create_task(self._handle(message))
                    in_hand.add(task)
                    task.add_done_callback(in_hand.discard)
                    task.add_done_callback(lambda _: self._wake.set())
                wait = SHORTEST_WAIT if messages else min(wait * 2, LONGEST_WAIT)
                if not messages:
                    await self._runtime.invoker.pause(wait, self._wake)
            await asyncio.gather(*in_hand)
        finally:
            for task in in_hand:
                task.cancel()
            await asyncio.gather(*in_hand, return_exceptions=True)

    async def _receive(self, count: int) -> list[QueueMessage]:
        try:
            return [
                message
                async for message in self._queue.receive_messages(
                    max_messages=count, visibility_timeout=HIDDEN_SECONDS
                )
            ]
        except ResourceNotFoundError:
            return []  # the first event creates the queue
        except AzureError as error:
            log.error(
                "The queue '%s' cannot be read: %s. Trying again in %d seconds.",
                self._name,
                first_line(error),
                RETRY_SECONDS,
            )
            await self._runtime.invoker.pause(RETRY_SECONDS)
            return []

    async def _handle(self, message: QueueMessage) -> None:
        renewing = asyncio.create_task(self._renew(message))
        last_attempt = (message.dequeue_count or 0) >= self._runtime.settings.poison_blob_threshold
        try:
            done = await self._process(message)
        except asyncio.CancelledError:
            done = last_attempt = False  # the host stops: the message is for the next one, at once
        except AzureError as error:
            log.error("A blob event could not be handled: %s", first_line(error))
            done = False
        finally:
            renewing.cancel()
        try:
            if done:
                await self._queue.delete_message(message)
            elif last_attempt:
                await self._poison(message)
            else:
                await self._queue.update_message(message, visibility_timeout=0)
        except AzureError as error:
            log.error("A blob event will be delivered again: %s", first_line(error))

    async def _process(self, message: QueueMessage) -> bool:
        """Whether the message is settled: the function succeeded, or there is nothing to do."""
        try:
            content = json.loads(message.content)
            function = self._functions.get(content["FunctionId"])
            container, name = content["ContainerName"], content["BlobName"]
            etag = str(content.get("ETag", ""))
        except (ValueError, KeyError, TypeError):
            log.error("A message in '%s' is no blob event; it is dropped.", self._name)
            return True
        if function is None:
            log.warning("An event for '%s' is dropped: no such function.", content["FunctionId"])
            return True
        if (message.dequeue_count or 0) > self._runtime.settings.poison_blob_threshold:
            return False  # its last attempt died with its host
        assert isinstance(function.trigger, BlobTrigger)
        source = function.trigger.source
        reason = f"New blob detected({source}): {container}/{name}"
        details = (
            f"MessageId: {message.id}, DequeueCount: {message.dequeue_count}, "
            f"InsertedOn: {message.inserted_on and message.inserted_on.isoformat()}"
        )
        found = etag if source == SCAN else ""
        return await run_blob(function, container, name, self._runtime, reason, details, found)

    async def _renew(self, message: QueueMessage) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                renewed = await self._queue.update_message(
                    message, visibility_timeout=HIDDEN_SECONDS
                )
            except AzureError as error:
                log.warning("A running blob event could not be kept: %s", first_line(error))
            else:
                message.pop_receipt = renewed.pop_receipt

    async def _poison(self, message: QueueMessage) -> None:
        """The same body, where the data is: the trigger's own account, else the host's."""
        content = json.loads(message.content)
        function = self._functions[content["FunctionId"]]
        assert isinstance(function.trigger, BlobTrigger)
        try:
            connection_string(connection := function.trigger.connection)
        except SettingsError:
            connection = HOST_CONNECTION
        log.error(
            "Message has reached MaxDequeueCount of %d. Moving message to queue '%s' "
            "(function '%s', blob '%s/%s').",
            self._runtime.settings.poison_blob_threshold,
            POISON_QUEUE,
            function.name,
            content["ContainerName"],
            content["BlobName"],
        )
        await _send(self._runtime.accounts.queue(POISON_QUEUE, connection), message.content)
        await self._queue.delete_message(message)


async def run_blob(
    function: Function,
    container: str,
    name: str,
    runtime: Runtime,
    reason: str,
    details: str = "",
    found: str = "",
) -> bool:
    """One attempt. True if the function succeeded, the blob is gone or has another ETag than it was
    found with; an event, which brings none here, is for whatever the blob has become."""
    assert isinstance(function.trigger, BlobTrigger)
    connection = function.trigger.connection
    blob = runtime.accounts.blobs(connection).get_blob_client(container, name)
    try:
        properties = await blob.get_blob_properties()
    except ResourceNotFoundError:
        log.info("The blob '%s/%s' is gone; nothing to do.", container, name)
        return True
    if found and found.strip('"') != properties.etag.strip('"'):
        log.info("The blob '%s/%s' has changed; it will be found again.", container, name)
        return True
    try:
        async with runtime.invoker.invocation(function, reason) as invocation_id:
            log.info(
                "Trigger Details: %s, BlobCreated: %s, BlobLastModified: %s",
                details or "MessageId: none",
                properties.creation_time,
                properties.last_modified,
            )
            argument = await blob_argument(function.annotation, connection, container, name)
            await runtime.invoker.call(function, argument, invocation_id)
    except Exception:  # noqa: BLE001 - logged by the invocation
        return False
    return True


async def _send(queue: QueueClient, text: str) -> None:
    try:
        await queue.send_message(text)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):  # another worker was quicker
            await queue.create_queue()
        await queue.send_message(text)

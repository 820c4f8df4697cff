"""Calls a timer function on its schedule, one call at a time, and keeps its status blob.

Differs from the real host in one thing: it takes no singleton lease, so two local hosts on one
storage account both fire. (After a hard kill, the lease would hold a laptop's timers back for up
to a minute.)
"""

import json
import logging
from datetime import UTC, datetime

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions.timer import TimerRequest

from local.host.accounts import HOST_CONTAINER, first_line
from local.host.index import Function, TimerTrigger
from local.host.invoke import Invoker
from local.host.runtime import Runtime
from local.host.schedule import Status, on_start

log = logging.getLogger("Host.Triggers.Timer")


class TimerListener:
    def __init__(self, function: Function, trigger: TimerTrigger, runtime: Runtime) -> None:
        self._function = function
        self._trigger = trigger
        self._accounts, self._invoker = runtime.accounts, runtime.invoker
        self._blob_name = f"timers/{runtime.settings.host_id}/{function.full_name}/status"
        self._monitored = trigger.use_monitor and not (
            trigger.schedule.more_often_than_each_minute(_now())
        )

    async def run(self) -> None:
        stored = await self._load()
        call, status = on_start(
            self._trigger.schedule, stored, _now(), self._trigger.run_on_startup
        )
        if status != stored:
            await self._save(status)
        if call != "none":
            status = await self._fire(status, past_due=call == "past due")
        while not self._invoker.stopping.is_set():
            remaining = (status.next - _now()).total_seconds()
            if remaining > 0:
                # In short steps, so that a laptop that slept fires soon after it wakes.
                await self._invoker.pause(min(remaining, 30))
            else:
                status = await self._fire(status, past_due=False)

    async def _fire(self, status: Status, past_due: bool) -> Status:
        called = _now()
        await run_timer(
            self._function,
            self._invoker,
            f"Timer fired at {called.isoformat()}",
            status if self._monitored else None,
            past_due,
        )
        status = Status.after_call(self._trigger.schedule, called)
        await self._save(status)
        return status

    async def _load(self) -> Status | None:
        if not self._monitored:
            return None
        try:
            blob = (
                await self._accounts.blobs()
                .get_blob_client(HOST_CONTAINER, self._blob_name)
                .download_blob()
            )
            return Status.parse(json.loads(await blob.readall()))
        except ResourceNotFoundError:
            return None
        except (AzureError, ValueError, KeyError) as error:
            log.warning(
                "The status of %s cannot be read: %s", self._function.name, first_line(error)
            )
            return None

    async def _save(self, status: Status) -> None:
        if not self._monitored:
            return
        try:
            await (
                self._accounts.blobs()
                .get_blob_client(HOST_CONTAINER, self._blob_name)
                .upload_blob(json.dumps(status.as_record()).encode(), overwrite=True)
            )
        except AzureError as error:
            log.warning(
                "The status of %s was not saved: %s", self._function.name, first_line(error)
            )


async def run_timer(
    function: Function,
    invoker: Invoker,
    reason: str,
    status: Status | None = None,
    past_due: bool = False,
) -> None:
    """One call; its failure is logged and never stops the schedule."""
    request = TimerRequest(
        past_due=past_due,
        schedule_status=status.as_record() if status else None,
        schedule={"AdjustForDST": True},
    )
    try:
        async with invoker.invocation(function, reason) as invocation_id:
            if past_due:
                log.info("Function '%s' is past due on its schedule.", function.name)
            await invoker.call(function, request, invocation_id)
    except Exception:  # noqa: BLE001 - logged by the invocation
        return


def _now() -> datetime:
    return datetime.now(UTC)

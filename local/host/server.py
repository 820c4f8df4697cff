"""The running host: HTTP, timers and blob events on one event loop, and how they stop together."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence

import uvicorn
from starlette.routing import Router
from starlette.types import ASGIApp

from local.host.accounts import Accounts
from local.host.admin import Admin
from local.host.blobs import BlobQueue
from local.host.http import HttpFunctions
from local.host.index import BlobTrigger, Function, HttpTrigger, TimerTrigger
from local.host.invoke import Invoker
from local.host.keys import FunctionKeys
from local.host.origin import Hosts, OriginGuard
from local.host.runtime import Runtime
from local.host.scan import BlobScan
from local.host.settings import Settings
from local.host.signals import stop_on_signals
from local.host.timer import TimerListener

log = logging.getLogger("Host.Startup")

# For functions that run when the host is told to stop, and then for their messages and statuses.
GRACE_SECONDS, SAVE_SECONDS = 0.75, 0.25


class Server(uvicorn.Server):
    """uvicorn, but the host decides what a signal does: functions are waited for first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    functions: Sequence[Function],
    settings: Settings,
    keys: FunctionKeys,
    listener: socket.socket,
    hosts: Hosts,
) -> int:
    """Until a signal; the exit code."""
    runtime = Runtime(functions, settings, keys, Accounts(), Invoker(settings.folder))
    stopping = runtime.invoker.stopping
    queue, http = BlobQueue(runtime), HttpFunctions(runtime)
    app = Router(Admin(runtime, queue).routes(), False, default=http)
    server = Server(_config(OriginGuard(app, hosts)))
    with stop_on_signals(stopping) as stop:
        serving = asyncio.create_task(server.serve([listener]))
        listening = asyncio.create_task(_listen(runtime, queue))
        listening.add_done_callback(lambda _: stop())
        _log_functions(http, functions, listener)
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait((waiting, serving), return_when=asyncio.FIRST_COMPLETED)
        stop()
        return await _stop(runtime, server, serving, listening)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=0,
        timeout_keep_alive=120,  # of 5 s, which a client on a busy machine outlasts
    )


async def _listen(runtime: Runtime, queue: BlobQueue) -> None:
    """Everything that needs storage; HTTP functions work without."""
    timers = [TimerListener(item, trigger, runtime) for item, trigger in runtime.timers()]
    blobs, scan = list(runtime.blobs()), BlobScan(runtime, queue.enqueue)
    if (timers or blobs) and await runtime.accounts.wait_for_host_storage(runtime.invoker):
        log.info("Host storage is ready: timers and blob triggers are listening.")
        async with asyncio.TaskGroup() as group:
            for timer in timers:
                group.create_task(timer.run())
            if blobs:
                group.create_task(queue.run())
            if scan.functions:
                group.create_task(scan.run())
    await runtime.invoker.stopping.wait()


async def _stop(
    runtime: Runtime,
    server: Server,
    serving: asyncio.Task[None],
    listening: asyncio.Task[None],
) -> int:
    log.info("Stopping the host...")
    invoker = runtime.invoker
    if not await invoker.becomes_idle(GRACE_SECONDS):
        log.warning("%d function(s) still run after %g seconds.", invoker.running, GRACE_SECONDS)
    await asyncio.wait((listening,), timeout=SAVE_SECONDS)
    listening.cancel()
    # What is open now are answers being streamed; uvicorn would report each as an error.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server.should_exit = True
    results = await asyncio.gather(listening, serving, return_exceptions=True)
    invoker.close()
    await runtime.accounts.close()
    failed = [error for error in results if isinstance(error, Exception)]
    for error in failed:
        log.critical("The host failed.", exc_info=error)
    log.info("Host stopped.")
    return 1 if failed else 0


def describe(function: Function) -> str:
    match function.trigger:
        case HttpTrigger(route=route, methods=methods):
            return f"httpTrigger   [{','.join(methods) or 'any'}] {route}"
        case TimerTrigger(schedule=schedule):
            return f"timerTrigger  {schedule.expression}"
        case BlobTrigger(path=path, source=source):
            return f"blobTrigger   {path} ({source})"


def _log_functions(
    http: HttpFunctions, functions: Sequence[Function], listener: socket.socket
) -> None:
    for route, function, trigger in http.routes:
        log.info(
            "Mapped function route '%s' [%s] to '%s'",
            route.template,
            ",".join(trigger.methods) or "all",
            function.name,
        )
    for item in functions:
        if not isinstance(item.trigger, HttpTrigger):
            log.info("Found the function '%s': %s", item.name, describe(item))
    host, port = listener.getsockname()[:2]
    log.info("Host started: http://%s:%d", f"[{host}]" if ":" in host else host, port)

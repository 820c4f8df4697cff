"""Calls one function: its log lines, its `context`, the thread pool, and what is still running.

Knows nothing of what triggered the call.
"""

import asyncio
import contextlib
import contextvars
import logging
import os
import threading
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func

from local.host.index import Function, HttpTrigger

log = logging.getLogger("Host.Results")


class Context(func.Context):
    """What a `context` parameter receives."""

    def __init__(self, function: Function, invocation_id: str, folder: Path) -> None:
        self._name = function.name
        self._id = invocation_id
        self._folder = str(folder)
        self._local = threading.local()

    @property
    def invocation_id(self) -> str:
        return self._id

    @property
    def function_name(self) -> str:
        return self._name

    @property
    def function_directory(self) -> str:
        return self._folder

    @property
    def thread_local_storage(self) -> Any:
        return self._local

    @property
    def trace_context(self) -> Any:
        return SimpleNamespace(trace_parent="", trace_state="", attributes={})

    @property
    def retry_context(self) -> Any:
        return SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)


class Invoker:
    """Calls functions; `stopping` tells every listener to take no more work."""

    def __init__(self, folder: Path) -> None:
        self.stopping = asyncio.Event()
        self.running = 0
        self._folder = folder
        self._idle = asyncio.Event()
        self._idle.set()
        count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "")
        self._threads = ThreadPoolExecutor(int(count) if count.isdigit() and int(count) else None)

    @contextlib.asynccontextmanager
    async def invocation(self, function: Function, reason: str) -> AsyncIterator[str]:
        """One invocation between its two log lines; a failure is logged here and raised on."""
        invocation_id = str(uuid.uuid4())
        log.info(
            "Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id
        )
        started = time.monotonic()
        try:
            yield invocation_id
        except BaseException as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            log.error(
                "Executed 'Functions.%s' (Failed, Id=%s, Duration=%dms)%s",
                function.name,
                invocation_id,
                (time.monotonic() - started) * 1000,
                " Cancelled: the host stops." if cancelled else "",
                exc_info=None if cancelled else error,
            )
            raise
        log.info(
            "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%dms)",
            function.name,
            invocation_id,
            (time.monotonic() - started) * 1000,
        )

    async def call(self, function: Function, argument: object, invocation_id: str) -> Any:
        arguments = {function.parameter: argument}
        if function.wants_context:
            arguments["context"] = Context(function, invocation_id, self._folder)
        self._enter()
        try:
            if function.is_async:
                result = await function.call(**arguments)
            else:
                context = contextvars.copy_context()
                future = self._threads.submit(lambda: context.run(function.call, **arguments))
                result = await asyncio.wrap_future(future)
        finally:
            self._leave()
        if result is not None and not isinstance(function.trigger, HttpTrigger):
            raise RuntimeError(
                f"function {function.name!r} without a $return binding returned a non-None value"
            )
        return result

    async def becomes_idle(self, within: float) -> bool:
        """Wait until no function runs; False if some still does."""
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def pause(self, seconds: float, wake: asyncio.Event | None = None) -> None:
        """Sleep, but not beyond the moment when the host stops or `wake` is set."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.stopping, wake) if event]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def close(self) -> None:
        """Start no other function in a thread; one that runs there cannot be cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enter(self) -> None:
        self.running += 1
        self._idle.clear()

    def _leave(self) -> None:
        self.running -= 1
        if not self.running:
            self._idle.set()

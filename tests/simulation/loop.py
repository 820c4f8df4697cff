"""An event loop whose time is virtual and whose order is chance: what is ready runs in an order
that a seed decides, and time goes on, at once, to where something is next to happen.

Nothing runs beside it: a function for another thread is called in its place. Knows callbacks, not
what they do.
"""

import asyncio
import heapq
import itertools
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context, ContextVar
from random import Random
from typing import Any, Protocol


class Idle(Exception):
    """Nothing is left that could happen."""


class Owner(Protocol):
    """Whose tasks and timers they are: while it is frozen, until `thaw`, no timer of it ends."""

    thaw: float
    tasks: "list[asyncio.Task[Any]]"


OWNER: ContextVar[Owner | None] = ContextVar("OWNER", default=None)


class SimulatedLoop(asyncio.AbstractEventLoop):
    def __init__(self, chance: Random) -> None:
        self.unhandled: list[BaseException] = []
        self._random = chance.random
        self._tasks: list[asyncio.Task[Any]] = []
        self._time = 0.0
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Owner | None]] = []
        self._numbers = itertools.count()

    # ---- what asyncio asks of a loop

    def time(self) -> float:
        return self._time

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer, OWNER.get()))
        return timer

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Any = None
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        if owner := OWNER.get():
            owner.tasks.append(task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as a thread hands it over
            future.set_exception(error)
        return future

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.unhandled.append(error or RuntimeError(context.get("message")))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    # ---- running

    def pause(self, seconds: float) -> "asyncio.Future[None]":
        """What to await for time to pass, whoever is frozen."""
        future = self.create_future()
        self.world_later(seconds, _wake, future)
        return future

    def world_later(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Something that happens outside of every host."""
        when = self._time + delay
        timer = asyncio.TimerHandle(when, callback, args, self)
        heapq.heappush(self._timers, (when, next(self._numbers), timer, None))

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Until `main` is done. Raises what it raises, and Idle if it waits for nothing."""
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(finalizer=self._finish)
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
            return task.result()
        finally:
            sys.set_asyncgen_hooks(*hooks)
            asyncio._set_running_loop(None)

    def close_all(self) -> None:
        """Cancel what is left and let it end; what it still asks for must come to nothing."""
        self.run(self._end_tasks())

    async def _end_tasks(self) -> None:
        own = asyncio.current_task(self)
        while left := [task for task in self._tasks if not task.done() and task is not own]:
            for task in left:
                task.cancel()
            await self.pause(0)

    def _finish(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.create_task(generator.aclose())

    def _step(self) -> None:
        ready = self._ready
        while not ready:
            self._move_on()
        at = int(self._random() * len(ready))
        ready[at], ready[-1] = ready[-1], ready[at]
        handle = ready.pop()
        if not handle.cancelled():
            handle._run()

    def _move_on(self) -> None:
        """To the next moment for which something is due."""
        timers = self._timers
        if not timers:
            raise Idle
        self._time = max(self._time, timers[0][0])
        while timers and timers[0][0] <= self._time:
            _, number, timer, owner = heapq.heappop(timers)
            if owner and owner.thaw > self._time:
                heapq.heappush(timers, (owner.thaw, number, timer, owner))
            else:
                self._ready.append(timer)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)

"""The signals that stop the host, and the moment by which its process has ended.

A function may swallow its cancellation, block the event loop or sit in a thread. None of that may
keep the process, its port and its storage connections. Knows no function.
"""

import asyncio
import atexit
import contextlib
import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

# After this the process is ended wherever it stands, and prints where that was.
STOP_SECONDS = 1.9


@contextlib.contextmanager
def stop_on_signals(stopping: asyncio.Event) -> Iterator[Callable[[], None]]:
    """Ctrl-C, SIGTERM, a closed terminal (SIGHUP) and Windows' Ctrl-Break set `stopping`; a second
    signal changes nothing. Yields a function that does the same."""
    loop = asyncio.get_running_loop()
    set_deadline = _once(lambda: faulthandler.dump_traceback_later(STOP_SECONDS, exit=True))

    def stop() -> None:
        set_deadline()
        loop.call_soon_threadsafe(stopping.set)

    before = {number: signal.signal(number, lambda *_: stop()) for number in _numbers()}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_process(code: int) -> NoReturn:
    """Call what the app has registered for its exit, and leave out the interpreter's own clean-up:
    it waits for the threads that functions have left behind, and is slow on a busy machine."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


def _numbers() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    numbers = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    # Under nohup a closed terminal is to change nothing.
    return [n for n in numbers if n.name != "SIGHUP" or signal.getsignal(n) != signal.SIG_IGN]


def _once(action: Callable[[], None]) -> Callable[[], None]:
    pending = [action]
    return lambda: pending.pop()() if pending else None

"""Processes that end when the process that started them is gone, however that one has ended.

    start(module("local.events", …))              here: start a program like that
    python -m local.supervised MODULE ARGUMENT…   there: run a module and watch the parent

The child's stdin is a pipe whose other end only the parent has. When the parent is gone, also by
SIGKILL, the system closes that end; a thread in the child reads the pipe to its end and then asks
the module to stop. Works on every system, and the module need not know of it. (Linux can send a
signal instead, PR_SET_PDEATHSIG, but does so when the *thread* that started the child ends.)

Standard library only: dev.py uses it before anything is installed.
"""

import _thread
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

GRACE_SECONDS = 8.0  # for a module that was asked to stop
SAME_SECONDS = 1.0  # signals as close together as this are one: see `interrupt_on_signals`
INTERRUPTS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


# ---- in the process that starts one


def module(*arguments: str, python: str = sys.executable) -> list[str]:
    """The command that runs `python -m ARGUMENTS…`, supervised."""
    return [python, "-m", "local.supervised", *arguments]


def start(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Start a program that reads its stdin to the end and then stops."""
    return _piped(lambda reading: subprocess.Popen(command, stdin=reading, **options))


def start_in_terminal(
    arguments: Sequence[str], python: str, **options: Any
) -> "subprocess.Popen[bytes]":
    """`python -m ARGUMENTS…`, supervised through a pipe of its own: stdin stays the terminal."""

    def launch(reading: int) -> "subprocess.Popen[bytes]":
        if sys.platform == "win32":
            import msvcrt

            pipe = msvcrt.get_osfhandle(reading)
            os.set_handle_inheritable(pipe, True)
            startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [pipe]})
            options["startupinfo"] = startup
        else:
            pipe, options["pass_fds"] = reading, [reading]
        command = module("--pipe", str(pipe), *arguments, python=python)
        return subprocess.Popen(command, **options)

    return _piped(launch)


def _piped(launch: Callable[[int], "subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    """What `launch` starts with one end of a pipe; the other stays open until it is forgotten."""
    reading, writing = os.pipe()
    try:
        process = launch(reading)
    except BaseException:
        os.close(writing)
        raise
    finally:
        os.close(reading)
    weakref.finalize(process, os.close, writing)
    return process


# ---- in the process that was started


def main() -> None:
    arguments = sys.argv[1:]
    if arguments[0] == "--pipe":
        pipe, arguments = _given(int(arguments[1])), arguments[2:]
    else:
        pipe = _stdin()
    threading.Thread(target=_watch, args=(pipe,), name="supervised", daemon=True).start()
    interrupt_on_signals()
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def interrupt_on_signals() -> None:
    """SIGTERM, Windows' Ctrl-Break and a closed terminal end a program as Ctrl-C does.

    A Ctrl-C comes twice: from the terminal, and from dev.py, which passes on what it gets. The
    second one is ignored, or it would interrupt the stopping.
    """
    last = 0.0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before > SAME_SECONDS:
            raise KeyboardInterrupt

    for number in INTERRUPTS:
        # `nohup` has SIGHUP ignored, and means it. A shell's `&` has SIGINT ignored, but who sends
        # one to this process by its id wants it to stop.
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def _given(pipe: int) -> int:
    if sys.platform == "win32":
        import msvcrt

        return msvcrt.open_osfhandle(pipe, os.O_RDONLY)
    os.set_inheritable(pipe, False)
    return pipe


def _stdin() -> int:
    """The pipe, out of the way: on Windows, a child that inherits a stdin which somebody is reading
    from hangs at its start."""
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return pipe


def _watch(pipe: int) -> None:
    while os.read(pipe, 1024):  # nobody writes to it
        continue
    if sys.platform == "win32":
        _thread.interrupt_main(signal.SIGTERM)
    else:  # to the main thread: a signal to the process might not wake it
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()

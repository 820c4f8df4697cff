"""`python -m local.host --app DIR --port N`: starts, says what it serves, stops cleanly."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.routing import Router

from local.host.accounts import HOST_CONNECTION, Accounts
from local.host.admin import Admin
from local.host.blobs import BlobQueue
from local.host.http import Guard, HttpFunctions
from local.host.index import AppError, BlobTrigger, Function, HttpTrigger, TimerTrigger, load_app
from local.host.index import index as index_app
from local.host.invoke import Invoker
from local.host.settings import Settings, SettingsError, connection_string, load_settings
from local.host.timer import TimerListener

log = logging.getLogger("Host.Startup")

KEY_SETTING = "FUNCTIONS_MASTER_KEY"
GRACE_SECONDS = 5.0  # for functions that run when the host is told to stop


class Server(uvicorn.Server):
    """uvicorn, but the host decides what a signal does: functions are waited for first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    folder = Path(options.app).resolve()
    _start_logging()
    try:
        settings = load_settings(folder)
        logging.getLogger().setLevel(settings.log_level)
        listener = None if options.check else _bind(options.host, options.port)
        guard = Guard(_master_key() if options.enable_auth else None)
        _imitate_core_tools(folder, listener)
        functions, problems = index_app(load_app(folder))
        problems += _connection_problems(functions)
    except (SettingsError, AppError) as error:
        return _refuse([str(error)])
    if problems:
        return _refuse(problems)
    if listener is None:
        _print_table(functions)
        return 0
    return asyncio.run(serve(functions, settings, guard, listener))


async def serve(
    functions: Sequence[Function], settings: Settings, guard: Guard, listener: socket.socket
) -> int:
    invoker, accounts = Invoker(settings.folder), Accounts()
    by_full_name = {item.full_name: item for item in functions}
    queue = BlobQueue(by_full_name, settings, accounts, invoker)
    admin = Admin(
        {item.name: item for item in functions}, settings, accounts, invoker, queue, guard
    )
    http = HttpFunctions(functions, settings.route_prefix, invoker, guard)
    server = Server(
        uvicorn.Config(
            Router(admin.routes(), redirect_slashes=False, default=http),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=0,
        )
    )
    with _stop_on_signals(invoker.stopping):
        serving = asyncio.create_task(server.serve([listener]))
        listening = asyncio.create_task(_listen(functions, settings, accounts, invoker, queue))
        _announce(http, functions, listener)
        stopping = asyncio.create_task(invoker.stopping.wait())
        listening.add_done_callback(lambda _: invoker.stopping.set())
        await asyncio.wait((stopping, serving), return_when=asyncio.FIRST_COMPLETED)
        return await _stop(invoker, accounts, server, serving, listening)


async def _listen(
    functions: Sequence[Function],
    settings: Settings,
    accounts: Accounts,
    invoker: Invoker,
    queue: BlobQueue,
) -> None:
    """Everything that needs storage; HTTP functions work without."""
    timers = [
        TimerListener(item, item.trigger, accounts, settings.host_id)
        for item in functions
        if isinstance(item.trigger, TimerTrigger)
    ]
    blobs = [item for item in functions if isinstance(item.trigger, BlobTrigger)]
    if (timers or blobs) and await accounts.wait_for_host_storage(invoker):
        log.info("Host storage is ready: timers and blob triggers are listening.")
        async with asyncio.TaskGroup() as group:
            for timer in timers:
                group.create_task(timer.run(invoker))
            if blobs:
                group.create_task(queue.run())
    await invoker.stopping.wait()


async def _stop(
    invoker: Invoker,
    accounts: Accounts,
    server: Server,
    serving: asyncio.Task[None],
    listening: asyncio.Task[None],
) -> int:
    log.info("Stopping the host...")
    invoker.stopping.set()
    if not await invoker.becomes_idle(GRACE_SECONDS):
        log.warning("%d function(s) still run after %d seconds.", invoker.running, GRACE_SECONDS)
    # What just ended still has its message to delete or its status to save.
    await asyncio.wait((listening,), timeout=0.5)
    listening.cancel()
    # What is open now are answers being streamed; uvicorn would report each as an error.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server.should_exit = True
    results = await asyncio.gather(listening, serving, return_exceptions=True)
    await accounts.close()
    failed = [error for error in results if isinstance(error, Exception)]
    for error in failed:
        log.critical("The host failed.", exc_info=error)
    log.info("Host stopped.")
    if not invoker.close():
        logging.shutdown()
        os._exit(1 if failed else 0)  # a thread cannot be cancelled, and would be waited for
    return 1 if failed else 0


# ---- start-up ------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m local.host", description="Run a Functions app.")
    parser.add_argument("--app", required=True, help="the folder that holds function_app.py")
    parser.add_argument("--port", type=int, default=7071)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--check", action="store_true", help="only load the app and list it")
    parser.add_argument(
        "--enable-auth", action="store_true", help=f"ask for the key in {KEY_SETTING}"
    )
    return parser


def _start_logging() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines("[%(asctime)s] %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    # The real host's own storage calls are .NET's and never in a Python log. Set before the app is
    # imported, so that an app that wants the SDK's log still gets it.
    for noisy in ("azure", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Lines(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{moment}.{record.msecs:03.0f}Z"


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With protocol 0, asyncio would not see that it is TCP and leave Nagle's algorithm on: 40 ms
    # more for every answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError:
        raise SettingsError(
            f"Port {port} is unavailable. Close the process using that port, or specify another "
            "port using --port."
        ) from None
    return listener


def _imitate_core_tools(folder: Path, listener: socket.socket | None) -> None:
    """The variables that `func start` sets before it loads the app."""
    port = listener.getsockname()[1] if listener else 7071
    os.environ.setdefault("WEBSITE_HOSTNAME", f"localhost:{port}")
    os.environ.setdefault("AzureWebJobsScriptRoot", str(folder))
    os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")


def _master_key() -> str:
    if key := os.environ.get(KEY_SETTING):
        return key
    raise SettingsError(f"--enable-auth needs a master key in the setting {KEY_SETTING}.")


def _connection_problems(functions: Sequence[Function]) -> list[str]:
    problems = []
    needs_storage = [item for item in functions if not isinstance(item.trigger, HttpTrigger)]
    if needs_storage and not os.environ.get(HOST_CONNECTION):
        problems.append(
            f"Missing value for {HOST_CONNECTION} in local.settings.json or the environment. It is "
            "required for all triggers other than HTTP."
        )
    for item in functions:
        if isinstance(item.trigger, BlobTrigger):
            try:
                connection_string(item.trigger.connection)
            except SettingsError as error:
                problems.append(f"Function '{item.name}': {error}")
    return problems


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 - a command's answer
    return 1


def _describe(function: Function) -> str:
    match function.trigger:
        case HttpTrigger(route=route, methods=methods):
            return f"httpTrigger   [{','.join(methods) or 'any'}] {route}"
        case TimerTrigger(schedule=schedule):
            return f"timerTrigger  {schedule.expression}"
        case BlobTrigger(path=path):
            return f"blobTrigger   {path}"


def _print_table(functions: Sequence[Function]) -> None:
    width = max((len(item.name) for item in functions), default=0)
    for item in functions:
        print(f"{item.name:{width}}  {_describe(item)}")  # noqa: T201 - a command's answer


def _announce(http: HttpFunctions, functions: Sequence[Function], listener: socket.socket) -> None:
    for route, function, trigger in http.routes:
        log.info(
            "Mapped function route '%s' [%s] to '%s'",
            route.template,
            ",".join(trigger.methods) or "all",
            function.name,
        )
    for item in functions:
        if not isinstance(item.trigger, HttpTrigger):
            log.info("Found the function '%s': %s", item.name, _describe(item))
    host, port = listener.getsockname()[:2]
    log.info("Host started: http://%s:%d", f"[{host}]" if ":" in host else host, port)


@contextlib.contextmanager
def _stop_on_signals(stopping: asyncio.Event) -> Iterator[None]:
    """Ctrl-C, SIGTERM and Windows' Ctrl-Break; a second one while stopping changes nothing."""
    loop = asyncio.get_running_loop()
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopping.set))
        for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m local.host --app DIR --port N`: reads the options, loads the app and runs it."""

import argparse
import asyncio
import copy
import logging
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local.host.accounts import HOST_CONNECTION
from local.host.index import AppError, BlobTrigger, Function, HttpTrigger, load_app
from local.host.index import index as index_app
from local.host.keys import MASTER, SETTINGS, FunctionKeys
from local.host.origin import Hosts
from local.host.server import describe, serve
from local.host.settings import SettingsError, connection_string, load_settings
from local.host.signals import end_process


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    folder = Path(options.app).resolve()
    _start_logging()
    try:
        settings = load_settings(folder)
        logging.getLogger().setLevel(settings.log_level)
        keys = _keys() if options.auth and not options.check else FunctionKeys(None)
        listener = None if options.check else _bind(options.host, options.port)
        _imitate_core_tools(folder, listener)
        functions, problems = index_app(load_app(folder))
        problems += _connection_problems(functions)
    except (SettingsError, AppError) as error:
        return _fail([str(error)])
    if problems:
        return _fail(problems)
    if listener is None:
        _print_table(functions)
        return 0
    hosts = Hosts.of(options.host, options.allow_host)
    return asyncio.run(serve(functions, settings, keys, listener, hosts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m local.host", description="Run a Functions app.")
    parser.add_argument("--app", required=True, help="the folder that holds function_app.py")
    parser.add_argument("--port", type=int, default=7071)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name under which it may be called; may be repeated",
    )
    parser.add_argument("--check", action="store_true", help="only load the app and list it")
    parser.add_argument(
        "--no-auth",
        dest="auth",
        action="store_false",
        help=f"ask for no keys, as Core Tools; they are in {', '.join(SETTINGS.values())}",
    )
    return parser


def _start_logging() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_UtcFormatter("[%(asctime)s] %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    # The real host's own storage calls are .NET's and never in a Python log. Set before the app is
    # imported, so that an app that wants the SDK's log still gets it.
    for noisy in ("azure", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _UtcFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Names of blobs come from strangers: a terminal is to show them and not to obey them."""
        if record.name.startswith("Host.") and isinstance(record.args, tuple):
            record = copy.copy(record)
            record.args = tuple(map(_shown, record.args or ()))
        return super().format(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{moment}.{record.msecs:03.0f}Z"


def _shown(value: object) -> object:
    return ascii(value)[1:-1] if isinstance(value, str) and not value.isprintable() else value


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
    except (OSError, OverflowError):
        listener.close()
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


def _keys() -> FunctionKeys:
    if os.environ.get(MASTER):
        return FunctionKeys.read(os.environ)
    raise SettingsError(
        f"This host asks for keys, as it does in Azure: set {MASTER} to the one that opens "
        "everything, or start it with --no-auth."
    )


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


def _fail(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 - a command's answer
    return 1


def _print_table(functions: Sequence[Function]) -> None:
    width = max((len(item.name) for item in functions), default=0)
    for item in functions:
        print(f"{item.name:{width}}  {describe(item)}")  # noqa: T201 - a command's answer


if __name__ == "__main__":
    end_process(main())

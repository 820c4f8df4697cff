"""The command: reads the arguments, serves, and stops soon after a signal. Knows no operation."""

import argparse
import os
import signal
import socket
import sqlite3
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from types import FrameType

import uvicorn

from . import DEFAULT_KEY, __version__
from .app import Emulator, build_app
from .language.model import MODEL_NAMES, LanguageModel
from .language.weights import DTYPES, OFFLINE_AND_QUIET

# Seconds that answers under way get at the end; the training gets `app.STOP_TIMEOUT` after that.
GRACEFUL_SECONDS = 1
# uvicorn's 5 s are passed by a client that a busy machine holds up; its next request would then
# meet a connection that is being closed.
KEEP_ALIVE_SECONDS = 120
# SIGHUP (the terminal was closed) does not exist on Windows.
STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def command_name() -> str:
    """The installed command, or the module as it was started with -m."""
    name = Path(sys.argv[0]).name
    return f"python -m {__package__}" if name == "__main__.py" else name


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=command_name(), description="Azure OpenAI on a laptop.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--port", type=int, default=8080, help="default: 8080; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine only")
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name under which it may be called, e.g. of its container; may be repeated",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(".local/emulator"),
        help="folder that holds everything (default: .local/emulator)",
    )
    parser.add_argument(
        "--model",
        choices=sorted(MODEL_NAMES),
        default="smollm2",
        help="which model answers; tiny has random weights and is for tests (default: smollm2)",
    )
    parser.add_argument(
        "--weights", type=Path, help="cache of converted weights (default: STATE/../weights)"
    )
    parser.add_argument(
        "--dtype", choices=DTYPES, help="numbers of the model (default: what this processor can)"
    )
    parser.add_argument(
        "--key", default=DEFAULT_KEY, help=f"the account's API key (default: {DEFAULT_KEY})"
    )
    parser.add_argument(
        "--lazy",
        action="store_true",
        help="load the model at the first job or chat, not in the background at the start",
    )
    return parser.parse_args()


def prepare_environment() -> None:
    """Before torch is imported, which reads these once."""
    # Threads that spin while they wait take the core from another process that needs it: with one
    # busy neighbour on two cores, a token took three times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.update(OFFLINE_AND_QUIET)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # peft still asks transformers for a name that is deprecated; it cannot be changed from here.
    warnings.filterwarnings("ignore", category=FutureWarning)


def make_private(folder: Path) -> None:
    """Only this user can read what is here and what comes: datasets, chats, the tokens' secret.

    Windows has no such rights: there a folder's files have the rights of the folder around it.
    """
    os.umask(0o077)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix":
        with suppress(PermissionError):  # a folder that somebody else has given to this user
            folder.chmod(0o700)


def open_state(arguments: argparse.Namespace, stopping: threading.Event) -> Emulator:
    """With what was there before. Ends the process, with a sentence, where it cannot be used."""
    try:
        make_private(arguments.state)
        state: Path = arguments.state.resolve()
        weights = arguments.weights or state.parent / "weights"
        language = LanguageModel(arguments.model, weights, state / "adapters", arguments.dtype)
        return Emulator(state, language, arguments.key, not arguments.lazy, stopping)
    except OSError as error:
        reason = error.strerror
    except (sqlite3.Error, ValueError) as error:  # a full disk, no rights, no database
        reason = str(error)
    sys.exit(
        f"The folder {arguments.state} cannot be used ({reason}). Make room in it or take another "
        "one; if the database emulator.sqlite3 in it is broken, delete that."
    )


def listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port))
        # Connections inherit it. asyncio would set it only for sockets that name their protocol,
        # and without it every second answer on a connection waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        reason = os.strerror(number) if number else "there is no such port"
        sys.exit(f"The emulator cannot listen on {host}:{port} ({reason}); take another port.")


def banner(url: str, model: str, key: str) -> str:
    shown_key = DEFAULT_KEY if key == DEFAULT_KEY else "..."
    return (
        f"Azure OpenAI emulator on {url} ({MODEL_NAMES[model]} answers)\n"
        f"  OpenAI(base_url='{url}/openai/v1/', api_key={shown_key!r})\n"
        f"  state, clock, faults and journal: {url}/_emulator\n"
    )


class Server(uvicorn.Server):
    """Stops on a signal also when it has not begun to serve; the training stops at the same time,
    and not only after the answers under way."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)

    def listen_to_signals(self) -> None:
        """uvicorn handles only SIGINT and SIGTERM, and only while it serves. Afterwards it raises
        them again for the handler that was there before, which is this one."""
        for signum in STOP_SIGNALS:
            # nohup ignores SIGHUP: the emulator is then to go on when the terminal is closed.
            if signum == signal.SIGINT or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, self.handle_exit)


def main() -> None:
    arguments = parse_arguments()
    prepare_environment()
    stopping = threading.Event()
    listener = listen(arguments.host, arguments.port)
    emulator = open_state(arguments, stopping)
    app = build_app(emulator, arguments.host, arguments.allow_host)
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = Server(config, stopping)
    server.listen_to_signals()
    # The socket is open: a client that has read this may already connect.
    url = f"http://{arguments.host}:{listener.getsockname()[1]}"
    sys.stdout.write(banner(url, arguments.model, arguments.key))
    sys.stdout.flush()
    server.run(sockets=[listener])
    # A thread inside torch cannot be interrupted and would delay an ordinary exit; all that must
    # survive is in the database by now.
    os._exit(0)


if __name__ == "__main__":
    main()

"""python -m local.emulator: reads the arguments, serves, and leaves quickly when told to."""

import argparse
import os
import signal
import socket
import sys
import warnings
from pathlib import Path

import uvicorn

from .app import build_app
from .auth import DEFAULT_KEY
from .language import MODEL_NAMES, Language
from .weights import DTYPES, OFFLINE_AND_QUIET


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.emulator", description="Azure OpenAI on a laptop."
    )
    parser.add_argument("--port", type=int, default=8080, help="default: 8080; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine only")
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
        help="who answers; tiny has random weights and is for tests (default: smollm2)",
    )
    parser.add_argument(
        "--weights", type=Path, help="cache of converted weights (default: STATE/../models)"
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
    # Threads that spin while they wait are ruinous when another process wants the core: with one
    # busy neighbour on two cores, a token took three times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.update(OFFLINE_AND_QUIET)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # peft still asks transformers for a name that is on its way out; nobody here can change that.
    warnings.filterwarnings("ignore", category=FutureWarning)


def listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port))
        # Connections inherit it. asyncio would set it only for sockets that name their protocol,
        # and without it every second answer on a connection waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number else "there is no such port"
        sys.exit(f"The emulator cannot listen on {host}:{port} ({why}); take another port.")


def main() -> None:
    wanted = parse_arguments()
    prepare_environment()
    try:
        wanted.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(f"The folder {wanted.state} cannot be used ({error.strerror}); take another one.")
    weights = wanted.weights or wanted.state.resolve().parent / "models"
    listener = listen(wanted.host, wanted.port)
    language = Language(wanted.model, weights, wanted.state.resolve() / "adapters", wanted.dtype)
    app = build_app(wanted.state.resolve(), language, wanted.key, not wanted.lazy)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    # uvicorn stops on these signals and then raises them again for whoever was there before it.
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: None)
    shown_key = DEFAULT_KEY if wanted.key == DEFAULT_KEY else "..."
    # The socket is open: whoever reads this may already connect.
    url = f"http://{wanted.host}:{listener.getsockname()[1]}"
    sys.stdout.write(
        f"Azure OpenAI emulator on {url} ({MODEL_NAMES[wanted.model]} answers)\n"
        f"  OpenAI(base_url='{url}/openai/v1/', api_key={shown_key!r})\n"
        f"  state, clock, faults and journal: {url}/_emulator\n"
    )
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])
    # A thread inside torch cannot be interrupted and would hold up an ordinary exit; all that must
    # survive is in the database by now.
    os._exit(0)


if __name__ == "__main__":
    main()

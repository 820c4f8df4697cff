"""The options of `dev.py demo` and `dev.py up`, apart from what they do: `--help` needs no set-up.

Standard library only: dev.py reads them before anything is installed.
"""

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
ENV_FILE = ROOT / ".env"


def demo() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py demo",
        description="Drop an example, watch it train, and chat with the tuned model beside the "
        "base model. Starts the stack if none runs here, and stops what it has started. "
        "Everything that it keeps is in .local.",
    )
    parser.add_argument(
        "--model", default="captain", help="the folder of examples/ to drop (default captain)"
    )
    parser.add_argument("--question", help="what to ask (default: the first validation example)")
    parser.add_argument("--fresh", action="store_true", help="forget everything and train again")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--emulated", default="smollm2", help=argparse.SUPPRESS)
    return _common(parser)


def up() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py up",
        description="Start the stack and leave it running until Ctrl-C, with what a person needs "
        "to use it. Everything that it keeps is in .local; .local/stack.json has its addresses, "
        "its key and its processes. The app's settings (docs/settings.md) are taken from the "
        "environment, and from lines of NAME=value in .env; the environment goes first.",
    )
    parser.add_argument("--fresh", action="store_true", help="forget every dataset, run and model")
    parser.add_argument("--otel", action="store_true", help="write spans, metrics and logs")
    parser.add_argument(
        "--no-auth",
        dest="auth",
        action="store_false",
        help="ask for no key where Azure asks for one of the Functions host",
    )
    parser.add_argument(
        "--func",
        action="store_true",
        help="run the app with Azure Functions Core Tools (func), which asks for no key",
    )
    parser.add_argument("--model", default="smollm2", help=argparse.SUPPRESS)
    return _common(parser)


def _common(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--port", type=int, help="port of the app (default 7071 if it is free; 0: a free one)"
    )
    parser.add_argument("--state", type=Path, default=STATE, help=argparse.SUPPRESS)
    return parser

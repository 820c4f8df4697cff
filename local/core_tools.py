"""Azure Functions Core Tools in the local host's place: `python -m local.core_tools --port N`.

Writes the local.settings.json that `func start` needs, unless there is one, and takes it away at
the end; every other setting it gets by the environment, which goes before the file. Knows nothing
of the app's own settings.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from local import private
from local.errors import StackError

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = "local.settings.json"
NEEDED = ("FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage")  # what `func` looks for in the file
GRACE_SECONDS = 5.0  # less than what this process is given itself


def installed() -> str:
    """The path of `func`. Raises StackError."""
    if found := shutil.which("func"):
        return found
    raise StackError(
        "Azure Functions Core Tools (func) is not on the PATH: install it "
        "(npm install -g azure-functions-core-tools@4), or leave --func out and the app runs in "
        "the local host."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m local.core_tools", description="Run `func start`.")
    parser.add_argument("--app", type=Path, default=ROOT, help="the folder of function_app.py")
    parser.add_argument("--port", required=True)
    options = parser.parse_args(arguments)
    try:
        command = [installed(), "start", "--port", options.port]
        with settings_file(options.app / SETTINGS, dict(os.environ)):
            return _run(command, options.app)
    except StackError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:  # so the stack ends its parts
        return 0


@contextlib.contextmanager
def settings_file(path: Path, environ: dict[str, str]) -> Iterator[None]:
    """For as long as the block runs; a file that is there already is its user's and stays as it
    is. Raises OSError."""
    values = {name: environ[name] for name in NEEDED if name in environ}
    text = json.dumps({"IsEncrypted": False, "Values": values}, indent=2)
    ours = not path.exists()
    if ours:
        private.write_text(path, text)
    try:
        yield
    finally:
        if ours and path.exists() and path.read_text(encoding="utf-8") == text:
            path.unlink()


def environment(environ: dict[str, str]) -> dict[str, str]:
    """With this Python first on the PATH, where `func` looks for the one that runs the app."""
    folder = Path(sys.executable).parent
    path = os.pathsep.join([str(folder), environ.get("PATH", "")])
    return {**environ, "PATH": path, "VIRTUAL_ENV": str(folder.parent)}


def _run(command: list[str], folder: Path) -> int:
    process = subprocess.Popen(command, cwd=folder, env=environment(dict(os.environ)))
    try:
        return process.wait()
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With its children: the worker, and what npm's `func` has started in its place."""
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        family = [parent, *parent.children(recursive=True)]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.terminate()
        for stubborn in psutil.wait_procs(family, timeout=GRACE_SECONDS)[1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                stubborn.kill()
    process.wait()


if __name__ == "__main__":
    sys.exit(main())

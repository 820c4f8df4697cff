"""Stands in for `func` where Core Tools cannot be installed: `func start --port N` in an app's
folder. It looks for what `func` wants and runs the local host without keys, as `func` runs its own.

It proves how the stack starts `func`, and nothing about `func`.
"""

import json
import sys
from pathlib import Path

from local.host.__main__ import main


def run(arguments: list[str]) -> int:
    command, option, port = arguments
    assert (command, option) == ("start", "--port"), arguments
    told = json.loads(Path("local.settings.json").read_text(encoding="utf-8"))
    assert told["IsEncrypted"] is False
    assert {"FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage"} <= set(told["Values"])
    return main(["--app", ".", "--port", port, "--no-auth"])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

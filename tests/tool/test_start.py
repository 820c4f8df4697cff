"""A command begins at once: nobody waits for what only others need."""

import json
import subprocess
import sys

from tests.support.terminal import ROOT

# Each takes from a tenth of a second to half of one.
HEAVY = ("openai", "rich", "numpy", "starlette", "keyring", "webbrowser", "readline")


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    program = (
        "import json, sys\n"
        "from tunedrop import __main__\n"
        "print(json.dumps(sorted(name.partition('.')[0] for name in sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert set(json.loads(done.stdout)) & set(HEAVY) == set()
